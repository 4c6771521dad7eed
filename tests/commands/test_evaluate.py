"""`evaluate.py` from the outside: tables, files, films, comparisons, refusals."""

import csv
import json
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest

from quadrivium.commands.build import open_run
from quadrivium.configs.schema import to_text
from tests.commands.running import run_evaluate, run_train, write_config


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    """A directory with a finished run in runs/small."""
    directory = tmp_path_factory.mktemp("evaluated")
    assert run_train(directory, write_config(directory), "--evaluation.final-episodes", "null") == 0
    return directory


def refused(capsys, code):
    assert code == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("note:")]
    assert len(lines) == 1
    assert lines[0].startswith("error: ")
    return lines[0]


def test_a_run_is_measured_beside_all_baselines_on_the_same_scenarios(directory, capsys):
    assert run_evaluate(directory, "run", "runs/small", "--episodes", 20, "--video") == 0
    output = capsys.readouterr().out
    evaluation = directory / "runs" / "small" / "evaluation"
    results = json.loads((evaluation / "results.json").read_text())
    assert next(iter(results["players"])) == "small"
    assert {"idle", "random", "idm", "idm_mobil"} <= set(results["players"])
    assert (results["step"], results["seed"], results["kwargs"]["split"]) == (1024, 1_000_000, "test")
    for name, player in results["players"].items():
        assert player["episodes"] == 20
        found = player["measures"]["return"]
        assert found["low"] <= found["mean"] <= found["high"]
        assert name in output
    with (evaluation / "episodes.csv").open() as file:
        table = list(csv.DictReader(file))
    assert len(table) == 20 * len(results["players"])
    mine = [float(row["return"]) for row in table if row["player"] == "small"]
    assert np.mean(mine) == pytest.approx(results["players"]["small"]["measures"]["return"]["mean"], abs=1e-5)
    assert {int(row["seed"]) for row in table} == set(range(1_000_000, 1_000_020))
    assert (evaluation / "measures.png").read_bytes()[:4] == b"\x89PNG"
    assert list(evaluation.glob("film.*"))


def test_an_evaluation_repeats_exactly(directory):
    results = []
    for _ in range(2):
        assert run_evaluate(directory, "run", "runs/small", "--episodes", 10) == 0
        results.append((directory / "runs" / "small" / "evaluation" / "results.json").read_text())
    assert results[0] == results[1]


@pytest.mark.parametrize(("checkpoint", "step"), [("512", 512), ("last", 1024), ("best", None)])
def test_the_checkpoint_is_chosen(directory, checkpoint, step):
    assert run_evaluate(directory, "run", "runs/small", "--episodes", 4, "--checkpoint", checkpoint) == 0
    results = json.loads((directory / "runs" / "small" / "evaluation" / "results.json").read_text())
    assert results["step"] == (step or results["step"])
    assert results["checkpoint"] == checkpoint
    chosen_on = {"seed": 1_001_000_000, "episodes": 8} if checkpoint == "best" else None
    assert results.get("chosen_on") == chosen_on


