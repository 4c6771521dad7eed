"""Market making: the rules by hand, and the kernel against the exact dynamic programme."""

import numpy as np
import pytest

from quadrivium.envs.trading.market_making.env import MarketMakingEnv, MarketMakingVectorEnv
from quadrivium.envs.trading.oracles.cartea_jaimungal import Market, best_constant, evaluate, solve
from tests.envs.trading.playing import mean_return

LANES = 10_000
DEEPEST = np.array([1.0, 1.0], np.float32)


def quote(bid: float, ask: float, lanes: int | None = None) -> np.ndarray:
    """Returns the action for two depths of at most 5, in all lanes."""
    action = np.array([2 * bid / 5 - 1, 2 * ask / 5 - 1], np.float32)
    return action if lanes is None else np.tile(action, (lanes, 1))


def at_1_over_kappa(env):
    return quote(1.0, 1.0, env.num_envs)


def test_fills_pay_their_depth_and_the_inventory_after_them_is_penalised():
    env = MarketMakingVectorEnv(4000, arrival_rate=100.0, volatility=0.0, terminal_penalty=0.25, steps=100)
    env.reset(seed=0)
    _, rewards, *_, info = env.step(quote(0.0, 5.0, 4000))  # every bid is filled, for nothing
    inventory = env.states["inventory"]
    assert (inventory[rewards < 4] == 1).all()
    asked = inventory == 0  # both were filled
    assert asked.mean() == pytest.approx(np.exp(-5.0), abs=4 * np.sqrt(np.exp(-5.0) / 4000))
    np.testing.assert_allclose(info["reward_terms"]["spread"], np.where(asked, 5.0, 0.0))
    np.testing.assert_allclose(
        info["reward_terms"]["running_penalty"], np.where(asked, 0.0, -0.005), rtol=1e-6
    )
    assert (info["reward_terms"]["terminal_penalty"] == 0).all()


def test_the_last_step_pays_the_terminal_penalty_and_terminates():
    env = MarketMakingEnv(arrival_rate=1.0, horizon=1.0, steps=1, volatility=0.0, terminal_penalty=0.25)
    env.reset(seed=0)
    _, _, terminated, truncated, info = env.step(quote(0.0, 5.0))  # the bid is filled for sure
    assert (terminated, truncated) == (True, False)
    assert info["metrics"]["final_inventory"] == 1.0
    assert info["reward_terms"]["terminal_penalty"] == pytest.approx(-0.25)
    assert info["reward_terms"]["running_penalty"] == pytest.approx(-0.5)


def test_no_quote_stands_beyond_the_largest_inventory():
    env = MarketMakingEnv(arrival_rate=100.0, max_inventory=5)
    env.reset(seed=0)
    for _ in range(20):
        env.step(quote(0.0, 5.0))
        assert env.get_state()["inventory"][0] <= 5
    assert env.get_state()["inventory"][0] >= 4


def test_profit_is_cash_plus_inventory_at_the_mid():
    env = MarketMakingVectorEnv(256)
    env.reset(seed=5)
    cash, before = np.zeros(256), env.get_state()
    for _ in range(60):
        actions = np.random.default_rng(int(before["step"][0])).uniform(-1, 0, (256, 2)).astype(np.float32)
        spread = env.step(actions)[4]["reward_terms"]["spread"].copy()
        after = env.get_state()
        bought = after["inventory"] - before["inventory"]
        cash += spread - bought * before["price"]
        before = after
    wealth = cash + before["inventory"] * before["price"]
    np.testing.assert_allclose(before["pnl"], wealth, atol=2e-4)


@pytest.mark.parametrize(("start", "value"), [("zero", 6.3989), ("uniform", 5.156)])
def test_the_exact_programme_earns_its_value(start, value):
    found = mean_return(MarketMakingVectorEnv(LANES, start_inventory=start, volatility=0.1), "optimal")
    assert found.agrees_with(value)
    assert found.error < 0.04


def test_the_depth_1_over_kappa_earns_5_561_and_from_random_inventories_2_221():
    for start, value in (("zero", 5.561), ("uniform", 2.221)):
        env = MarketMakingVectorEnv(LANES, start_inventory=start)
        assert mean_return(env, at_1_over_kappa).agrees_with(value)


def test_without_penalties_1_over_kappa_earns_2_lambda_T_over_e_kappa():
    env = MarketMakingVectorEnv(LANES, running_penalty=0.0, terminal_penalty=0.0, volatility=0.0)
    assert mean_return(env, at_1_over_kappa).agrees_with(7.3576)


def test_the_other_baselines_earn_what_the_programme_says_of_their_quotes():
    env = MarketMakingVectorEnv(LANES)
    assert mean_return(env, "constant_quote").agrees_with(best_constant(Market())[1])
    q = np.arange(-20, 21)
    risk = 0.1 * (1.0 - np.arange(100)[:, None] / 100)
    half = risk / 2 + 10 * np.log(1.1)
    depths = (np.clip(half + q * risk, 0, 5), np.clip(half - q * risk, 0, 5))
    assert mean_return(env, "avellaneda_stoikov").agrees_with(evaluate(Market(), *depths).value())
    assert mean_return(env, "cartea_jaimungal").agrees_with(solve(Market()).value(), 5.0)


def test_hawkes_orders_come_in_clusters_and_more_often():
    options = {"arrivals": "hawkes", "excitation": 20.0, "excitation_decay": 40.0, "volatility": 0.0}
    fills = {}
    for name, kwargs in (("hawkes", options), ("poisson", {})):
        env = MarketMakingVectorEnv(2000, max_inventory=1000, steps=400, horizon=4.0, **kwargs)
        env.reset(seed=6)
        for _ in range(400):
            *_, info = env.step(quote(0.0, 0.0, 2000))
        fills[name] = info["metrics"]["fills"].copy()
    # A mean intensity of λ / (1 − 20/40), less what the beginning at rest costs.
    assert 1.85 < fills["hawkes"].mean() / fills["poisson"].mean() < 2.0
    spread = {name: counts.var() / counts.mean() for name, counts in fills.items()}
    assert spread["poisson"] < 1.0 < 1.5 < spread["hawkes"]


def test_hawkes_intensities_are_observed_and_jump_with_an_order():
    env = MarketMakingEnv(arrivals="hawkes", arrival_rate=100.0, excitation=20.0, excitation_decay=40.0)
    obs, _ = env.reset(seed=0)
    np.testing.assert_allclose(obs, [0, 1, 1, 1])
    obs, *_ = env.step(DEEPEST)  # λΔt = 1: an order of each side for sure
    # An order breeds 20/40 orders: in the next step, and then less by e^(−0.4) each step.
    jump = 0.5 / (1 + np.exp(-0.4) / (1 - np.exp(-0.4)))
    np.testing.assert_allclose(obs[2:], 1 + jump, rtol=1e-6)
    obs, *_ = env.step(DEEPEST)
    np.testing.assert_allclose(obs[2:], 1 + jump + jump * np.exp(-0.4), rtol=1e-6)


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match="probability above 1; use steps=2000"):
        MarketMakingEnv(arrival_rate=200.0)
    with pytest.raises(ValueError, match="orders would breed without end"):
        MarketMakingEnv(arrivals="hawkes", excitation=50.0)
