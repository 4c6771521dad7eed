"""An audit of trading environments, ours or others: faults that make results worthless, each with evidence.

`audit(make_env)` plays a Gymnasium environment and looks for what others shipped: seeds that do not seed,
rows of an earlier episode in the window, observations that know the future, rewards that disagree with
profit, money that appears, fees that cost nothing, interest that is forgiven, ruin without a loss.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import gymnasium
import numpy as np

from envs.trading.audit_adapters import Adapter, NotReachable, adapter_for
from envs.trading.audit_play import (
    Trajectory,
    constant_actions,
    first_difference,
    global_generators_kept,
    play,
    random_actions,
)

Verdict = Literal["pass", "fail", "not checked"]

_STEPS = 300  # an episode is played at most so far
_LOOKS = (2, 7, 30)  # steps after which the future is changed
_FEES = (0.0, 0.001, 0.004)
_RATE = 0.001  # interest a step
_TOLERANCE = 1e-6  # of the equity: float32 accounts are not at fault


@dataclass(frozen=True)
class Finding:
    """What one check found.

    Attributes:
        check: its name, of `CHECKS`.
        verdict: "pass", "fail" or "not checked".
        evidence: one line: what was seen, or why nothing was.
    """

    check: str
    verdict: Verdict
    evidence: str


@dataclass(frozen=True)
class AuditReport:
    """The findings on one environment, in the order of `CHECKS`."""

    environment: str
    findings: tuple[Finding, ...]

    @property
    def faults(self) -> tuple[Finding, ...]:
        """The findings that are faults."""
        return tuple(finding for finding in self.findings if finding.verdict == "fail")

    def __getitem__(self, check: str) -> Finding:
        return next(finding for finding in self.findings if finding.check == check)

    def __str__(self) -> str:
        lines = [f"{one.check:<14} {one.verdict:<12} {one.evidence}" for one in self.findings]
        return "\n".join([self.environment, *lines])

    def to_dict(self) -> dict[str, Any]:
        """Returns the report as plain data for JSON."""
        findings = [
            {"check": one.check, "verdict": one.verdict, "evidence": one.evidence} for one in self.findings
        ]
        return {"environment": self.environment, "faults": len(self.faults), "findings": findings}


@dataclass(frozen=True)
class Subject:
    """The environment under audit: how it is made, how it is reached, and how much is played."""

    make_env: Callable[[], gymnasium.Env]
    adapter: Adapter
    episodes: int
    seed: int

    def fresh(self) -> gymnasium.Env:
        """Returns a new environment, without the wrappers that only check how it is used."""
        return self.make_env().unwrapped

    def prepared(self) -> gymnasium.Env:
        """Returns a new environment that has been reset, as adapters want it."""
        env = self.fresh()
        play(env, self.adapter, [], self.seed)
        return env

    def still(self, env: gymnasium.Env) -> gymnasium.Env:
        """Returns an environment like `env` whose prices stay where they are after the reset."""
        play(env, self.adapter, [], self.seed)
        return self.adapter.perturb(env, 0, lambda prices, last: np.full_like(prices, last)).unwrapped

    def play(self, env: gymnasium.Env, actions: list[Any], seed: int, chance: int = 0) -> Trajectory:
        """Plays `actions` from a reset with `seed`."""
        return play(env, self.adapter, actions, seed, chance=chance)


def audit(
    make_env: Callable[[], gymnasium.Env],
    *,
    adapter: Adapter | None = None,
    episodes: int = 20,
    seed: int = 0,
    name: str | None = None,
) -> AuditReport:
    """Returns what every check of `CHECKS` found on the environments that `make_env` returns.

    The global random generators are put back as they were.

    make_env: returns a new environment, every time alike. adapter: how to reach data, account and costs; by
    default the one of the environment's family, where known. episodes: of random actions, for the checks that
    count. name: of the report; default: the environment's id or type.

    Raises ValueError for fewer than one episode. What the environment raises becomes evidence.
    """
    if episodes < 1:
        raise ValueError(f"episodes={episodes} must be at least 1, such as 20")
    with global_generators_kept(), warnings.catch_warnings():
        made = make_env()
        env = made.unwrapped
        subject = Subject(make_env, adapter or adapter_for(env), episodes, seed)
        if name is None:
            name = made.spec.id if made.spec is not None else type(env).__name__
        return AuditReport(name, tuple(_examine(check, subject) for check in CHECKS))


def _examine(check: str, subject: Subject) -> Finding:
    try:
        verdict, evidence = CHECKS[check](subject)
    except NotReachable as why:
        verdict, evidence = "not checked", str(why)
    except Exception as error:  # whatever a foreign environment raises is a finding, not our end
        verdict, evidence = "fail", f"raised {type(error).__name__}: {' '.join(str(error).split())[:120]}"
    return Finding(check, verdict, evidence)


def finite_numbers(subject: Subject) -> tuple[Verdict, str]:
    """Looks for NaN and infinity in observations and rewards."""
    env = subject.fresh()
    steps = 0
    for episode in range(subject.episodes):
        seed = subject.seed + episode
        told = subject.play(env, random_actions(env, _STEPS, seed), seed)
        steps += len(told.rewards)
        if told.bad:
            return "fail", f"{told.bad} of the episode with seed {seed}"
    return "pass", f"observations and rewards of {steps:,} steps are finite"


def seeding(subject: Subject) -> tuple[Verdict, str]:
    """Plays the same seed and actions twice, with the global generators in other states."""
    one, other = subject.fresh(), subject.fresh()
    for episode in range(5):
        seed = subject.seed + episode
        actions = random_actions(one, 100, seed)
        first = subject.play(one if not episode else subject.fresh(), actions, seed, chance=1 + 2 * episode)
        second = subject.play(
            other if not episode else subject.fresh(), actions, seed, chance=2 + 2 * episode
        )
        differs = first_difference(first, second, 100)
        if differs:
            again = subject.play(subject.fresh(), actions, seed, chance=1 + 2 * episode)
            why = (
                ""
                if first_difference(first, again, 100)
                else "; it draws from NumPy's or Python's global generator"
            )
            return "fail", f"seed {seed} twice: {differs} differs{why}"
    return "pass", "5 seeds, twice each: the same trajectory bit for bit"


def reset_residue(subject: Subject) -> tuple[Verdict, str]:
    """Compares an episode that follows others with the same episode of a fresh environment."""
    for episode in range(3):
        seed = subject.seed + episode
        used = subject.fresh()
        for before in range(seed + 100, seed + 105):
            subject.play(used, random_actions(used, _STEPS, before), before, chance=before)
        actions = random_actions(used, 100, seed)
        after = subject.play(used, actions, seed)
        differs = first_difference(subject.play(subject.fresh(), actions, seed), after, 100)
        if differs:
            return "fail", f"after other episodes {differs} differs from a fresh environment's"
    return "pass", "3 episodes after others: as in a fresh environment, bit for bit"


def look_ahead(subject: Subject) -> tuple[Verdict, str]:
    """Changes all data after a bar and compares everything shown and paid up to it."""

    def otherwise(prices: np.ndarray, last: float) -> np.ndarray:
        return prices * np.exp(np.random.default_rng(1).normal(0.0, 0.1, len(prices)))

    felt = False
    for t in _LOOKS:
        env = subject.prepared()
        actions = random_actions(env, t + 50, subject.seed + t)
        as_it_is = subject.play(env, actions, subject.seed)
        env = subject.prepared()
        changed = subject.play(subject.adapter.perturb(env, t, otherwise).unwrapped, actions, subject.seed)
        differs = first_difference(as_it_is, changed, t)
        if differs:
            return "fail", f"{differs} changes with the data after step {t}"
        felt = felt or bool(first_difference(as_it_is, changed, t + 50))
    if not felt:
        return (
            "not checked",
            "changed data had no effect on 50 steps after either: they do not reach the agent",
        )
    told = ", ".join(map(str, _LOOKS))
    return "pass", f"data after steps {told} changed: the same up to there bit for bit, different afterwards"


def reward_sign(subject: Subject) -> tuple[Verdict, str]:
    """Compares the sign of each episode's rewards with that of its profit."""
    env = subject.fresh()
    against, decided, example = 0, 0, ""
    for episode in range(subject.episodes):
        seed = subject.seed + episode
        told = subject.play(env, random_actions(env, _STEPS, seed), seed)
        equity = _exposed(told.equity, "equity")
        profit, reward = float(equity[-1] - equity[0]), float(np.sum(told.rewards))
        if abs(profit) > _TOLERANCE * abs(equity[0]) and abs(reward) > _TOLERANCE:
            decided += 1
            if profit * reward < 0:
                against += 1
                example = example or (
                    f"seed {seed} earns {reward:+.4g}, equity goes from {equity[0]:.4g} to {equity[-1]:.4g}"
                )
    if against:
        return "fail", f"in {against} of {decided} episodes the reward's sign is not the profit's: {example}"
    if not decided:
        return "not checked", "no episode made a profit or a loss and a reward"
    return "pass", f"rewards and profit have one sign in {decided} episodes"


