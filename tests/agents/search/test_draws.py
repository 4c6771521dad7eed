"""Win, draw and loss are backed up as such: a drawn position is no half win and half loss."""

from types import SimpleNamespace

import numpy as np
import pytest

from quadrivium.agents.search import GumbelConfig, MatchSearch, NullEvaluator, PuctConfig, gumbel_search
from quadrivium.agents.search.protocols import Evaluation
from quadrivium.envs.board.registry import GAMES
from tests.agents.search.test_gumbel import connect_four, positions
from tests.agents.search.toys import RandomLinear, _Toy

KINDS = ["gumbel", "puct"]


def searched(kind, game, roots, evaluator, simulations, solver=True):
    if kind == "puct":
        return MatchSearch(game, evaluator, PuctConfig(simulations, solver=solver)).search(roots)
    config = GumbelConfig(simulations, solver=solver)
    return gumbel_search(game, roots, evaluator, config, np.random.default_rng(0))


def constant(value, draw):
    def evaluator(obs, legal):
        n = len(obs)
        return Evaluation(
            np.zeros(legal.shape, np.float32), np.full(n, value, np.float32), np.full(n, draw, np.float32)
        )

    return evaluator


def drawn_in_one():
    """Tic-tac-toe with one free cell, which makes no three."""
    return GAMES["TicTacToe"]().play_moves("b2 a1 c1 a3 a2 c2 b3 b1")


@pytest.mark.parametrize("solver", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_an_end_without_a_winner_is_a_draw_whatever_the_evaluator_says(kind, solver):
    """Three visits of the end; PUCT without solver counts the root's own 0.25 as well."""
    game = GAMES["TicTacToe"]()
    result = searched(kind, game, drawn_in_one(), constant(0.5, 0.25), 3, solver)
    expected = (0.25 + 3) / 4 if kind == "puct" and not solver else 1.0
    assert result.draws.tolist() == [pytest.approx(expected)]


@pytest.mark.parametrize("kind", KINDS)
def test_a_proven_win_and_a_proven_loss_have_no_draws(kind):
    game = GAMES["ConnectFour"]()
    roots = np.concatenate([connect_four("a b a b a b"), connect_four("c c d d e")])
    result = searched(kind, game, roots, constant(0.0, 1.0), 3000)
    assert result.values.tolist() == [1.0, -1.0]
    assert result.draws.tolist() == [0.0, 0.0]


@pytest.mark.parametrize("kind", KINDS)
def test_the_chance_of_a_draw_is_the_same_for_both_players(kind):
    """Values change sign from ply to ply and cancel out; draws do not."""
    game = GAMES["Go"](size=5)
    result = searched(kind, game, game.pool(2), constant(0.2, 0.5), 40)
    assert result.draws == pytest.approx([0.5, 0.5])
    assert np.abs(result.values).max() < 0.2


def test_without_a_word_about_draws_an_evaluator_says_that_there_are_none():
    game = GAMES["Go"](size=5)
    assert searched("gumbel", game, game.pool(2), NullEvaluator(), 20).draws.tolist() == [0, 0]


class Truce(_Toy):
    """Two players: action 0 ends the game as a draw, 1 goes on, the other to move."""

    num_players = 2
    observation_shape = (1, 1, 1)
    state_dtype = np.dtype([("rng", "u8"), ("to_move", "i8"), ("over", "i8")])

    def legal(self, pool, rows, out=None):
        legal = np.repeat(pool["over"][rows, None] == 0, 2, axis=1).astype(np.int8)
        if out is None:
            return legal
        out[:] = legal
        return out

    def step(self, pool, rows, actions, *, check=True):
        pool["over"][rows] = actions == 0
        pool["to_move"][rows] = 1 - pool["to_move"][rows]

    def observe(self, pool, rows, players=None, out=None):
        return np.zeros((len(rows), 1, 1, 1), np.float32)

    def result(self, pool, rows):
        return SimpleNamespace(
            over=pool["over"][rows] != 0,
            to_move=pool["to_move"][rows].astype(np.int8),
            returns=np.zeros((len(rows), 2), np.float32),
        )


def test_who_can_force_a_draw_would_rather_draw_than_lose():
    """The evaluator says 0.5 for who is to move. The first visit ends in a draw; the second goes on, which
    is worth -0.5, but not to one who can have a draw. With the root's own: values 0.5, 0, 0, draws 0, 1, 1.
    """
    game = Truce()
    search = MatchSearch(game, constant(0.5, 0.0), PuctConfig(2))
    result = search.search(game.pool(1))
    assert result.values == pytest.approx([0.5 / 3])
    assert result.draws == pytest.approx([2 / 3])
    assert search.tree.read_roots(np.arange(1)).draws.tolist() == [[1.0, 0.0]]
    assert result.q.tolist() == [[0.0, -0.5]]


def test_the_draws_of_a_gumbel_search_are_those_of_its_improved_policy():
    """One visit each: of action 0 a draw, of 1 a value of -0.5 and no draw."""
    result = searched("gumbel", Truce(), Truce().pool(1), constant(0.5, 0.0), 2)
    assert result.draws == pytest.approx(result.policy[:, 0])
    assert result.values == pytest.approx(-0.5 * result.policy[:, 1])


@pytest.mark.parametrize("solver", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_chances_never_leave_the_triangle(kind, solver):
    """Win, draw and loss are all at least 0 at every root: |value| + draws <= 1."""
    game = GAMES["TicTacToe"]()
    roots = positions(game, 60, 7)
    result = searched(kind, game, roots, RandomLinear(game), 50, solver)
    assert (np.abs(result.values) + result.draws <= 1 + 1e-5).all()
    assert (result.draws >= 0).all()
    assert result.draws.max() > 0.3


def test_an_evaluator_with_draws_of_another_shape_is_an_error():
    game = GAMES["TicTacToe"]()

    def broken(obs, legal):
        return NullEvaluator()(obs, legal)._replace(draws=np.zeros(7, np.float32))

    with pytest.raises(ValueError, match=r"draws \(7,\) for 1 positions"):
        searched("gumbel", game, game.pool(1), broken, 4)
