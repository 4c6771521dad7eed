"""Liquidation: the rules by hand, and the kernel against the optimum of Almgren & Chriss."""

import numpy as np
import pytest

from quadrivium.envs.trading.execution.baselines import market_of
from quadrivium.envs.trading.execution.env import ExecutionEnv, ExecutionVectorEnv
from quadrivium.envs.trading.execution.kernel import liquidity
from quadrivium.envs.trading.oracles.almgren_chriss import Market, evaluate, solve, with_volume
from tests.envs.trading.playing import mean_return


def sell(share: float) -> np.ndarray:
    """Returns the action that sells a share of what is left."""
    return np.array([2 * share - 1], np.float32)


def test_a_sale_pays_half_spread_impact_and_risk():
    env = ExecutionEnv()
    env.reset(seed=0)
    obs, reward, *_, info = env.step(sell(0.25))
    np.testing.assert_allclose(obs[:2], [0.75, 0.8])
    # A quarter of a million shares in a day, for each of the million.
    terms = {
        "execution": -0.25 * (0.0625 + 2.5e-6 * 250_000),
        "price": -0.75 * 2.5e-7 * 250_000,
        "risk": -1e-6 * 0.95**2 * 750_000**2 / 1e6,
    }
    assert info["reward_terms"] == pytest.approx(terms, rel=1e-6)
    assert reward == pytest.approx(sum(terms.values()), rel=1e-6)


def test_in_the_last_step_everything_is_sold_whatever_the_action():
    env = ExecutionEnv(steps=2, horizon_days=2)
    env.reset(seed=0)
    env.step(sell(0.5))
    obs, _, terminated, truncated, info = env.step(sell(0.0))
    assert (terminated, truncated, obs[0]) == (True, False, 0.0)
    assert info["reward_terms"]["execution"] == pytest.approx(-0.5 * (0.0625 + 1.25), rel=1e-6)
    assert info["reward_terms"]["risk"] == 0.0


def test_the_realised_reward_sums_to_minus_the_shortfall_and_the_penalties():
    env = ExecutionVectorEnv(64, reward="realised")
    env.reset(seed=1)
    total = np.zeros(64)
    actions = np.random.default_rng(0).uniform(-1, 1, (5, 64, 1)).astype(np.float32)
    for action in actions:
        _, rewards, _, _, info = env.step(action)
        total += rewards
    metrics = info["metrics"]
    np.testing.assert_allclose(total, -metrics["shortfall"] - metrics["risk_penalty"], atol=1e-5)
    assert metrics["shortfall"].std() > 0.1  # the price moved


@pytest.mark.parametrize(("player", "cost"), [("almgren_chriss", 1.275356), ("twap", 1.7455)])
def test_schedules_cost_in_the_kernel_what_the_paper_says(player, cost):
    exact = mean_return(ExecutionVectorEnv(2), player)
    assert exact.value == pytest.approx(-cost, abs=2e-6)
    noisy = mean_return(ExecutionVectorEnv(20_000, reward="realised"), player)
    assert noisy.agrees_with(-cost)
    assert 0 < noisy.error < 0.02


def test_the_spread_of_the_shortfall_is_the_papers():
    env = ExecutionVectorEnv(20_000)
    env.reset(seed=4)
    for _ in range(5):
        *_, info = env.step(env.baselines["almgren_chriss"](env))
    shortfall = info["metrics"]["shortfall"]
    assert shortfall.std() == pytest.approx(0.603431, rel=4 / np.sqrt(2 * 20_000))
    assert shortfall.mean() == pytest.approx(0.911227, abs=4 * 0.603431 / np.sqrt(20_000))


def test_selling_more_where_the_market_is_liquid():
    options = {"u_shape": 0.4, "steps": 7, "horizon_days": 1.0}
    env = ExecutionVectorEnv(2, **options)
    market = market_of(env.setup.params)
    volume = [liquidity.py_func(k, env.setup.params) for k in range(7)]
    np.testing.assert_allclose(volume, market.liquidity)
    assert np.mean(volume) == pytest.approx(1.0)
    assert volume[0] == volume[-1] == pytest.approx(1.4)
    best = mean_return(env, "almgren_chriss").value
    assert best == pytest.approx(-solve(market)[0], abs=2e-6)
    vwap = mean_return(env, "vwap").value
    assert vwap == pytest.approx(-evaluate(market, with_volume(market))[2], abs=2e-6)
    assert mean_return(env, "twap").value < vwap < best


def test_the_oracles_units_do_not_matter():
    assert solve(Market())[0] / 1e6 == pytest.approx(solve(market_of(ExecutionEnv().setup.params))[0])


def test_no_change_of_one_decision_improves_on_the_optimum():
    env = ExecutionVectorEnv(2)
    best = mean_return(env, "almgren_chriss").value
    for step in range(4):
        for change in (-0.05, 0.05):

            def changed(env, step=step, change=change):
                here = env.states["step"][:, None] == step
                return env.baselines["almgren_chriss"](env) + here * np.float32(change)

            assert mean_return(env, changed).value < best


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match=r"u_shape=0\.6 is out of range"):
        ExecutionEnv(u_shape=0.6)
    with pytest.raises(ValueError, match="did you mean 'realised'"):
        ExecutionEnv(reward="realized")
