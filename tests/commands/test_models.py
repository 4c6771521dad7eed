"""Models: made of runs, named wherever a player is, refused where they are not whole."""

import json

import pytest
import safetensors.torch
import torch

from quadrivium.commands import build, models
from tests.commands.running import run_evaluate, run_train, write_config
from tests.commands.test_evaluate import refused

TIC_TAC_TOE = """
name: board
seed: 1
total_timesteps: 512
device: cpu
env: {id: quadrivium/TicTacToe-v0, num_envs: 32}
agent:
  algorithm: alphazero
  n_steps: 4
  simulations: 4
  batch_size: 32
  learning_starts: 64
  ladder_games: 0
  net: {trunk: cnn, width: 8, depth: 1, normalize_inputs: false}
checkpoint: {every_steps: 512}
evaluation: {every_steps: 512, episodes: 4, final_episodes: 8, kwargs: {opponent: random}}
logging: {video_every_steps: null}
"""


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    """A directory with two finished runs, and models of both beside them."""
    directory = tmp_path_factory.mktemp("modelled")
    with pytest.MonkeyPatch.context() as patch:
        for module in (build, models):
            patch.setattr(module, "MODELS", directory / "models")
        (directory / "board.yaml").write_text(TIC_TAC_TOE)
        for config in (write_config(directory), directory / "board.yaml"):
            assert run_train(directory, config) == 0
            assert run_evaluate(directory, "models", "--add", f"runs/{config.stem}") == 0
        yield directory


def test_a_model_acts_like_the_run_it_was_made_of(directory, capsys):
    command = ["compare", "run:runs/small", "model:small", "--env", "quadrivium/Highway-v0"]
    given = ["--env-kwargs", "vehicles=6", "duration=10", "--episodes", 12, "--output", directory / "out"]
    assert run_evaluate(directory, *command, *given) == 2  # both are called small
    assert "appears twice" in capsys.readouterr().err
    (directory / "models" / "other").symlink_to(directory / "models" / "small")
    command[2] = "model:other"
    assert run_evaluate(directory, *command, *given) == 0
    players = json.loads((directory / "out" / "results.json").read_text())["players"]
    assert players["small"]["measures"] == players["other"]["measures"]


def test_a_card_says_where_the_weights_are_from_and_what_they_reached(directory):
    card = json.loads((directory / "models/small/card.json").read_text())
    found = json.loads((directory / "runs/small/evaluation/results.json").read_text())
    assert card["held_out"]["measures"] == found["players"]["small"]["measures"]
    assert card["held_out"]["baselines"].keys() == found["players"].keys() - {"small"}
    assert (card["environment"], card["algorithm"], card["seed"]) == ("quadrivium/Highway-v0", "ppo", 1)
    assert (card["steps"], card["licence"]) == (1024, "MIT")
    weights = safetensors.torch.load_file(directory / "models/small/weights.safetensors")
    assert card["weights"]["parameters"] == sum(tensor.numel() for tensor in weights.values())


def test_of_alphazero_the_network_that_plays_is_kept_once(directory):
    kept = safetensors.torch.load_file(directory / "models/board/weights.safetensors")
    step = json.loads((directory / "models/board/card.json").read_text())["steps"]
    whole = safetensors.torch.load_file(directory / f"runs/board/checkpoints/{step}/weights.safetensors")
    assert 3 * len(kept) == len(whole)
    for name, tensor in kept.items():
        assert torch.equal(tensor, whole[f"average.{name}"])
    agent, _ = build.load_agent(directory / "models/board", "last", pytest.fail)
    for network in (agent.policy.net, agent.policy.average, agent.policy.earlier):
        for name, tensor in network.state_dict().items():
            assert torch.equal(tensor, kept[name])


def test_a_model_plays_in_tournaments_and_as_an_engine(directory, capsys):
    config = directory / "meeting.yaml"
    config.write_text(
        "name: meeting\nenv: quadrivium/TicTacToe-v0\nplayers: ['model:board?sims=4', random]\ngames: 4\n"
    )
    assert run_evaluate(directory, "tournament", config) == 0
    results = json.loads((directory / "runs/tournaments/meeting/results.json").read_text())
    assert {player["name"] for player in results["players"]} == {"board?sims=4", "random"}


def test_models_are_listed_with_size_and_results(directory, capsys):
    assert run_evaluate(directory, "models") == 0
    out = capsys.readouterr().out
    assert "model:small" in out
    assert "model:board" in out
    assert "alphazero" in out


def test_what_is_no_model_is_refused_in_a_line(directory, capsys):
    play = ["compare", "model:smal", "random", "--env", "quadrivium/Highway-v0"]
    line = refused(capsys, run_evaluate(directory, *play))
    assert "there is no model 'smal'" in line
    assert "small" in line
    line = refused(capsys, run_evaluate(directory, "models", "--add", "runs/small", "--name", "../x"))
    assert "expected small letters" in line
    line = refused(capsys, run_evaluate(directory, "models", "--add", "runs/small", "--checkpoint", "512"))
    assert "is of step 1024, the checkpoint of step 512; run" in line


def test_a_run_that_was_not_evaluated_and_one_too_large_make_no_model(directory, capsys, monkeypatch):
    monkeypatch.setattr(models, "MOST_BYTES", 100)
    line = refused(capsys, run_evaluate(directory, "models", "--add", "runs/small", "--name", "large"))
    assert "a model at most 100 B; train a smaller network" in line
    monkeypatch.undo()
    (directory / "runs/small/evaluation/results.json").rename(directory / "aside.json")
    line = refused(capsys, run_evaluate(directory, "models", "--add", "runs/small", "--name", "unknown"))
    (directory / "aside.json").rename(directory / "runs/small/evaluation/results.json")
    assert "a model says what it reached; run" in line
    assert not (directory / "models" / "unknown").exists()


def test_a_damaged_model_is_refused_in_a_line(directory, capsys, tmp_path):
    play = ["compare", "model:broken", "random", "--env", "quadrivium/Highway-v0", "--episodes", 2]
    for damage, message in (
        (lambda path: (path / "weights.safetensors").write_bytes(b"x" * 100), "the sha256 of weights"),
        (lambda path: (path / "card.json").write_text("[]"), "is no model's card"),
        (lambda path: (path / "card.json").write_text('{"steps": "many"}'), "it says nothing of steps or"),
    ):
        broken = directory / "models" / "broken"
        broken.mkdir()
        for file in (directory / "models/small").iterdir():
            (broken / file.name).write_bytes(file.read_bytes())
        damage(broken)
        assert message in refused(capsys, run_evaluate(directory, *play))
        for file in broken.iterdir():
            file.unlink()
        broken.rmdir()
