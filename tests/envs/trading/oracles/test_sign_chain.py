"""The optimum of the chain of signs against its closed form."""

import numpy as np
import pytest

from quadrivium.envs.trading.oracles.sign_chain import fee_threshold, follow_gain, solve

BP = 1e-4


def test_following_earns_34_bp_a_step_at_a_fee_of_10():
    assert follow_gain(0.7, 0.01, 10 * BP) == pytest.approx(0.0034)
    assert fee_threshold(0.7, 0.01) == pytest.approx(66.67 * BP, abs=0.01 * BP)


def test_far_from_the_end_the_exact_optimum_earns_what_following_does():
    values = solve(0.7, 0.01, 10 * BP, 400).values
    assert values[0, 1, 2] - values[1, 1, 2] == pytest.approx(0.0034, abs=1e-9)


def test_below_the_threshold_it_follows_always_and_above_it_never_trades():
    low, high = (solve(0.7, 0.01, fee * BP, 400).positions[0] for fee in (60, 70))
    assert (low[0] == -1).all()
    assert (low[1] == 1).all()
    assert high[0, 1] == high[1, 1] == 0


def test_the_last_step_is_taken_only_if_it_pays_its_fee():
    # One step: expected return 0.4 %. From flat it is worth a fee of 10 bp, not one of 50 bp.
    assert solve(0.7, 0.01, 10 * BP, 1).value == pytest.approx(0.003)
    assert solve(0.7, 0.01, 50 * BP, 1).value == 0.0


def test_the_optimum_equals_the_best_of_all_policies_by_enumeration():
    # Two steps: a policy is a position for each of the first signs, and for each pair of signs.
    p, sigma, fee = 0.6, 1.0, 0.1
    best = -np.inf
    grid = np.array(np.meshgrid(*[[-1, 0, 1]] * 6)).reshape(6, -1).T
    for policy in grid:
        value = 0.0
        for first in (0, 1):
            q = policy[first]
            value += 0.5 * ((2 * p - 1) * sigma * (2 * first - 1) * q - fee * abs(q))
            for second in (0, 1):
                chance = 0.5 * (p if second == first else 1 - p)
                q2 = policy[2 + 2 * first + second]
                value += chance * ((2 * p - 1) * sigma * (2 * second - 1) * q2 - fee * abs(q2 - q))
        best = max(best, value)
    assert solve(p, sigma, fee, 2).value == pytest.approx(best)
