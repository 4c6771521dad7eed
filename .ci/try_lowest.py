"""Tries an environment of the lowest versions that pyproject.toml allows: every id, two short trainings.

python .ci/try_lowest.py        # with the Python of that environment, in a folder to write in
"""

from pathlib import Path

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode

import quadrivium
from quadrivium.commands import evaluate, train

SHORT = "--total-timesteps 512 --evaluation.every-steps null --evaluation.final-episodes 4"
QUIET = ["--logging.progress", "false"]
CONFIGS = {
    "cartpole/ppo.yaml": "--agent.n-steps 32 --agent.batch-size 64",
    "driving/highway_dqn.yaml": "--agent.learning-starts 64",
}


def main() -> None:
    """Steps every id, alone and in batches, trains, evaluates, resumes."""
    ids = [name for name in gymnasium.registry if name.startswith("quadrivium/")]
    for name in ids:
        env = gymnasium.make(name)
        batch = gymnasium.make_vec(name, num_envs=2)
        same = {"autoreset_mode": AutoresetMode.SAME_STEP}
        sync = gymnasium.make_vec(name, 2, vectorization_mode="sync", vector_kwargs=same)
        for one in (env, batch, sync):
            one.reset(seed=0)
        env.step(env.action_space.sample())
        actions = batch.action_space.sample()
        ours, theirs = batch.step(actions), sync.step(actions)
        np.testing.assert_allclose(ours[1], theirs[1], rtol=1e-6)
    configs = Path(quadrivium.__file__).parent / "configs"
    for k, (config, more) in enumerate(CONFIGS.items()):
        assert (
            train.main([str(configs / config), *SHORT.split(), *QUIET, *more.split(), "--name", f"run{k}"])
            == 0
        )
        assert train.main(["--resume", f"runs/run{k}", "--total-timesteps", "768"]) == 0
        assert evaluate.main(["run", f"runs/run{k}", "--episodes", "4"]) == 0
    print(f"the lowest versions work: {len(ids)} ids, {len(CONFIGS)} trainings")


if __name__ == "__main__":
    main()
