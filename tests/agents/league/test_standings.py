"""Ratings of a league: by hand where there is one member, inherited by copies, of the newest games."""

import math

import numpy as np
import pytest

from quadrivium.agents.league.standings import WINDOW, Standings


def count(standings: Standings, member: int, wins: int, draws: int, losses: int) -> None:
    """So many games in each seat."""
    outcomes = np.repeat([1, 0, -1], [wins, draws, losses])
    for began in (True, False):
        members, seats = np.full(len(outcomes), member), np.full(len(outcomes), began)
        standings.count(members, outcomes, seats)


def test_against_one_member_the_score_is_that_of_its_games_and_one_virtual_game():
    standings = Standings(1)
    count(standings, 0, wins=15, draws=0, losses=5)
    standings.rate(np.arange(1))
    won, lost = 30 + 0.5, 10 + 0.5  # both seats alike: the first move is worth nothing
    assert standings.ratings[1] - standings.ratings[0] == pytest.approx(
        400 * math.log10(won / lost), abs=0.01
    )
    assert standings.scores[0] == pytest.approx(won / (won + lost), abs=1e-5)


def test_the_score_counts_a_draw_as_half_a_win():
    standings = Standings(1)
    count(standings, 0, wins=0, draws=20, losses=0)
    standings.rate(np.arange(1))
    assert standings.scores[0] == pytest.approx(0.5)


def test_a_seats_games_are_told_apart():
    standings = Standings(2)
    standings.count(np.array([1, 1, 1]), np.array([1, -1, 0]), np.array([True, False, False]))
    assert standings.games[2, 1].tolist() == [1, 0, 0]  # the agent began and won
    assert standings.games[1, 2].tolist() == [1, 1, 0]  # the member began, won and drew
    assert standings.games.sum() == 3


def test_of_the_agents_games_against_a_member_the_newest_count():
    standings = Standings(2)
    count(standings, 0, wins=0, draws=0, losses=int(WINDOW))
    count(standings, 1, wins=0, draws=0, losses=3)
    count(standings, 0, wins=int(WINDOW), draws=0, losses=0)
    assert standings.games[2, 0].tolist() == [WINDOW / 2, 0, WINDOW / 2]
    assert standings.games[0, 2].tolist() == [WINDOW / 2, 0, WINDOW / 2]
    assert standings.games[2, 1].tolist() == [0, 0, 3]


def test_a_copy_has_the_agents_rating_and_games_and_has_not_met_it():
    standings = Standings(3)
    count(standings, 0, wins=9, draws=2, losses=1)
    count(standings, 2, wins=5, draws=5, losses=5)  # who leaves
    standings.rate(np.arange(3))
    rating = standings.ratings[3]
    standings.replace(2)
    assert standings.ratings[2] == rating
    assert standings.games[2, 0].tolist() == [9, 2, 1]
    assert standings.games[0, 2].tolist() == [1, 2, 9]
    assert standings.games[2, [2, 3]].sum() == standings.games[[2, 3], 2].sum() == 0
    standings.rate(np.arange(3))
    assert standings.ratings[2] == pytest.approx(standings.ratings[3], abs=1e-3)
    assert standings.scores[2] == pytest.approx(0.5, abs=1e-5)


def test_the_scale_goes_on_while_members_come_and_go():
    """Each copy beats those before it: the ratings rise from one to the next, and old ones do not slide."""
    standings = Standings(4)
    for newcomer in range(4):
        standings.replace(newcomer)
        count(standings, newcomer, wins=75, draws=0, losses=25)
        present = np.arange(newcomer + 1)
        before = standings.ratings[present].mean()
        standings.rate(present)
        assert standings.ratings[present].mean() == pytest.approx(before)
    assert (np.diff(standings.ratings) > 50).all()


def test_no_games_rate_nobody():
    standings = Standings(2)
    standings.rate(np.arange(2))
    assert standings.ratings.tolist() == [0, 0, 0]
    assert standings.scores.tolist() == [0.5, 0.5]
