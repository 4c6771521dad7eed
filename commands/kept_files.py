"""What a run keeps of the files that its world is made from: the hash of each."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from gymnasium.vector import VectorEnv

from quadrivium.agents.runs.directory import write_atomically
from quadrivium.commands.build import make_worlds
from quadrivium.commands.trading.kept_market import MARKET
from quadrivium.configs.schema import RunConfig
from quadrivium.envs import bare_id, options_of

FILES = "files.json"


def keep_files(run_dir: Path, config: RunConfig, others: Mapping[str, str] | None = None) -> None:
    """Writes RUN/files.json, if the run's world is made from files, or it learns from some.

    others: the hashes of those that are not the world's, by path.
    """
    files = dict(others or {})
    if options_of(bare_id(config.env.id)) is not None:  # an environment of others may be dear to make
        env = make_worlds(config.env.id, 1, config.env.kwargs)
        env.close()
        files |= _files_of(env)
    if files:
        write_atomically(run_dir / FILES, (json.dumps(files, indent=2) + "\n").encode())


def tell_changed_files(
    run_dir: Path, env: VectorEnv, notify: Callable[[str], object], others: Mapping[str, str] | None = None
) -> None:
    """Says which of the files that an environment is made from were others when the run began.

    others: the hashes of further files, by path.
    """
    kept = _kept(run_dir)
    for name, now in {**_files_of(env), **(others or {})}.items():
        if kept.get(name, now) != now:
            notify(f"{name} has changed since {run_dir} began, whose agent knows it as it was then")


def _files_of(env: VectorEnv) -> Mapping[str, str]:
    return getattr(getattr(env.unwrapped, "setup", None), "files", {})


def _kept(run_dir: Path) -> dict[str, str]:
    if (run_dir / FILES).is_file():
        return json.loads((run_dir / FILES).read_text(encoding="utf-8"))
    market = run_dir / MARKET  # in which older runs keep them
    return json.loads(market.read_text(encoding="utf-8")).get("files", {}) if market.is_file() else {}
