"""Charts show what is logged: none would stay empty."""

import re

import numpy as np
import pytest

from quadrivium.agents.alphazero.agent import AlphaZero
from quadrivium.agents.alphazero.charts import charts_of
from quadrivium.agents.alphazero.config import AlphaZeroConfig
from quadrivium.agents.nets import NetConfig
from quadrivium.agents.training.logger import Logger
from quadrivium.envs.board import Othello, TicTacToe
from tests.agents.search.toys import Corridor

NET = NetConfig("cnn", 8, 1, normalize_inputs=False)
SMALL = {
    "n_steps": 10,
    "simulations": 4,
    "first_simulations": 4,
    "batch_size": 16,
    "learning_starts": 16,
    "ladder_games": 2,
    "ladder_simulations": 2,
    "ladder_rollouts": 2,
    "net": NET,
}


class Names:
    """Keeps the names of the numbers that are logged."""

    def __init__(self):
        self.names = set()

    def write(self, key_values, key_excluded, step=0):
        self.names |= set(key_values)


def logged(agent):
    names = Names()
    agent.set_logger(Logger([names]))
    agent.learn(30 * agent.games)
    return names.names | set(agent.climb()) | set(agent.take_exam())


def empty(charts, names):
    patterns = {title: chart[1] for group in charts.values() for title, chart in group.items()}
    return [
        title
        for title, chart in patterns.items()
        if not any(re.match(pattern, name) for pattern in chart for name in names)
    ]


@pytest.mark.parametrize(
    ("game", "config"),
    [
        (TicTacToe(), {}),
        (TicTacToe(), {"cache": 0}),
        (TicTacToe(), {"ladder_games": 0}),
        (Othello(size=4), {"disc_difference_coef": 0.1}),
        (Corridor(), {}),
    ],
    ids=["all", "no cache", "no ladder", "auxiliary head", "a single player"],
)
def test_every_chart_has_a_line(game, config):
    agent = AlphaZero(AlphaZeroConfig(**SMALL | config), game, games=8, seed=0, device="cpu")
    charts = charts_of(agent)
    assert empty(charts, logged(agent)) == []
    assert ("Strength" in charts) == (game.num_players == 2 and agent.config.ladder_games > 0)


def test_an_exams_accuracies_are_charted():
    game = TicTacToe()
    game.exam = (game.pool(1), np.ones((1, 9), bool))
    agent = AlphaZero(AlphaZeroConfig(**SMALL), game, games=8, seed=0, device="cpu")
    names = logged(agent)
    assert {"solver/policy_accuracy", "solver/search_accuracy"} <= names
    without = empty(charts_of(agent), {name for name in names if not name.startswith("solver/")})
    assert without == ["moves that keep the value, by an exact solver"]
