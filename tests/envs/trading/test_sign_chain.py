"""The chain of signs: its rules by hand, and its kernel against the known optimum."""

import numpy as np
import pytest

from quadrivium.envs.trading.oracles.sign_chain import follow_gain, solve
from quadrivium.envs.trading.sign_chain.env import SignChainEnv, SignChainVectorEnv
from tests.envs.trading.playing import mean_return


def test_a_step_pays_the_next_return_less_the_fee_for_the_change():
    env = SignChainEnv(persistence=1.0, fee_bps=25.0)
    obs, _ = env.reset(seed=1)
    sign = int(obs[0])
    with_it, against_it = 1 + sign, 1 - sign
    obs, reward, *_, info = env.step(with_it)
    np.testing.assert_allclose(obs, [sign, sign, 127 / 128])
    assert reward == pytest.approx(1.0 - 0.25)
    assert info["reward_terms"] == {"return": 1.0, "fee": -0.25}
    assert env.step(with_it)[1] == pytest.approx(1.0)
    assert env.step(against_it)[1] == pytest.approx(-1.0 - 0.5)
    assert env.step(1)[1] == pytest.approx(-0.25)


def test_an_episode_is_truncated_and_reports_gain_and_turnover():
    env = SignChainEnv(persistence=1.0, fee_bps=100.0, max_steps=2)
    obs, _ = env.reset(seed=2)
    env.step(1 + int(obs[0]))
    *_, terminated, truncated, info = env.step(1)
    assert (terminated, truncated) == (False, True)
    assert info["metrics"] == {"gain_per_step": pytest.approx(-0.5), "turnover": 2.0}


def test_the_sign_persists_with_the_stated_probability():
    env = SignChainVectorEnv(2000, persistence=0.7)
    env.reset(seed=3)
    kept = []
    for _ in range(20):
        before = env.states["sign"].copy()
        env.step(np.ones(2000, np.int64))
        kept.append((env.states["sign"] == before).mean())
    assert np.mean(kept) == pytest.approx(0.7, abs=4 * np.sqrt(0.7 * 0.3 / 40_000))


@pytest.mark.parametrize("fee", [10.0, 60.0, 70.0])
def test_the_best_play_earns_the_optimum(fee):
    env = SignChainVectorEnv(4000, fee_bps=fee, max_steps=64)
    value = solve(0.7, 1.0, fee / 100, 64).value
    assert mean_return(env, "optimal").agrees_with(value)


def test_following_earns_its_closed_form_and_cash_nothing():
    env = SignChainVectorEnv(4000, max_steps=64)
    # The first position costs one fee instead of the 2(1 − p) of later steps.
    expected = 64 * follow_gain(0.7, 1.0, 0.1) + 0.1 * (0.6 - 1.0)
    assert mean_return(env, "follow").agrees_with(expected)
    cash = mean_return(env, "cash")
    assert (cash.value, cash.error) == (0.0, 0.0)


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match=r"persistence=1\.5 is out of range"):
        SignChainEnv(persistence=1.5)
    with pytest.raises(ValueError, match="did you mean 'fee_bps'"):
        SignChainEnv(fee_bp=3)  # type: ignore[call-arg]