def accounting(subject: Subject) -> tuple[Verdict, str]:
    """Holds each change of equity against position × change of price less costs."""
    env = subject.prepared()
    try:
        env, free = subject.adapter.with_fee(env, 0.0).unwrapped, True
    except NotReachable:
        free = False
    checked, known = 0, True
    for episode in range(min(subject.episodes, 5)):
        seed = subject.seed + episode
        told = subject.play(env, random_actions(env, _STEPS, seed), seed)
        equity = _exposed(told.equity, "equity")
        rows = len(equity)  # units, prices and fills become (K + 1, assets)
        units = _exposed(told.column("position"), "units held").reshape(rows, -1)
        prices = _exposed(told.column("price"), "price").reshape(rows, -1)
        fills = told.column("fill").reshape(rows, -1)[1:]
        fills = np.where(np.isfinite(fills), fills, prices[:-1])
        earned = (units[:-1] * (fills - prices[:-1]) + units[1:] * (prices[1:] - fills)).sum(axis=1)
        costs = told.column("costs")[1:]
        known = bool(np.isfinite(costs).all())
        missing = earned - (costs if known else 0.0) - np.diff(equity)
        scale = _TOLERANCE * np.maximum(np.abs(equity[:-1]), 1e-12)
        wrong = np.abs(missing) > scale if known or free else missing < -scale
        if wrong.any():
            k = int(np.argmax(wrong))
            held = ", ".join(f"{one:.4g}" for one in units[k + 1])
            paid = f" less costs {costs[k]:.4g}" if known else ""
            return "fail", (
                f"step {k + 1} of seed {seed}: {held} units earn {earned[k]:.6g}{paid}, "
                f"equity changes by {equity[k + 1] - equity[k]:.6g}"
            )
        checked += len(earned)
    if not checked:
        return "not checked", "no step was played"
    kind = "equals" if known or free else "never exceeds"
    return "pass", f"the change of equity {kind} position × change of price less costs in {checked:,} steps"


