"""`kill -9` at random moments of a training, then `--resume`: it ends as if it had never been interrupted."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import gymnasium
import numpy as np
import pytest
import torch

import quadrivium  # noqa: F401 (registers the environment ids)
from quadrivium.agents.runs.checkpoint import list_checkpoints, load_checkpoint

ROOT = Path(__file__).resolve().parents[2]
TOTAL_STEPS = 3072
PATIENCE_S = 600.0

CONFIG = """
name: run
seed: 3
total_timesteps: {steps}
device: cpu
threads: 1
env: {{id: quadrivium/Highway-v0, num_envs: 16, kwargs: {{vehicles: 6, duration: 10}}}}
agent: {agent}
checkpoint: {{every_steps: 256, keep_last: 2}}
evaluation: {{every_steps: 1024, episodes: 16, final_episodes: null, baselines: [random]}}
logging: {{interval: 1, progress: false}}
"""

AGENTS = {
    "ppo": """{algorithm: ppo, n_steps: 16, batch_size: 64, n_epochs: 4, learning_rate: 1e-3,
               learning_rate_schedule: linear, net: {trunk: mlp, width: 32, depth: 1}}""",
    "dqn": """{algorithm: dqn, learning_rate: 1e-3, buffer_size: 2000, learning_starts: 256, batch_size: 32,
               train_freq: 64, gradient_steps: 4, target_update_interval: 128, exploration_fraction: 0.5,
               n_steps: 2, net: {trunk: mlp, width: 32, depth: 1}}""",
}


def start(directory: Path, *arguments: str) -> subprocess.Popen[str]:
    directory.mkdir(exist_ok=True)
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, str(ROOT / "train.py"), *arguments],
        cwd=directory,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def newest(run_dir: Path) -> int:
    names = [path.name for path in run_dir.glob("checkpoints/*") if path.name.isdecimal()]
    return max(map(int, names), default=-1)


def wait_until(condition, process: subprocess.Popen[str]) -> None:
    """Waits for a condition, or for the process to end by itself."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition() and process.poll() is None:
        assert time.monotonic() < deadline, "the training does not move"
        time.sleep(0.01)


def train_with_kills(directory: Path, config: Path, draw: random.Random) -> list[int]:
    """Trains to the end through three kills; returns the newest checkpoint's step at each of them."""
    run_dir = directory / "runs" / "run"
    killed_at: list[int] = []
    process = start(directory, str(config))
    try:
        for kill in range(3):
            if kill == 0:  # anywhere between the first file of the run and the first checkpoints
                wait_until(run_dir.exists, process)
                time.sleep(draw.uniform(0.0, 0.5))
            else:  # a while after some checkpoint of this life, well before the end, however fast the machine
                first = newest(run_dir) + 1
                step = draw.randint(first, max(first, round(kill * 0.3 * TOTAL_STEPS)))
                wait_until(lambda step=step: newest(run_dir) >= step, process)
                time.sleep(draw.uniform(0.0, 0.05))
            process.send_signal(signal.SIGKILL)
            output, _ = process.communicate()
            assert process.returncode in (0, -signal.SIGKILL), output
            killed_at.append(newest(run_dir))
            process = start(directory, "--resume", str(Path("runs") / "run"))
        output, _ = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0, output
    finally:
        process.kill()
    return killed_at


def log_without_clocks(run_dir: Path) -> list[dict]:
    rows = [json.loads(line) for line in (run_dir / "metrics.jsonl").read_text().splitlines()]
    return [{key: value for key, value in row.items() if not key.startswith("time")} for row in rows]


@pytest.fixture(scope="module", autouse=True)
def compiled_kernels() -> None:
    """Fills the on-disk cache first, so that the kills hit the training and not the compiler."""
    env = gymnasium.make_vec("quadrivium/Highway-v0", num_envs=2, vehicles=6, duration=10)
    env.reset(seed=0)
    env.step(env.action_space.sample())
    env.close()


@pytest.mark.parametrize("algorithm", AGENTS)
def test_killed_and_resumed_training_ends_bit_for_bit_like_the_uninterrupted_one(
    tmp_path: Path, algorithm: str
):
    config = tmp_path / "config.yaml"
    config.write_text(CONFIG.format(steps=TOTAL_STEPS, agent=AGENTS[algorithm]))
    draw = random.Random(f"moments {algorithm}")
    uninterrupted = start(tmp_path / "straight", str(config))  # at the same time: this machine has two cores
    try:
        killed_at = train_with_kills(tmp_path / "killed", config, draw)
        output, _ = uninterrupted.communicate(timeout=PATIENCE_S)
    finally:
        uninterrupted.kill()
    assert uninterrupted.returncode == 0, output
    assert any(0 < step < TOTAL_STEPS for step in killed_at), f"no kill hit the training: {killed_at}"

    straight_dir, killed_dir = (tmp_path / name / "runs" / "run" for name in ("straight", "killed"))
    straight, killed = (load_checkpoint(run_dir) for run_dir in (straight_dir, killed_dir))
    assert straight.step == killed.step == TOTAL_STEPS
    for kind in ("weights", "optimizer"):
        expected, actual = getattr(straight, kind), getattr(killed, kind)
        assert expected.keys() == actual.keys()
        for name, tensor in expected.items():
            assert torch.equal(tensor, actual[name]), f"{kind} {name} after kills at {killed_at}"
    assert straight.rng == killed.rng
    assert straight.state.keys() == killed.state.keys()
    for name, array in straight.state.items():
        np.testing.assert_array_equal(array, killed.state[name], err_msg=name)
    assert log_without_clocks(straight_dir) == log_without_clocks(killed_dir)
    assert [m.step for m in list_checkpoints(straight_dir)] == [m.step for m in list_checkpoints(killed_dir)]
