"""What hindsight would have earned in an episode, and what multiplied costs do."""

import gymnasium
import numpy as np
import pytest

import quadrivium  # noqa: F401 (registers the ids)
from quadrivium.envs.trading.account.costs import FREE
from quadrivium.envs.trading.account.rows import CLOSE, OPEN
from quadrivium.envs.trading.episodes.hindsight import best_switching, best_weights
from quadrivium.envs.trading.episodes.regret import hindsight_growth
from quadrivium.envs.trading.episodes.stress import break_even, with_costs

SMALL = {"scenarios": 4, "episode_bars": 12, "window": 2}


def test_costs_are_scaled_where_they_are_given_and_where_they_are_not():
    scaled = with_costs({"window": 4, "commission_bps": 3.0}, 2.0)
    assert (scaled["window"], scaled["commission_bps"], scaled["half_spread_bps"]) == (4, 6.0, 4.0)
    assert with_costs({}, 0.0)["impact"] == 0.0
    assert "financing" not in scaled


@pytest.mark.parametrize(
    ("gains", "expected"),
    [([3.0, 1.0, -1.0], 1.5), ([3.0, 2.0, 1.0], None), ([0.0, -1.0, -2.0], 0.0), ([2.0, 0.0, -5.0], 1.0)],
)
def test_costs_break_even_where_the_line_between_two_points_crosses_zero(gains, expected):
    assert break_even((0.0, 1.0, 2.0), gains) == expected


def prices_of(env, state):
    """The opens after each of 12 decisions, and the last close, of all assets."""
    begin = int(state["start"]) + 1
    path = env.unwrapped.setup.source.bars[int(state["scenario"])]
    return np.vstack([path[begin : begin + 12, :, OPEN], path[begin + 11, :, CLOSE]])


def test_hindsight_of_the_single_asset_plays_its_positions_with_its_fees():
    env = gymnasium.make_vec("quadrivium/SingleAsset-v0", num_envs=3, positions=(0.0, 1.0), **SMALL)
    env.reset(seed=4)
    states = env.unwrapped.states
    expected = [best_weights(prices_of(env, state)[:, 0], (0, 1), 3e-4).value for state in states]
    assert hindsight_growth(env.unwrapped.setup, states) == pytest.approx(expected, abs=1e-12)


def test_hindsight_of_a_portfolio_holds_one_asset_or_cash_and_nobody_beats_it():
    env = gymnasium.make_vec("quadrivium/Portfolio-v0", num_envs=8, assets=2, **SMALL, **FREE)
    env.reset(seed=1)
    states = env.unwrapped.get_state()
    best = hindsight_growth(env.unwrapped.setup, states)
    assert best == pytest.approx([best_switching(prices_of(env, state), 0.0).value for state in states])
    env.action_space.seed(0)
    total = np.zeros(8)
    for _ in range(12):
        _, rewards, *_ = env.step(env.action_space.sample())
        total += rewards
    assert (total < best + 1e-6).all()


def test_portfolios_with_shorts_have_no_hindsight_here():
    env = gymnasium.make_vec("quadrivium/Portfolio-v0", num_envs=1, assets=2, weights="shorts", **SMALL)
    env.reset(seed=0)
    with pytest.raises(ValueError, match="no computed optimum; use softmax"):
        hindsight_growth(env.unwrapped.setup, env.unwrapped.states)