def costs(subject: Subject) -> tuple[Verdict, str]:
    """Plays the same actions at three fees: equity must not rise with the fee, and rewards must feel it.

    Whether they do is clearest in a market that stands still, where trading can only cost.
    """
    told = []
    for fee in _FEES:
        env = subject.adapter.with_fee(subject.prepared(), fee).unwrapped
        told.append(subject.play(env, random_actions(env, 100, subject.seed), subject.seed))
    curves = [_exposed(one.equity, "equity") for one in told]
    for cheap, dear, low, high in zip(curves, curves[1:], _FEES, _FEES[1:], strict=False):
        length = min(len(cheap), len(dear))
        rises = dear[:length] > cheap[:length] * (1 + _TOLERANCE * np.sign(cheap[:length]))
        if rises.any():
            k = int(np.argmax(rises))
            return (
                "fail",
                f"at step {k} equity is {dear[k]:.6g} with a fee of {high}, {cheap[k]:.6g} with {low}",
            )
    first, last = curves[0][-1], curves[-1][-1]
    if abs(first - last) <= _TOLERANCE * abs(first):
        return (
            "fail",
            f"a fee of {_FEES[-1]} and none give the same equity, {first:.6g}, with the same actions",
        )
    market = ""
    try:
        told = [_in_a_still_market(subject, fee) for fee in (0.0, _FEES[-1])]
        market = "in a market that stands still "
    except NotReachable:
        told = [told[0], told[-1]]
    free, paying = (float(np.sum(one.rewards)) for one in told)
    before, after = (float(one.equity[-1]) for one in told)
    if after < before and not (paying < free if market else paying != free):
        return "fail", (
            f"{market}a fee of {_FEES[-1]} takes equity from {before:.6g} to {after:.6g}; "
            f"the rewards do not feel it: {paying:.4g}, without it {free:.4g}"
        )
    ends = ", ".join(f"{curve[-1]:.5g}" for curve in curves)
    return "pass", f"equity after 100 steps falls with the fee: {ends}; so do rewards"


