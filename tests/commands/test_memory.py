"""A policy with memory from the command line: trained, resumed, evaluated, filmed, at a table; and what
refuses it.
"""

import json

import pytest

from tests.commands.running import run_evaluate, run_train, write_config
from tests.commands.test_evaluate import refused
from tests.commands.test_tournament_players import PPO
from tests.commands.tournaments import write

MEMORY = ("--agent.net.memory", "gru", "--agent.net.memory-width", 8)
WORLD = ["--env", "quadrivium/Highway-v0", "--env-kwargs", "vehicles=6", "duration=10"]


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    """A directory with a run that has ended, and one that has gone on from its middle."""
    directory = tmp_path_factory.mktemp("memory")
    config = write_config(directory)
    assert run_train(directory, config, *MEMORY) == 0
    half = ("--name", "resumed", "--total-timesteps", 512, "--evaluation.final-episodes", "null")
    assert run_train(directory, config, *MEMORY, *half) == 0
    assert run_train(directory, "--resume", "runs/resumed", "--total-timesteps", 1024) == 0
    return directory


def test_a_resumed_run_ends_with_the_weights_of_the_whole_one(directory):
    weights = [
        (directory / "runs" / name / "checkpoints" / "1024" / "weights.safetensors").read_bytes()
        for name in ("small", "resumed")
    ]
    assert weights[0] == weights[1]


def test_it_is_evaluated_filmed_and_compared(directory):
    assert run_evaluate(directory, "run", "runs/small", "--episodes", 4, "--video") == 0
    assert list((directory / "runs" / "small" / "evaluation").glob("film.*"))
    players = ["run:runs/small", "run:runs/resumed", "random"]
    assert run_evaluate(directory, "compare", *players, *WORLD, "--episodes", 6, "--output", "out") == 0
    found = json.loads((directory / "out" / "results.json").read_text())["players"]
    assert found["small"]["measures"] == found["resumed"]["measures"] != found["random"]["measures"]


def test_it_plays_at_a_table(directory):
    (directory / "board.yaml").write_text(PPO.replace("width: 16", "memory: gru, memory_width: 8, width: 16"))
    assert run_train(directory, "board.yaml") == 0
    cup = write(directory, players='players: ["run:runs/ppo", random]', games="games: 4")
    assert run_evaluate(directory, "tournament", cup) == 0
    assert (directory / "runs" / "tournaments" / "small" / "results.json").is_file()


def test_what_cannot_have_a_memory_refuses_it_in_a_line(directory, capsys):
    line = refused(capsys, run_evaluate(directory, "export", "run:runs/small", "--output", "x.onnx"))
    assert "remembers (net.memory=gru), and a file that acts on single observations cannot" in line
    config = write_config(directory)
    line = refused(
        capsys,
        run_train(directory, config, "--name", "x", *MEMORY, "--agent.n-steps", 32, "--agent.batch-size", 16),
    )
    assert "batch_size=16 is no multiple of n_steps=32" in line
    line = refused(capsys, run_train(directory, config, "--name", "x", *MEMORY, "--agent.compile", "true"))
    assert "compile=true and net.memory=gru do not go together" in line
    dqn = "{algorithm: dqn, net: {memory: gru}}"
    line = refused(capsys, run_train(directory, config, "--name", "x", "--agent", dqn))
    assert "net.memory=gru and algorithm: dqn do not go together" in line
