"""The audit: a sound market passes, and each fault that others shipped is caught by its check."""

import warnings

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete

from quadrivium.envs.trading.audit.adapters import Account, Adapter, NotReachable
from quadrivium.envs.trading.audit.auditor import CHECKS, AuditReport, audit

POSITIONS = (-2.0, 0.0, 1.0, 2.0)  # shares of equity
WINDOW, BARS = 4, 400


class Toy(gymnasium.Env):
    """A sound market: decide on a close, trade there, be marked at the next one. Faults are subclasses."""

    observation_space = Box(-np.inf, np.inf, (2 * WINDOW,), np.float64)
    action_space = Discrete(len(POSITIONS))

    def __init__(self):
        returns = np.random.default_rng(0).normal(0.0, 0.01, BARS)
        self.fee, self.rate = 0.001, 0.0
        self.set_prices(100 * np.exp(np.cumsum(returns)))

    def set_prices(self, prices):
        self.prices = prices
        self.features = np.diff(np.log(prices), prepend=np.log(prices[0]))

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.t = self.first_bar()
        self.cash, self.units, self.equity = 1000.0, 0.0, 1000.0
        self.held = self.blank_window()
        return self.observe(), {}

    def first_bar(self):
        return int(self.np_random.integers(WINDOW, 60))

    def blank_window(self):
        return [0.0] * WINDOW

    def observe(self):
        return np.concatenate([self.features[self.t - WINDOW + 1 : self.t + 1], self.held[-WINDOW:]])

    def step(self, action):
        before, price = self.equity, self.prices[self.t]
        self.trade(POSITIONS[action] * self.equity / price - self.units, price)
        self.t += 1
        self.pay_interest(self.prices[self.t])
        self.equity = self.cash + self.units * self.prices[self.t]
        self.held.append(POSITIONS[action])
        terminated = self.equity <= 0
        return self.observe(), self.reward(before, terminated), terminated, self.t >= BARS - 1, {}

    def trade(self, units, price):
        self.cash -= units * price + self.fee * abs(units) * price
        self.units += units

    def pay_interest(self, price):
        self.cash -= self.rate * (max(-self.cash, 0) + max(-self.units, 0) * price)

    def reward(self, before, terminated):
        return (self.equity - before) / 1000


class ToyAdapter(Adapter):
    def perturb(self, env, t, change):
        first = env.t + t + 1
        prices = env.prices.copy()
        prices[first:] = change(prices[first:], prices[first - 1])
        env.set_prices(prices)
        return env

    def account(self, env, info):
        return Account(env.equity, env.units, env.prices[env.t])

    def with_fee(self, env, fee):
        env.fee, env.rate = fee, 0.0
        return env

    def with_financing(self, env, rate):
        env.fee, env.rate = 0.0, rate
        return env


class GlobalGenerator(Toy):
    def first_bar(self):
        return int(np.random.randint(WINDOW, 60))  # noqa: NPY002 (the fault)


class Residue(Toy):
    def blank_window(self):
        return getattr(self, "held", [0.0] * WINDOW)


class FeatureOfTomorrow(Toy):
    def set_prices(self, prices):
        super().set_prices(prices)
        self.features = np.roll(self.features, -1)


class Standardised(Toy):
    """Features scaled by the mean of all data, the future's included."""

    def set_prices(self, prices):
        super().set_prices(prices)
        self.features = (self.features - self.features.mean()) / self.features.std()


class RewardOfUnits(Toy):
    """Pays for the price's move whatever the fee."""

    def reward(self, before, terminated):
        return self.units * (self.prices[self.t] - self.prices[self.t - 1])


class Inverted(Toy):
    def reward(self, before, terminated):
        return -super().reward(before, terminated)


class MoneyAppears(Toy):
    def trade(self, units, price):
        super().trade(units, price)
        self.cash += 5e-5 * price * (units < 0)  # a rounding in one's own favour on each sale


class FeePays(Toy):
    def trade(self, units, price):
        self.cash -= units * price + self.fee * units * price  # a sale should pay too
        self.units += units


class FeeUnused(Toy):
    def trade(self, units, price):
        self.cash -= units * price
        self.units += units


class InterestOnce(Toy):
    def reset(self, *, seed=None, options=None):
        self.charged = 0.0
        return super().reset(seed=seed)

    def pay_interest(self, price):
        self.cash += self.charged  # written over instead of added up
        self.charged = self.rate * (max(-self.cash, 0) + max(-self.units, 0) * price)
        self.cash -= self.charged


class RuinForFree(Toy):
    def reward(self, before, terminated):
        return 0.0 if terminated else super().reward(before, terminated)


