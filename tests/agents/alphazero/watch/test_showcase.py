"""The game that TensorBoard shows: what is in it, and that the training does not notice it."""

from itertools import pairwise

import numpy as np
import pytest

from quadrivium.agents.alphazero.agent import AlphaZero
from quadrivium.agents.alphazero.config import AlphaZeroConfig
from quadrivium.agents.alphazero.watch.showcase import (
    NO_ACTION,
    describe,
    evenly_spread,
    network_policy,
    play_studied,
    show_game,
)
from quadrivium.agents.nets import NetConfig
from quadrivium.agents.search.protocols import Evaluation
from quadrivium.envs.board import Chess, ConnectFour, TicTacToe

ROW = np.arange(1)


class Firm:
    """Prefers lower actions, e times as much as the next; thinks nothing of positions."""

    def __call__(self, obs, legal):
        n, actions = legal.shape
        return Evaluation(np.tile(-np.arange(actions, dtype=np.float32), (n, 1)), np.zeros(n, np.float32))


def after(game, row, action):
    pool = np.array([row])
    game.step(pool, ROW, np.array([action]))
    return pool[0]


def test_each_study_is_the_position_after_the_move_of_the_one_before():
    game = ConnectFour()
    studies = play_studied(game, Firm(), 20)
    assert studies[0].row == game.pool(1)[0]
    for study, following in pairwise(studies):
        assert after(game, study.row, study.action) == following.row
        legal = game.legal(np.array([study.row]), ROW)[0] != 0
        for shares in (study.policy, study.search):
            assert shares.sum() == pytest.approx(1, abs=1e-5)
            assert (shares[~legal] == 0).all()
    assert studies[-1].action == NO_ACTION
    assert game.result(np.array([studies[-1].row]), ROW).over[0]


def test_the_networks_policy_is_over_the_legal_moves():
    """With a1 taken the others stand as e^-1 : e^-2 : ... : e^-8."""
    game = TicTacToe()
    weights = np.exp(-np.arange(1.0, 9.0))
    found = network_policy(game, Firm(), game.play_moves(game.move_name(game.pool(1)[0], 0)))
    assert found == pytest.approx([0, *(weights / weights.sum())], abs=1e-6)


@pytest.mark.parametrize(
    ("moves", "value"),
    [("a1 c3 b1 c2", 1.0), ("a1 c3 b1 c2 a2", -1.0)],
    ids=["x can complete a line", "o can"],
)
def test_values_are_the_first_players(moves, value):
    game = TicTacToe()
    began = game.play_moves(moves)
    game.pool = lambda size, seed=0: began.copy()
    studies = play_studied(game, Firm(), 200)
    assert studies[0].value == value
    assert studies[-1].value == value


def test_a_game_that_is_cut_short_has_no_outcome():
    studies = play_studied(ConnectFour(), Firm(), 4, limit=3)
    assert [study.action == NO_ACTION for study in studies] == [False, False, False, True]
    assert studies[-1].value == 0
    assert describe(ConnectFour(), studies, 4).startswith("**Not ended.** 3 moves, 4 simulations")


def test_the_text_has_the_ending_the_moves_and_a_row_for_each():
    game = TicTacToe()
    began = game.play_moves("a1 c3 b1 c2")
    game.pool = lambda size, seed=0: began.copy()
    lines = describe(game, play_studied(game, Firm(), 200), 200).splitlines()
    assert lines[0] == "**X wins.** 1 moves, 200 simulations for each."
    assert lines[3] == "1. c1"
    assert lines[-1].startswith("| 1 | x | c1 | 100% |")
    assert lines[-1].endswith("| +1.00 |")


def test_chess_is_written_as_in_pgn():
    game = Chess()
    text = describe(game, play_studied(game, Firm(), 2, limit=4), 2)
    first = next(line for line in text.splitlines() if line.startswith("1. "))
    pool = game.pool(1)
    for number, move in enumerate(first.replace("1. ", "").replace("2. ", "").split()):
        names = {game.san(pool[0], int(a)): int(a) for a in np.flatnonzero(game.legal(pool, ROW)[0])}
        game.step(pool, ROW, np.array([names[move]]))
        assert pool["ply"][0] == number + 1


def test_studies_are_spread_from_the_first_to_the_last():
    assert evenly_spread(range(23), 12) == list(range(0, 23, 2))
    assert evenly_spread(range(5), 12) == [0, 1, 2, 3, 4]


def test_without_an_illustrator_there_is_only_the_text_and_without_simulations_nothing():
    game = TicTacToe()
    shown = show_game(game, Firm(), 4, None)
    assert shown is not None
    assert shown.picture is None
    assert "simulations" in shown.text
    assert show_game(game, Firm(), 0, None) is None


def test_the_training_does_not_notice_a_game_that_is_shown():
    config = AlphaZeroConfig(
        n_steps=6, simulations=4, first_simulations=4, net=NetConfig("cnn", 8, 1, normalize_inputs=False)
    )
    agent = AlphaZero(config, TicTacToe(), games=4, seed=0, device="cpu").learn(4 * 6)
    before = agent.snapshot()
    first, second = (show_game(agent.game, agent.evaluator(), 8, None) for _ in range(2))
    now = agent.snapshot()
    assert first == second
    assert now.rng == before.rng
    for name, array in before.state.items():
        np.testing.assert_array_equal(now.state[name], array, err_msg=name)
