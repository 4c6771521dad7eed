"""Matches against anchors: who sits where, what counts, and what a score says in Elo."""

import numpy as np
import pytest

from quadrivium.agents.alphazero.watch.ladder import elo_difference, play_match, random_mover
from quadrivium.envs.board.registry import GAMES


def first_legal(game):
    return lambda positions: game.legal(positions, np.arange(len(positions))).argmax(1)


def test_elo_by_hand():
    assert elo_difference(np.full(9, 0.5)) == 0
    # (10 * 0.9 + 0.5) / 11 = 19/22, odds 19:3
    assert elo_difference(np.array([1.0] * 9 + [0.0])) == pytest.approx(400 * np.log10(19 / 3))
    assert elo_difference(np.array([0.0] * 9 + [1.0])) == pytest.approx(-400 * np.log10(19 / 3))
    assert np.isfinite(elo_difference(np.ones(5)))


def test_seats_are_exchanged_on_the_same_opening():
    """A player against itself, both deterministic: what it wins in one seat it loses in the other."""
    game = GAMES["TicTacToe"]()
    scores = play_match(game, first_legal(game), first_legal(game), games=20, seed=3)
    assert len(set(scores[::2].tolist())) > 1  # openings differ
    np.testing.assert_array_equal(scores[::2] + scores[1::2], 1)


def test_a_player_that_wins_at_once_scores_against_random_moves():
    game = GAMES["ConnectFour"]()

    def column_builder(positions):
        """Stacks the lowest column that is not full, which four in a row of own stones often come from."""
        return game.legal(positions, np.arange(len(positions))).argmax(1)

    scores = play_match(game, column_builder, random_mover(game, 1), games=200, seed=0)
    mirrored = play_match(game, random_mover(game, 1), column_builder, games=200, seed=0)
    assert scores.mean() > 0.6
    assert mirrored.mean() < 0.4


def test_random_movers_moves_are_legal_and_differ():
    game = GAMES["Go"](size=5)
    pool = game.pool(300)
    actions = random_mover(game, 0)(pool)
    assert len(set(actions.tolist())) == 26
    assert (game.legal(pool, np.arange(300))[np.arange(300), actions] == 1).all()


def test_an_odd_number_of_games_is_played():
    game = GAMES["TicTacToe"]()
    assert play_match(game, random_mover(game, 0), random_mover(game, 1), games=7, seed=0).shape == (7,)