def test_a_run_of_a_gpu_plays_on_a_machine_without_one(directory, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    shutil.copytree(directory / "runs" / "small", directory / "runs" / "gpu")
    config = open_run(directory / "runs" / "small").model_copy(update={"name": "gpu", "device": "cuda:1"})
    (directory / "runs" / "gpu" / "config.yaml").write_text(to_text(config))
    returns = []
    for name in ("small", "gpu"):
        assert run_evaluate(directory, "run", f"runs/{name}", "--episodes", 4) == 0
        table = (directory / "runs" / name / "evaluation" / "episodes.csv").read_text()
        returns.append([line.split(",")[1:] for line in table.splitlines() if line.startswith(name)])
    assert returns[0] == returns[1] != []


def test_several_runs_are_measured_in_one_command_and_none_twice(directory, capsys):
    shutil.copytree(directory / "runs" / "small", directory / "runs" / "second")
    assert run_evaluate(directory, "run", "runs/small", "runs/second", "--episodes", 4) == 0
    assert (directory / "runs" / "second" / "evaluation" / "results.json").exists()
    capsys.readouterr()
    line = refused(capsys, run_evaluate(directory, "run", "runs/small", "runs/small/", "--episodes", 4))
    assert "a run appears twice in runs/small runs/small; name each once" in line


def test_the_training_scenarios_can_be_played_instead(directory):
    assert run_evaluate(directory, "run", "runs/small", "--episodes", 4, "--split", "train") == 0
    results = json.loads((directory / "runs" / "small" / "evaluation" / "results.json").read_text())
    assert results["kwargs"]["split"] == "train"


ENV = ("--env", "quadrivium/Highway-v0", "--env-kwargs", "vehicles=6", "duration=10")


def test_players_are_compared_in_pairs(directory, capsys, tmp_path):
    players = ("run:runs/small", "baseline:brake", "random")
    assert run_evaluate(directory, "compare", *players, *ENV, "--episodes", 100, "--output", tmp_path) == 0
    output = capsys.readouterr().out
    assert "brake − random" in output
    assert "brake has a higher return than random" in output  # random driving crashes, braking hardly ever
    results = json.loads((tmp_path / "results.json").read_text())
    assert results["kwargs"]["split"] == "test"  # without being asked
    assert [(pair["a"], pair["b"]) for pair in results["paired_differences"]] == [
        ("small", "brake"),
        ("small", "random"),
        ("brake", "random"),
    ]


def test_checkpoints_of_a_run_are_compared_by_name(directory, capsys, tmp_path):
    root = directory / "runs" / "small" / "checkpoints"
    scores = {
        int(path.parent.name): json.loads(path.read_text())["score"] for path in root.glob("*/manifest.json")
    }
    best = max(scores, key=lambda step: scores[step])
    texts = ("run:runs/small?checkpoint=best", "run:runs/small?checkpoint=512", "run:runs/small?step=1024")
    assert run_evaluate(directory, "compare", *texts, *ENV, "--episodes", 4, "--output", tmp_path) == 0
    results = json.loads((tmp_path / "results.json").read_text())
    assert list(results["players"]) == [text.removeprefix("run:runs/") for text in texts]
    found = {name: identity.split(",")[0] for name, identity in results["identities"].items()}
    assert found == {
        "small?checkpoint=best": f"checkpoint {best}",
        "small?checkpoint=512": "checkpoint 512",
        "small?step=1024": "checkpoint 1024",
    }


def test_no_winner_is_claimed_between_a_player_and_its_equal(directory, capsys):
    shutil.copytree(directory / "runs" / "small", directory / "runs" / "twin", dirs_exist_ok=True)
    assert run_evaluate(directory, "compare", "run:runs/small", "run:runs/twin", *ENV, "--episodes", 100) == 0
    assert "small and twin: no difference in return is shown by 100 episodes" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["run", "runs/smal"], ["did you mean 'runs/small'"]),
        (["run", "runs/small", "--episodes", "0"], ["--episodes", "'0'"]),
        (["run", "runs/small", "--checkpoint", "7"], ["no checkpoint 7", "512"]),
        (["run", "runs/small", "--checkpoint", "newest"], ["expected last, best or a step"]),
        (["run", "runs/small", "--split", "tset"], ["did you mean 'test'"]),
        (["run", "runs/small", "--vide"], ["--vide is unknown; did you mean '--video'"]),
        (["rnu"], ["rnu"]),
        ([], ["run|compare"]),
        (["compare", "rndom", "--env", "CartPole-v1"], ["did you mean 'random'"]),
        (["compare", "random", "--env", "CartPol-v1"], ["did you mean 'CartPole-v1'"]),
        (["compare", "random", "--env", "CartPole-v1", "--env-kwargs", "x"], ["KEY=VALUE"]),
        (["compare", "baseline:idel", *ENV], ["did you mean 'idle'"]),
        (["compare", "random", "random", "--env", "CartPole-v1"], ["twice"]),
        (["compare", "run:runs/small", "--env", "CartPole-v1"], ["was trained on observations"]),
        (["compare", "run:", "--env", "CartPole-v1"], ["run:runs/NAME"]),
        (["compare", "run:runs/small?checkpoint=7", *ENV], ["no checkpoint 7"]),
        (["compare", "run:runs/small?sims=7", *ENV], ["'sims' is unknown", "checkpoint=best"]),
    ],
)  # fmt: skip
def test_a_wrong_argument_is_one_line(directory, capsys, arguments, parts):
    line = refused(capsys, run_evaluate(directory, *arguments))
    for part in parts:
        assert part in line


def test_weights_that_do_not_fit_the_config_are_refused(directory, tmp_path, capsys):
    wide = write_config(tmp_path)
    assert run_train(tmp_path, wide, "--agent.net.width", "8", "--evaluation.final-episodes", "null") == 0
    target = tmp_path / "runs" / "small"
    shutil.rmtree(target / "checkpoints")
    shutil.copytree(directory / "runs" / "small" / "checkpoints", target / "checkpoints")
    line = refused(capsys, run_evaluate(tmp_path, "run", "runs/small", "--episodes", 4))
    assert "the weights do not fit the network of config.yaml" in line


def test_a_planted_pickle_never_runs(directory, tmp_path):
    class Bomb:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "exploded",))

    run_dir = Path(shutil.copytree(directory / "runs" / "small", tmp_path / "runs" / "small"))
    for name in ("policy.pkl", "checkpoints/1024/policy.pth", "checkpoints/1024/extra.npy"):
        (run_dir / name).write_bytes(pickle.dumps(Bomb()))
    assert run_evaluate(tmp_path, "run", "runs/small", "--episodes", 4) == 0
    assert not (tmp_path / "exploded").exists()


def test_a_run_of_one_driver_is_evaluated_with_several_of_whom_its_batch_is_no_multiple(tmp_path, capsys):
    config = """
name: merging
seed: 1
total_timesteps: 96
device: cpu
env: {id: quadrivium/Merge-v0, num_envs: 3, kwargs: {duration: 8}}
agent: {algorithm: ppo, n_steps: 32, batch_size: 32, n_epochs: 1, net: {width: 8, depth: 1}}
checkpoint: {every_steps: 96, keep_last: 1}
evaluation: {every_steps: null, episodes: 4, final_episodes: null}
logging: {interval: 1, video_every_steps: null}
"""
    (tmp_path / "merging.yaml").write_text(config)
    assert run_train(tmp_path, "merging.yaml") == 0
    evaluate = ("run", "runs/merging", "--episodes", 4, "--env-kwargs", "drivers=2")
    assert run_evaluate(tmp_path, *evaluate) == 0
    told = json.loads((tmp_path / "runs/merging/evaluation/results.json").read_text())["players"]["merging"]
    assert (told["episodes"], told["agents"]) == (4, 2)
