"""Each pair meets, nobody twice, and neighbours in the standings."""

from collections import Counter
from itertools import combinations

import numpy as np
import pytest

from quadrivium.agents.arena.schedule import Pairing, gauntlet, most_swiss_rounds, round_robin, swiss_round


@pytest.mark.parametrize("players", range(2, 12))
def test_in_a_round_robin_each_pair_meets_once(players):
    pairings = round_robin(players)
    assert sorted(pairings) == list(combinations(range(players), 2))


def test_a_round_robin_goes_in_rounds_in_which_everyone_plays_once():
    pairings = round_robin(6)
    for start in range(0, 15, 3):
        assert Counter(p for pairing in pairings[start : start + 3] for p in pairing) == dict.fromkeys(
            range(6), 1
        )


def test_in_a_gauntlet_the_challengers_meet_all_others_and_not_each_other():
    assert sorted(gauntlet(5, challengers=2)) == [(0, 2), (0, 3), (0, 4), (1, 2), (1, 3), (1, 4)]


@pytest.mark.parametrize("players", range(2, 14))
def test_swiss_never_repeats_a_pair_nor_a_bye_in_any_standings(players):
    rng = np.random.default_rng(players)
    for _ in range(20):
        met, byes = [], []
        for _ in range(most_swiss_rounds(players)):
            pairings = swiss_round(rng.integers(5, size=players).tolist(), met, byes)
            playing = [player for pairing in pairings for player in pairing]
            resting = set(range(players)) - set(playing)
            assert len(playing) == len(set(playing)) == players - players % 2
            assert not set(pairings) & set(met)
            assert not resting & set(byes)
            met += pairings
            byes += resting


def test_swiss_pairs_neighbours_in_the_standings():
    assert sorted(swiss_round([0, 3, 1, 4], [], [])) == [(0, 2), (1, 3)]


def test_swiss_avoids_those_who_met_and_takes_the_nearest_instead():
    # 3 leads, then 1; they have met, so 3 meets the next, 2.
    assert sorted(swiss_round([0, 3, 1, 4], [Pairing(1, 3)], [])) == [(0, 1), (2, 3)]


def test_the_last_in_the_standings_who_had_none_has_the_bye():
    assert swiss_round([5, 1, 0], [], []) == [(0, 1)]
    assert swiss_round([5, 1, 0], [Pairing(0, 1)], [2]) == [(0, 2)]


def test_too_many_swiss_rounds_are_an_error():
    with pytest.raises(ValueError, match="at most 1 rounds"):
        swiss_round([0, 0], [Pairing(0, 1)], [])
