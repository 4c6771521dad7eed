"""Runs that begin with others' trunks, run in several worlds, and pre-training, from the outside."""

import json
import shutil

import pytest
import torch

from quadrivium.agents.runs.checkpoint import load_checkpoint
from tests.commands.running import run_evaluate, run_train

QUICK = """
seed: 1
device: cpu
checkpoint: {every_steps: 256}
evaluation: {every_steps: null, episodes: 8, final_episodes: 8, baselines: [random], kwargs: {split: test}}
logging: {progress: false}
"""
NET = "net: {width: 16, token_mask_feature: 0}"
PPO = f"{{algorithm: ppo, n_steps: 16, batch_size: 64, n_epochs: 2, {NET}}}"
CONFIGS = {
    "merge": f"env: {{id: quadrivium/Merge-v0, num_envs: 16}}\nagent: {PPO}\ntotal_timesteps: 256\n",
    "two_way": f"env: {{id: quadrivium/TwoWay-v0, num_envs: 16}}\nagent: {PPO}\ntotal_timesteps: 512\n",
    "both": "env: {id: quadrivium/Merge-v0, num_envs: 16}\nworlds: [{id: quadrivium/TwoWay-v0}]\n"
    f"agent: {PPO}\ntotal_timesteps: 1024\n",
    "seen": "env: {id: quadrivium/Merge-v0, num_envs: 16}\ntotal_timesteps: 768\n"
    "agent: {algorithm: pretrain, n_steps: 16, batch_size: 64, behaviours: [random, 'baseline:idm'], "
    f"{NET}}}\n",
}  # fmt: skip
TRUNK = "backbone.trunk.layers.2.weight"  # behind the first layer


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A directory with the configs, and with finished runs merge, both and seen."""
    directory = tmp_path_factory.mktemp("transfer")
    for name, text in CONFIGS.items():
        (directory / f"{name}.yaml").write_text(f"name: {name}\n{text}{QUICK}")
    for name in ("merge", "both", "seen"):
        assert (
            run_train(
                directory,
                f"{name}.yaml",
                *(["--evaluation.final-episodes", "null"] if name == "seen" else []),
            )
            == 0
        )
    return directory


def weights(place, name, step="last"):
    return load_checkpoint(place / "runs" / name, step).weights


def refusal(capsys):
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    return line


def test_a_run_begins_with_anothers_trunk_says_so_and_keeps_it_where_it_is_frozen(place, capsys):
    frozen = ("--init-from", "runs/merge", "--agent.net.frozen", "true", "--name", "frozen")
    assert run_train(place, "two_way.yaml", *frozen) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("init_from ")]
    snapshot = load_checkpoint(place / "runs" / "merge")
    assert (
        f"step {snapshot.step:,} in quadrivium/Merge-v0, sha256 {snapshot.weights_sha256[:12]}: took" in line
    )
    assert line.endswith("left as they began: statistics, heads")
    told = json.loads((place / "runs" / "frozen" / "init_from.json").read_text())
    assert told["weights_sha256"] == snapshot.weights_sha256
    assert told["taken"]["blocks of backbone.trunk"] == 16 * 16 + 16
    found = weights(place, "frozen")
    for name in (TRUNK, "critic_trunk.layers.2.weight"):
        assert torch.equal(found[name], snapshot.weights[name])
    assert not torch.equal(
        found["backbone.trunk.layers.0.weight"], snapshot.weights["backbone.trunk.layers.0.weight"]
    )


def test_it_is_asked_for_at_the_beginning_alone_and_resumed_bit_for_bit(place, tmp_path):
    assert run_train(place, "two_way.yaml", "--init-from", "runs/merge", "--name", "whole") == 0
    shutil.copytree(place / "runs" / "whole", tmp_path / "runs" / "whole")
    shutil.rmtree(tmp_path / "runs" / "whole" / "checkpoints" / "512")  # and there is no runs/merge
    assert run_train(tmp_path, "--resume", "runs/whole") == 0
    expected, found = weights(place, "whole"), weights(tmp_path, "whole")
    for name, value in expected.items():
        assert torch.equal(value, found[name]), name


def test_a_run_that_was_killed_before_its_first_checkpoint_begins_with_the_same_weights_or_not(
    place, tmp_path, capsys
):
    assert run_train(place, "two_way.yaml", "--init-from", "runs/merge", "--name", "early") == 0
    shutil.copytree(place / "runs", tmp_path / "runs")
    early = tmp_path / "runs" / "early"
    expected = weights(tmp_path, "early")
    shutil.rmtree(early / "checkpoints")
    assert run_train(tmp_path, "--resume", "runs/early") == 0
    assert torch.equal(weights(tmp_path, "early")[TRUNK], expected[TRUNK])
    shutil.rmtree(early / "checkpoints")
    assert run_train(tmp_path, "--resume", "runs/merge", "--total-timesteps", 512) == 0  # other weights now
    capsys.readouterr()
    assert run_train(tmp_path, "--resume", "runs/early") == 2
    assert "--init-from runs/merge?checkpoint=STEP" in refusal(capsys)


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["--init-from", "runs/mergee"], ["runs/mergee is no run directory", "did you mean 'runs/merge'"]),
        (["--init-from", "model:merge_pp"], ["no model 'merge_pp'", "'merge_ppo'"]),
        (
            ["--init-from", "runs/merge", "--agent.net.width", "32"],
            ["runs/merge is mlp, width 16", "this run's is mlp, width 32", "give --agent.net.width 16"],
        ),
        (["--init-from", "runs/merge?checkpoint=7"], ["no checkpoint 7", "256"]),
        (["--worlds", "[{id: quadrivium/TwoWay-v0}]"], ["TwoWay is named twice"]),
        (
            ["--worlds", "[{id: quadrivium/Merge-v0, kwargs: {vehicle: 3}}]"],
            ["Merge-v0", "'observed_vehicles'"],
        ),
    ],
)
def test_what_cannot_be_is_refused_before_there_is_a_directory(place, capsys, arguments, parts):
    assert run_train(place, "two_way.yaml", "--name", "refused", *arguments) == 2
    line = refusal(capsys)
    for part in parts:
        assert part in line
    assert not (place / "runs" / "refused").exists()


def test_a_run_in_two_worlds_is_a_player_in_each_and_measured_in_each(place, capsys):
    folder = place / "runs" / "both" / "evaluation"
    assert {path.name for path in folder.iterdir()} == {"Merge", "TwoWay"}
    for world in ("Merge", "TwoWay"):
        assert json.loads((folder / world / "results.json").read_text())["environment"].endswith(
            f"{world}-v0"
        )
        env = f"quadrivium/{world}-v0"
        assert run_evaluate(place, "compare", "run:runs/both", "random", "--env", env, "--episodes", 8) == 0
    found = weights(place, "both")
    assert torch.equal(found[f"Merge.{TRUNK}"], found[f"TwoWay.{TRUNK}"])
    capsys.readouterr()
    exit_road = ("compare", "run:runs/both", "random", "--env", "quadrivium/Exit-v0", "--episodes", 8)
    assert run_evaluate(place, *exit_road) == 2
    assert "has learned Merge, TwoWay, not quadrivium/Exit-v0" in refusal(capsys)


def test_a_run_in_two_worlds_resumes_bit_for_bit(place, tmp_path):
    shutil.copytree(place / "runs" / "both", tmp_path / "runs" / "both")
    for newer in ("768", "1024"):
        shutil.rmtree(tmp_path / "runs" / "both" / "checkpoints" / newer, ignore_errors=True)
    assert run_train(tmp_path, "--resume", "runs/both") == 0
    expected, found = weights(place, "both"), weights(tmp_path, "both")
    for name, value in expected.items():
        assert torch.equal(value, found[name]), name


def test_runs_begin_with_the_world_they_know_of_several_and_with_a_pretrained_trunk(place, capsys):
    for source, left in (("both", ""), ("seen", "; left as they began: statistics, heads")):
        arguments = ("--init-from", f"runs/{source}", "--name", f"after_{source}", "--total-timesteps", 256)
        assert run_train(place, "two_way.yaml", *arguments) == 0
        (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("init_from ")]
        assert line.endswith(left or "critic_trunk, heads")
