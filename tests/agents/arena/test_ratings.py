"""Ratings against hand-computed cases, an independent optimiser, and players of known strength."""

import numpy as np
import pytest
from scipy.optimize import minimize

from quadrivium.agents.arena.game_log import Fixture, GameRecord
from quadrivium.agents.arena.ratings import ELO, Cells, _leverages, maximum_likelihood, probabilities, rate
from quadrivium.agents.arena.standings import MIN_PAIRS, stand

POINTS = 400 / np.log(10)


def game(first, second, opening, outcome):
    return GameRecord(Fixture(first, second, opening), outcome, "rules", 0, ())


def games_of(results):
    """Games from {(first, second): (won, drawn, lost) by the first}, each an opening pair of its own."""
    return [
        game(*pair, 1000 * k + n, outcome)
        for k, (pair, counts) in enumerate(results.items())
        for n, outcome in enumerate(np.repeat((1, 0, -1), counts))
    ]


def two_players(won_first, lost_first, won_second, lost_second):
    """Counts of player 0 against player 1, who begin in turn; no draws."""
    counts = [[won_first, 0, lost_first], [lost_second, 0, won_second]]
    return Cells(np.array([0, 1]), np.array([1, 0]), np.array(counts, float))


def test_three_wins_to_one_are_the_logarithm_of_three():
    fit = maximum_likelihood(2, two_players(15, 5, 15, 5), prior=0)
    assert fit.ratings[0] - fit.ratings[1] == pytest.approx(400 * np.log10(3), abs=1e-5)
    assert fit.advantage == pytest.approx(0, abs=1e-5)
    assert fit.draws == 0


def test_the_first_move_is_worth_half_the_difference_between_both_seats():
    # Player 0 wins 9:1 when it begins, 1:1 when it does not; log-odds d + a = log 9 and d - a = 0.
    fit = maximum_likelihood(2, two_players(18, 2, 10, 10), prior=0)
    assert fit.ratings[0] - fit.ratings[1] == pytest.approx(POINTS * np.log(9) / 2, abs=1e-5)
    assert fit.advantage == pytest.approx(POINTS * np.log(9) / 2, abs=1e-5)


def test_draws_between_equals_give_the_share_of_draws():
    counts = np.array([[3.0, 14, 3], [3, 14, 3]])
    fit = maximum_likelihood(2, Cells(np.array([0, 1]), np.array([1, 0]), counts), prior=0)
    assert fit.draws == pytest.approx(0.7, abs=1e-7)
    assert fit.ratings == pytest.approx([0, 0], abs=1e-5)


def test_who_won_everything_is_rated_as_if_half_a_virtual_game_had_been_lost():
    # 40 wins, and half a virtual win and loss: 40.5 to 0.5, in both seats alike.
    fit = maximum_likelihood(2, two_players(20, 0, 20, 0))
    assert fit.ratings[0] - fit.ratings[1] == pytest.approx(400 * np.log10(40.5 / 0.5), abs=1e-4)


