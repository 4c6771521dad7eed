"""SAC by the commands: trained with hindsight, resumed, evaluated, compared, refused in a line."""

import json
import shutil

import pytest
import torch

from quadrivium.agents.runs.checkpoint import load_checkpoint
from tests.commands.running import run_evaluate, run_train
from tests.commands.test_train import refused

CONFIG = """
name: small
seed: 1
total_timesteps: 1024
device: cpu
env: {id: quadrivium/Parking-v0, num_envs: 16, kwargs: {duration: 5}}
agent: {algorithm: sac, learning_starts: 512, batch_size: 32, gradient_steps: 1, buffer_size: 2048, her: {},
  net: {width: 16, depth: 1}}
checkpoint: {every_steps: 512, keep_last: 2}
evaluation: {every_steps: 512, episodes: 4, final_episodes: 4, kwargs: {split: test}, baselines: [idle]}
logging: {interval: 16, video_every_steps: 1024, progress: false}
"""


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A directory with a finished run in runs/small."""
    directory = tmp_path_factory.mktemp("finished")
    (directory / "small.yaml").write_text(CONFIG)
    assert run_train(directory, "small.yaml") == 0
    return directory


def test_the_last_checkpoint_continues_to_the_same_weights_as_the_whole_run(finished, tmp_path):
    half = shutil.copytree(finished, tmp_path / "copy")
    shutil.rmtree(half / "runs" / "small" / "checkpoints" / "1024")  # as if killed after the one at 512
    assert run_train(half, "--resume", "runs/small") == 0
    whole, resumed = (load_checkpoint(path / "runs" / "small") for path in (finished, half))
    assert whole.step == resumed.step == 1024
    for name, tensor in whole.weights.items():
        assert torch.equal(tensor, resumed.weights[name]), name
    assert whole.rng["numpy"] == resumed.rng["numpy"]


def test_it_logs_films_and_is_evaluated_and_compared_as_any_agent(finished):
    run_dir = finished / "runs" / "small"
    rows = [json.loads(line) for line in (run_dir / "metrics.jsonl").read_text().splitlines()]
    assert {"train/ent_coef", "train/actor_loss", "metrics/arrival", "reward/progress"} <= rows[-2].keys()
    results = json.loads((run_dir / "evaluation" / "results.json").read_text())
    assert list(results["players"]) == ["small", "idle"]
    players = ("run:runs/small", "run:runs/small?checkpoint=512", "random")
    assert run_evaluate(finished, "compare", *players, "--env", "quadrivium/Parking-v0", "--episodes", 4) == 0


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--agent.ent-coeff", "0.1", ["did you mean 'agent.ent_coef'"]),
        ("--agent.her.n-sampled-goals", "2", ["did you mean 'agent.her.n_sampled_goal'"]),
        ("--agent.ent-coef", "automatic", ["expected a number, auto"]),
        ("--env.id", "quadrivium/Highway-v0", ["agent (sac)", "quadrivium/Highway-v0", "take ppo or dqn"]),
        ("--env.id", "quadrivium/PointNav-v0", ["achieved_goal", "her: null"]),
        ("--cluster", "true", ["sac trains on one machine"]),
    ],
)
def test_what_does_not_fit_is_refused_in_a_line(option, value, said, tmp_path, capsys):
    (tmp_path / "small.yaml").write_text(CONFIG.replace(", kwargs: {duration: 5}", ""))
    line = refused(capsys, run_train(tmp_path, "small.yaml", option, value))
    for words in said:
        assert words in line, line
    assert not (tmp_path / "runs").exists()


def test_export_and_explanation_say_whom_they_know(finished, capsys):
    for command in ("export", "explain"):
        options = ("--output", "x.onnx") if command == "export" else ()
        line = refused(capsys, run_evaluate(finished, command, "run:runs/small", *options))
        assert "of sac" in line
        assert "ppo, dqn, pqn and alphazero" in line
