"""Checks of conduct: finite numbers, seeds, resets, no knowledge of the future, no global warning filters."""

import warnings

import numpy as np

from quadrivium.envs.trading.audit.play import first_difference, random_actions
from quadrivium.envs.trading.audit.subject import STEPS, Subject, Verdict

_LOOKS = (2, 7, 30)  # steps after which the future is changed


def finite_numbers(subject: Subject) -> tuple[Verdict, str]:
    """Looks for NaN and infinity in observations and rewards."""
    env = subject.fresh()
    steps = 0
    for episode in range(subject.episodes):
        seed = subject.seed + episode
        told = subject.play(env, random_actions(env, STEPS, seed), seed)
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
            subject.play(used, random_actions(used, STEPS, before), before, chance=before)
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