def simulated(strengths, advantage, log_nu, games_a_pair, rng):
    """A round robin of players of known strength (natural units), colours in turn."""
    names = [f"p{k}" for k in range(len(strengths))]
    played = []
    for a in range(len(names)):
        for b in range(a + 1, len(names)):
            for k in range(games_a_pair):
                i, j = (a, b) if k % 2 == 0 else (b, a)
                p = probabilities(np.float64(strengths[i] - strengths[j] + advantage), np.float64(log_nu))
                played.append(game(names[i], names[j], k // 2, 1 - int(rng.choice(3, p=p))))
    return names, played


def test_the_maximum_is_the_one_that_an_independent_optimiser_finds():
    names, played = simulated([0.9, 0.2, -0.3, -0.8], 0.4, -0.5, 30, np.random.default_rng(0))

    def negative(x):
        total = 0.5 * 1e-9 * np.sum(x**2)
        for g in played:
            u = (x[int(g.fixture.first[1])] - x[int(g.fixture.second[1])] + x[4]) / 2
            total -= {1: u, 0: x[5], -1: -u}[g.outcome] - np.log(np.exp(u) + np.exp(x[5]) + np.exp(-u))
        return total

    best = minimize(negative, np.zeros(6), method="BFGS", options={"gtol": 1e-8}).x
    cells = {}
    for g in played:
        pair = int(g.fixture.first[1]), int(g.fixture.second[1])
        cells.setdefault(pair, np.zeros(3))[1 - g.outcome] += 1
    first, second = np.array(list(cells)).T
    fit = maximum_likelihood(4, Cells(first, second, np.array(list(cells.values()))), prior=0)
    assert fit.ratings == pytest.approx(POINTS * (best[:4] - best[:4].mean()), abs=0.01)
    assert fit.advantage == pytest.approx(POINTS * best[4], abs=0.01)
    nu = np.exp(best[5])
    assert fit.draws == pytest.approx(nu / (2 + nu), abs=1e-5)
    assert rate(names, played).fit.ratings == pytest.approx(fit.ratings, abs=20)  # the prior pulls a little


def test_intervals_contain_the_true_strengths_about_as_often_as_they_say():
    strengths = np.array([0.8, 0.3, -0.2, -0.9])
    truth = POINTS * (strengths - strengths.mean())
    rng, inside = np.random.default_rng(1), []
    for _ in range(60):
        ratings = rate(*simulated(strengths, 0.3, -0.5, 40, rng))
        inside += [i.low <= t <= i.high for i, t in zip(ratings.intervals, truth, strict=True)]
        inside += [ratings.advantage.low <= POINTS * 0.3 <= ratings.advantage.high]
    # 300 intervals at 95 %; those of one tournament are not independent.
    assert 0.90 <= np.mean(inside) <= 0.985


def gauntlet(opponents, pairs, wins):
    """Ratings after so many opening pairs against each opponent; wins(): whether the challenger does."""
    names, played = ["challenger", *(f"opponent {k}" for k in range(opponents))], []
    for other in names[1:]:
        for opening in range(pairs):
            played.append(game("challenger", other, opening, 1 if wins() else -1))
            played.append(game(other, "challenger", opening, -1 if wins() else 1))
    return rate(names, played)


def test_a_challengers_lead_over_each_opponent_is_jeffreyss_estimate_of_their_games_alone():
    won = {"x": 5, "y": 3, "z": 0}  # of five as the first to move, and of five as the second
    played = [
        record
        for other, wins in won.items()
        for k in range(5)
        for record in (
            game("challenger", other, k, 1 if k < wins else -1),
            game(other, "challenger", k, -1 if k < wins else 1),
        )
    ]
    ratings = rate(["challenger", *won], played).fit.ratings
    expected = [400 * np.log10((2 * wins + 0.5) / (10 - 2 * wins + 0.5)) for wins in won.values()]
    assert ratings[0] - ratings[1:] == pytest.approx(expected, abs=1e-3)


def test_virtual_games_are_spread_as_resistances_of_who_met_whom():
    # A square with one diagonal: 1 ohm beside two ways of 2 ohms is 1/2; the five sum to 4 players less 1.
    a, b = np.array([0, 1, 2, 0, 0]), np.array([1, 2, 3, 3, 2])
    assert _leverages(4, a, b) == pytest.approx([5 / 8] * 4 + [1 / 2])
    assert _leverages(5, np.array([0, 0, 1, 3]), np.array([1, 2, 2, 4])) == pytest.approx([2 / 3] * 3 + [1])


@pytest.mark.parametrize("opponents", [1, 3, 12, 25])
def test_a_rating_lies_in_its_interval_also_where_everyone_was_beaten(opponents):
    ratings = gauntlet(opponents, 3, lambda: True)
    for interval in (*ratings.intervals, *ratings.differences.values()):
        assert interval.low < interval.estimate < interval.high


@pytest.mark.parametrize(("opponents", "pairs", "p"), [(20, 5, 0.95), (10, 5, 0.81)])
def test_intervals_of_a_challenger_contain_its_strength_about_as_often_as_they_say(opponents, pairs, p):
    truth = 400 * np.log10(p / (1 - p)) * opponents / (opponents + 1)  # the mean of all ratings is 0
    rng, held = np.random.default_rng(0), 0
    for _ in range(24):
        own = gauntlet(opponents, pairs, lambda: rng.random() < p).intervals[0]
        held += own.low <= truth <= own.high
    assert held >= 20  # of 24 at 95 %: the chance of fewer is 0.6 %


def test_equals_are_told_apart_in_one_match_of_twenty_from_the_fewest_pairs_on():
    rng, false = np.random.default_rng(2), 0
    for _ in range(200):
        names, played = simulated([0.0, 0.0], 0.3, np.log(0.2 / 0.9), 2 * MIN_PAIRS, rng)
        false += stand(names, played).verdicts()[-1] != "winner: none is claimed"
    assert false / 200 <= 0.1  # 5 % and three standard errors


def test_few_pairs_give_wider_intervals_than_the_spread_of_their_draws():
    few, many = (
        rate(["a", "b"], games_of({("a", "b"): (n, 0, n), ("b", "a"): (n, 0, n)})).differences[0, 1]
        for n in (3, 300)
    )
    # Four times as many games halve an interval; from few pairs Student's quantile adds to it.
    assert few.high - few.low > 10 * (many.high - many.low)


def test_an_interval_is_not_certain_where_everything_was_won():
    ratings = rate(["a", "b"], games_of({("a", "b"): (10, 0, 0), ("b", "a"): (0, 0, 10)}))
    difference = ratings.differences[0, 1]
    # Jeffreys's interval for 20 of 20: the chance to win is at least 0.883.
    assert difference.low == pytest.approx(400 * np.log10(0.883 / 0.117), abs=60)
    assert difference.high > difference.estimate + 200
    assert ratings.superiority[0, 1] > 0.999
    assert ratings.ranks() == [1, 2]


def test_no_rank_is_given_where_intervals_overlap():
    ratings = rate(["a", "b"], games_of({("a", "b"): (6, 0, 4), ("b", "a"): (4, 0, 6)}))
    assert ratings.ranks() == [1, 1]
    assert 0.6 < ratings.superiority[0, 1] < 0.95
    assert ratings.superiority[0, 1] + ratings.superiority[1, 0] == pytest.approx(1)


def test_players_that_no_chain_of_games_links_are_not_compared():
    ratings = rate(["a", "b", "c", "d"], games_of({("a", "b"): (8, 0, 2), ("c", "d"): (5, 5, 0)}))
    assert np.isnan(ratings.superiority[0, 2])
    assert np.isnan(ratings.differences[1, 3].estimate)
    assert not np.isnan(ratings.superiority[2, 3])
    assert len(set(ratings.groups)) == 2


def test_the_same_games_give_the_same_ratings_in_any_order():
    names, played = simulated([0.5, 0, -0.5], 0.2, -1.0, 20, np.random.default_rng(2))
    one, other = rate(names, played), rate(names, played[::-1])
    assert one.fit.ratings == pytest.approx(other.fit.ratings, abs=1e-6)
    assert rate(names, played).intervals == one.intervals


def test_only_draws_are_equals():
    ratings = rate(["a", "b"], games_of({("a", "b"): (0, 10, 0), ("b", "a"): (0, 10, 0)}))
    assert ratings.fit.ratings == pytest.approx([0, 0], abs=1e-4)
    assert ratings.draws.estimate > 0.9
    assert ratings.ranks() == [1, 1]


def test_no_games_give_no_numbers_that_mean_anything():
    ratings = rate(["a", "b"], [])
    assert ratings.ranks() == [1, 1]
    assert np.isnan(ratings.superiority[0, 1])


def test_a_point_is_that_of_elo():
    assert pytest.approx(173.7178, abs=1e-4) == ELO