def _in_a_still_market(subject: Subject, fee: float) -> Trajectory:
    env = subject.still(subject.adapter.with_fee(subject.prepared(), fee).unwrapped)
    return subject.play(env, random_actions(env, 100, subject.seed), subject.seed)


def financing(subject: Subject) -> tuple[Verdict, str]:
    """Holds positions in a market that stands still: what borrowing costs in a step it costs in the next."""
    borrowed = ""
    for action, actions in constant_actions(subject.fresh(), 10):
        env = subject.still(subject.adapter.with_financing(subject.prepared(), _RATE).unwrapped)
        equity = _exposed(subject.play(env, actions, subject.seed).equity, "equity")
        paid = -np.diff(equity)
        least = _TOLERANCE * abs(equity[0])
        if len(paid) > 1 and paid.max() > least:
            largest = int(np.argmax(paid))
            forgiven = paid[largest:] < 0.5 * paid[largest]
            if forgiven.any():
                k = largest + int(np.argmax(forgiven))
                return "fail", (
                    f"action {action} held: interest of {paid[largest]:.4g} in step {largest + 1}, "
                    f"{paid[k]:.4g} in step {k + 1}, with the same position and price"
                )
            borrowed = borrowed or f"action {action} held: {paid.min():.4g} to {paid.max():.4g} in each step"
    if not borrowed:
        return "not checked", "no action that was tried borrows"
    return "pass", borrowed


def ruin(subject: Subject) -> tuple[Verdict, str]:
    """Lets the market fall to a hundredth or rise fiftyfold: ruin must end the episode, with a loss."""
    ruined = ""
    for factor, told_as in ((0.01, "falls to 1 %"), (50.0, "rises fiftyfold")):
        for action, actions in constant_actions(subject.fresh(), 12):
            env = subject.adapter.perturb(subject.prepared(), 4, lambda prices, _, by=factor: prices * by)
            told = subject.play(env.unwrapped, actions, subject.seed)
            equity = told.equity
            where = f"the market {told_as}, action {action} held"
            if told.bad:
                return "fail", f"{where}: {told.bad}"
            if told.terminated:
                if not told.rewards[-1] < 0:
                    return (
                        "fail",
                        f"{where}: ruined, equity {equity[-1]:.4g}, with reward {told.rewards[-1]:g}",
                    )
                ruined = ruined or f"{where}: terminated with reward {told.rewards[-1]:.4g}"
            elif (equity <= 0).any():
                return "fail", f"{where}: equity is {np.nanmin(equity):.4g} and the episode goes on"
    if not ruined:
        return "not checked", "no action that was tried is ruined"
    return "pass", ruined


def warning_filters(subject: Subject) -> tuple[Verdict, str]:
    """Looks whether all warnings of the program are errors now."""
    subject.fresh()
    for action, message, category, module, _ in warnings.filters:
        if action == "error" and category is Warning and message is None and module is None:
            return (
                "fail",
                "every warning of the program is an error: some import called filterwarnings('error')",
            )
    return "pass", "no filter turns all warnings of the program into errors"


# Name -> check, in the order in which they are reported.
CHECKS: dict[str, Callable[[Subject], tuple[Verdict, str]]] = {
    "finite": finite_numbers,
    "seeding": seeding,
    "reset residue": reset_residue,
    "look-ahead": look_ahead,
    "reward sign": reward_sign,
    "accounting": accounting,
    "costs": costs,
    "financing": financing,
    "ruin": ruin,
    "warnings": warning_filters,
}


def _exposed(values: np.ndarray, what: str) -> np.ndarray:
    if np.isnan(values).any():
        raise NotReachable(f"the environment does not expose its {what}: pass an adapter with `account`")
    return values
