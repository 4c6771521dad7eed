"""Who owns what, with one trader and with several who act at once in one book."""

from functools import partial

import numpy as np
import pytest
from gymnasium.utils.env_checker import data_equivalence
from pettingzoo.test import api_test, parallel_api_test, parallel_seed_test
from pettingzoo.utils.conversions import parallel_to_aec

from quadrivium.envs.core.checks import check_vector_env
from quadrivium.envs.trading import limit_order_book_v0
from quadrivium.envs.trading.limit_order_book.env import LimitOrderBookVectorEnv

KEEP, BETTER_BID, SELL_1 = 0, 1 + 7 * 1, 52


@pytest.mark.parametrize("agents", [1, 2])
def test_rewards_sum_to_the_nav_and_nav_before_fees_sums_to_nothing(agents):
    env = LimitOrderBookVectorEnv(4 * agents, agents=agents, steps=1000, max_loss=float("inf"))
    env.reset(seed=5)
    env.action_space.seed(5)
    total = np.zeros(4 * agents)
    for _ in range(150):
        _, rewards, *_, info = env.step(env.action_space.sample())
        total += rewards - info["reward_terms"]["inventory"]
        states = env.get_state()
        assert (states["cash"].sum(axis=1) == 0).all()
        assert (states["position"].sum(axis=1) == 0).all()
        assert (states["captured2"].sum(axis=1) == 0).all()
        flow = states["cash"][:, 0] + states["position"][:, 0] * states["mid2"] / 2
        before_fees = (states["nav"] + states["fees"]).sum(axis=1)
        np.testing.assert_allclose(flow + before_fees, 0, atol=1e-6)
        np.testing.assert_allclose(states["fees"], fees_of(states), atol=1e-9)
    np.testing.assert_allclose(total, states["nav"].reshape(-1), atol=0.01)
    assert (states["fills"][:, 1:] > 0).all()


def fees_of(states):
    return 0.3 * states["taken"][:, 1:] - 0.1 * states["made"][:, 1:]


def test_traders_fill_each_other():
    env = limit_order_book_v0.parallel_env(agents=2, interval=1e-6)
    for seed in range(20):
        env.reset(seed=seed)
        row = env.get_state()[0]
        bid, ask = int(row["best_bid"]), int(row["best_ask"])
        if ask - bid > 1:  # there is room for a better bid
            break
    env.step({"trader_0": BETTER_BID, "trader_1": KEEP})
    assert env.get_state()[0]["best_bid"] == bid + 1
    env.step({"trader_0": KEEP, "trader_1": SELL_1})
    after = env.get_state()[0]
    assert after["position"].tolist() == [0, 1, -1]
    assert after["cash"].tolist() == [0, -(bid + 1), bid + 1]


@pytest.mark.filterwarnings("error")
def test_pettingzoos_parallel_tests_pass():
    make = partial(limit_order_book_v0.parallel_env, agents=2, steps=20)
    parallel_api_test(make(), num_cycles=100)
    parallel_seed_test(make)


@pytest.mark.filterwarnings("ignore:Observation is not a NumPy array")  # but a Dict of them
@pytest.mark.filterwarnings("ignore:Observation is not NumPy array")  # likewise
@pytest.mark.filterwarnings("ignore:Observation space for each agent probably should be")  # likewise
def test_pettingzoos_tests_pass_in_the_form_where_agents_act_in_turn():
    api_test(parallel_to_aec(limit_order_book_v0.parallel_env(agents=2, steps=20)), num_cycles=100)


def test_each_trader_of_a_batch_equals_that_of_the_parallel_environment():
    batch = LimitOrderBookVectorEnv(4, agents=2, steps=15)
    batch.action_space.seed(0)
    shown = batch.reset(seed=7)[0]
    singles = [limit_order_book_v0.parallel_env(agents=2, steps=15) for _ in range(2)]
    expected = [env.reset(seed=7 + i)[0] for i, env in enumerate(singles)]
    for _ in range(14):
        actions = batch.action_space.sample()
        for i, env in enumerate(singles):
            for j in range(2):
                row = {key: part[2 * i + j] for key, part in shown.items()}
                assert data_equivalence(row, expected[i][f"trader_{j}"], exact=True)
            expected[i] = env.step({f"trader_{j}": actions[2 * i + j] for j in range(2)})[0]
        shown = batch.step(actions)[0]


def test_the_batch_of_traders_conforms():
    report = check_vector_env(partial(LimitOrderBookVectorEnv, agents=2, steps=20), num_envs=10, agents=2)
    assert set(report.left_out) <= {"lanes_equal_the_single_environment", "thread_count_does_not_matter"}


def test_one_trader_is_no_parallel_environment():
    with pytest.raises(ValueError, match=r"agents=1 is out of range: use an integer in \[2, 16\]"):
        limit_order_book_v0.parallel_env(agents=1)
