"""A small config and a way to run the commands inside the test process."""

import contextlib
from pathlib import Path

from quadrivium.commands import evaluate, train

CONFIG = """
name: small
seed: 1
total_timesteps: 1024
device: cpu
env: {id: quadrivium/Highway-v0, num_envs: 16, kwargs: {vehicles: 6, duration: 10}}
agent: {algorithm: ppo, n_steps: 16, batch_size: 64, n_epochs: 2, net: {width: 16, depth: 1}}
checkpoint: {every_steps: 512, keep_last: 2}
evaluation: {every_steps: 512, episodes: 8, final_episodes: 16, kwargs: {split: test}}
logging: {interval: 1, video_every_steps: 1024}
"""


def write_config(directory: Path) -> Path:
    """Writes CONFIG into `directory` and returns its path."""
    path = directory / "small.yaml"
    path.write_text(CONFIG)
    return path


def run_train(directory: Path, *arguments: object) -> int:
    """Runs train.py in `directory`; returns its exit code."""
    with contextlib.chdir(directory):
        return train.main([str(argument) for argument in arguments])


def run_evaluate(directory: Path, *arguments: object) -> int:
    """Runs evaluate.py in `directory`; returns its exit code."""
    with contextlib.chdir(directory):
        return evaluate.main([str(argument) for argument in arguments])
