"""The Bermudan put: its rules by hand, and its kernel against the known values."""

import numpy as np
import pytest

from quadrivium.envs.trading.optimal_stopping.env import OptimalStoppingEnv, OptimalStoppingVectorEnv
from quadrivium.envs.trading.oracles.bermudan_put import Put, european, solve
from tests.envs.trading.playing import mean_return

LANES = 20_000


def test_exercise_at_once_pays_strike_minus_spot():
    env = OptimalStoppingEnv()
    obs, _ = env.reset(seed=0)
    np.testing.assert_allclose(obs, [np.log(36 / 40) / 0.2, 1.0], rtol=1e-6)
    _, reward, terminated, truncated, info = env.step(1)
    assert (reward, terminated, truncated) == (pytest.approx(4.0), True, False)
    assert info["metrics"] == {"exercise_time": 0.0, "exercised_early": 1.0, "final_price": 36.0}


def test_exercise_later_pays_the_discounted_difference():
    env = OptimalStoppingEnv(strike=60.0, dates=4)
    env.reset(seed=1)
    assert env.step(0)[1] == 0.0
    price = float(env.get_state()["price"][0])
    assert env.step(1)[1] == pytest.approx(np.exp(-0.06 / 4) * (60.0 - price), rel=1e-6)


def test_the_last_date_pays_by_itself_and_never_less_than_0():
    env = OptimalStoppingVectorEnv(64, dates=1)
    env.reset(seed=2)
    _, rewards, terminated, _, info = env.step(np.zeros(64, np.int64))
    assert terminated.all()
    payoff = np.maximum(40.0 - info["metrics"]["final_price"], 0.0)
    np.testing.assert_allclose(rewards, np.exp(-0.06) * payoff, rtol=1e-5, atol=1e-5)
    assert (payoff == 0).any()


def test_the_discounted_price_is_a_martingale():
    env = OptimalStoppingVectorEnv(LANES, dates=5)
    env.reset(seed=3)
    for _ in range(4):
        env.step(np.zeros(LANES, np.int64))
    prices = np.exp(-0.06 * 0.8) * env.states["price"]
    assert abs(prices.mean() - 36.0) < 4 * prices.std() / np.sqrt(LANES)


def test_waiting_is_worth_the_european_put():
    assert mean_return(OptimalStoppingVectorEnv(LANES), "hold").agrees_with(european(Put()))


def test_the_exact_boundary_is_worth_the_optimum():
    found = mean_return(OptimalStoppingVectorEnv(LANES), "optimal")
    assert found.agrees_with(solve(Put())[0])
    assert found.error < 0.03  # far from the European value, 0.63 below


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match="dates=0 is out of range"):
        OptimalStoppingEnv(dates=0)
