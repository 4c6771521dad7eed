"""`MODULE:ID` wherever an environment is named: the module that registers the id is imported."""

import json
import sys

import gymnasium
import pytest

from tests.commands.running import run_evaluate
from tests.commands.tournaments import read, refused, write

MODULE = """
import gymnasium
from gymnasium.spaces import Box, Discrete


class Coin(gymnasium.Env):
    observation_space = Box(0, 1, (1,))
    action_space = Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.time = 0
        return self.observation_space.low, {}

    def step(self, action):
        self.time += 1
        return self.observation_space.low, float(action), self.time == 4, False, {}


gymnasium.register("module_ids/Coin-v0", Coin)
"""

TOURNAMENT = """
name: coins
env: "coin_of_somebody:module_ids/Coin-v0"
players: [random, {name: other, player: random}]
episodes: 4
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    (tmp_path / "coin_of_somebody.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    sys.modules.pop("coin_of_somebody", None)
    gymnasium.registry.pop("module_ids/Coin-v0", None)


def test_a_tournament_imports_the_module_before_its_id(module, capsys):
    assert run_evaluate(module, "tournament", write(module, TOURNAMENT)) == 0
    results = read(module, "coins")
    assert results["environment"] == "coin_of_somebody:module_ids/Coin-v0"
    assert results["players"]["other"]["episodes"] == 4
    capsys.readouterr()
    assert run_evaluate(module, "tournament", module / "config.yaml") == 0  # the same again goes on


def test_compare_imports_the_module_before_its_id(module, capsys):
    env = "coin_of_somebody:module_ids/Coin-v0"
    command = ["compare", "random", "--env", env, "--episodes", "4", "--output", "out"]
    assert run_evaluate(module, *command) == 0
    (file,) = (module / "out").glob("*.json")
    assert json.loads(file.read_text())["players"]["random"]["episodes"] == 4


@pytest.mark.parametrize("env", ["quadrivium:quadrivium/TicTacToe-v0", "quadrivium/TicTacToe-v0"])
def test_our_own_module_before_an_id_of_ours_changes_nothing(tmp_path, env):
    text = f'name: small\nenv: "{env}"\nplayers: [random, mcts:2]\ngames: 2\n'
    assert run_evaluate(tmp_path, "tournament", write(tmp_path, text)) == 0
    assert read(tmp_path)["environment"] == "quadrivium/TicTacToe-v0"


def test_a_module_that_is_not_there_is_one_line(tmp_path, capsys):
    config = write(tmp_path, TOURNAMENT.replace("coin_of_somebody", "no_such_module_of_mine"))
    assert "no_such_module_of_mine" in refused(capsys, run_evaluate(tmp_path, "tournament", config))
