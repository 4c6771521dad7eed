"""Tries an installed wheel from an empty folder beside a user's own `envs`, `agents` and `configs`.

python .ci/try_wheel.py        # with the Python of an environment that has the wheel, in a folder to write in
"""

import subprocess
import sys
from pathlib import Path

import gymnasium
import pettingzoo

PROGRAM = Path(sys.executable).with_name("quadrivium")
SHORT = "--total-timesteps 1024 --evaluation.every-steps null --logging.progress false"
OURS = """
import envs, agents, configs
assert envs.MINE and agents.MINE and configs.MINE
import gymnasium
gymnasium.make("quadrivium:quadrivium/Highway-v0").reset(seed=0)
"""


def quadrivium(*words: str) -> str:
    """Returns what the command says; it must succeed."""
    done = subprocess.run([PROGRAM, *words], capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(words)}: {done.stdout}{done.stderr}"
    return done.stdout


def files(package: Path) -> dict[str, int]:
    """Returns the sizes of the package's files; bytecode is Python's."""
    return {str(path): path.stat().st_size for path in package.rglob("*.*") if path.suffix != ".pyc"}


def main() -> None:
    """Makes every id, trains, evaluates; nothing is written into the package."""
    for name in ("envs", "agents", "configs"):
        Path(name).mkdir()
        Path(name, "__init__.py").write_text("MINE = True\n")
    import quadrivium as package

    home = Path(package.__file__).parent
    assert "site-packages" in home.parts, f"the package is imported from {home}, not from a wheel"
    before = files(home)
    Path("mine.py").write_text(OURS)
    subprocess.run([sys.executable, "mine.py"], check=True)

    ids = [name for name in gymnasium.registry if name.startswith("quadrivium/")]
    assert len(ids) >= 19, ids
    for name in ids:
        env = gymnasium.make_vec(name, num_envs=2)
        env.reset(seed=0)
        env.close()
    for kind in ("aec", "parallel"):
        for name in getattr(pettingzoo, f"{kind}_registry"):
            if name.startswith("quadrivium/"):
                pettingzoo.make(kind, name).reset(seed=0)

    assert "--agent.learning-rate" in quadrivium("train", "configs/driving/highway_ppo.yaml", "--help")
    said = quadrivium("train", *SHORT.split(), "--name", "short", "--evaluation.final-episodes", "8")
    assert "quadrivium evaluate run runs/short" in said, said
    quadrivium("evaluate", "run", "runs/short", "--episodes", "8")
    quadrivium("train", "--resume", "runs/short", "--total-timesteps", "2048")
    quadrivium("evaluate", "tournament", "--help")
    static = home / "commands" / "pages" / "static"
    assert {path.name for path in static.iterdir()} >= {"index.html", "style.css", "app.js"}
    assert files(home) == before, "something was written into the package"
    print(f"the wheel works: {len(ids)} ids, trained, evaluated, resumed")


if __name__ == "__main__":
    main()