class Debts(Toy):
    def step(self, action):
        observation, reward, _, truncated, info = super().step(action)
        return observation, reward, False, truncated, info


class NotANumber(Toy):
    def set_prices(self, prices):
        super().set_prices(prices)
        self.features[100] = np.nan


class WarningsAreErrors(Toy):
    def __init__(self):
        warnings.filterwarnings("error")
        super().__init__()


class Breaks(Toy):
    def step(self, action):
        raise KeyError("close")


def audited(kind, **options) -> AuditReport:
    return audit(kind, adapter=ToyAdapter(), episodes=5, **options)


def test_a_sound_market_passes_every_check():
    report = audited(Toy)
    assert [finding.check for finding in report.findings] == list(CHECKS)
    assert {finding.verdict for finding in report.findings} == {"pass"}, str(report)


@pytest.mark.parametrize(
    ("kind", "faults", "evidence"),
    [
        (GlobalGenerator, {"seeding"}, "global generator"),
        (Residue, {"reset residue"}, "the observation of step 0 differs from a fresh"),
        (FeatureOfTomorrow, {"look-ahead"}, "changes with the data after step 2"),
        (Standardised, {"look-ahead"}, "the observation of step 0 changes with the data after step 2"),
        (RewardOfUnits, {"costs"}, "the rewards do not feel it: 0, without it 0"),
        (
            Inverted,
            {"reward sign", "costs", "ruin"},
            "in 5 of 5 episodes the reward's sign is not the profit's",
        ),
        (MoneyAppears, {"accounting"}, "equity changes by"),
        (FeeUnused, {"costs"}, "a fee of 0.004 and none give the same equity"),
        (FeePays, {"costs"}, "with a fee of 0.001"),
        (InterestOnce, {"financing"}, "interest of"),
        (RuinForFree, {"ruin"}, "with reward 0"),
        (Debts, {"ruin"}, "and the episode goes on"),
        (NotANumber, {"finite"}, "an observation with NaN or infinity"),
        (WarningsAreErrors, {"warnings"}, "every warning of the program is an error"),
    ],
)
def test_each_fault_is_caught_by_its_check_and_no_other(kind, faults, evidence):
    report = audited(kind)
    assert {finding.check for finding in report.faults} == faults, str(report)
    assert any(evidence in finding.evidence for finding in report.faults), str(report)
    assert "\n" not in "".join(finding.evidence for finding in report.findings)


def test_what_is_not_exposed_is_not_checked_and_says_why():
    report = audit(Toy, episodes=2)
    assert report["look-ahead"].verdict == "not checked"
    assert "pass an adapter with `perturb`" in report["look-ahead"].evidence
    assert report["accounting"].evidence.startswith("the environment does not expose its equity")
    assert report["seeding"].verdict == report["finite"].verdict == "pass"
    assert not report.faults


def test_equity_in_info_is_found():
    class Telling(Toy):
        def reset(self, *, seed=None, options=None):
            return super().reset(seed=seed)[0], {"portfolio_value": self.equity}

        def step(self, action):
            return *super().step(action)[:4], {"portfolio_value": self.equity}

    assert audit(Telling, episodes=3)["reward sign"].verdict == "pass"


def test_data_that_do_not_reach_the_agent_are_not_called_free_of_look_ahead():
    class Elsewhere(ToyAdapter):
        def perturb(self, env, t, change):
            return env

    finding = audit(Toy, adapter=Elsewhere(), episodes=1)["look-ahead"]
    assert finding.verdict == "not checked"
    assert "had no effect" in finding.evidence


def test_what_an_environment_raises_is_a_finding():
    report = audited(Breaks)
    assert report["finite"].verdict == "fail"
    assert report["finite"].evidence == "raised KeyError: 'close'"


def test_an_audit_leaves_global_generators_and_warnings_as_they_were():
    np.random.seed(3)  # noqa: NPY002
    expected = np.random.random()  # noqa: NPY002
    filters = list(warnings.filters)
    np.random.seed(3)  # noqa: NPY002
    audited(WarningsAreErrors)
    assert np.random.random() == expected  # noqa: NPY002
    assert warnings.filters == filters


def test_a_report_is_plain_data_and_lines():
    report = audited(Inverted, name="toy")
    told = report.to_dict()
    assert (told["environment"], told["faults"]) == ("toy", 3)
    assert str(report).splitlines()[0] == "toy"
    assert len(str(report).splitlines()) == 1 + len(CHECKS)
    with pytest.raises(ValueError, match="episodes=0 must be at least 1"):
        audit(Toy, episodes=0)


def test_an_adapter_says_what_it_cannot_do():
    with pytest.raises(NotReachable, match="with_fee"):
        Adapter().with_fee(Toy(), 0.1)
