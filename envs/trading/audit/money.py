"""Checks of an environment's money: rewards and profit, what moves equity, what costs, what ruins."""

import numpy as np

from quadrivium.envs.trading.audit.adapters import NotReachable
from quadrivium.envs.trading.audit.play import Trajectory, constant_actions, random_actions
from quadrivium.envs.trading.audit.subject import STEPS, TOLERANCE, Subject, Verdict, exposed

_FEES = (0.0, 0.001, 0.004)
_RATE = 0.001  # interest a step


def reward_sign(subject: Subject) -> tuple[Verdict, str]:
    """Compares the sign of each episode's rewards with that of its profit."""
    env = subject.fresh()
    against, decided, example = 0, 0, ""
    for episode in range(subject.episodes):
        seed = subject.seed + episode
        told = subject.play(env, random_actions(env, STEPS, seed), seed)
        equity = exposed(told.equity, "equity")
        profit, reward = float(equity[-1] - equity[0]), float(np.sum(told.rewards))
        if abs(profit) > TOLERANCE * abs(equity[0]) and abs(reward) > TOLERANCE:
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
        told = subject.play(env, random_actions(env, STEPS, seed), seed)
        equity = exposed(told.equity, "equity")
        rows = len(equity)  # units, prices and fills become (K + 1, assets)
        units = exposed(told.column("position"), "units held").reshape(rows, -1)
        prices = exposed(told.column("price"), "price").reshape(rows, -1)
        fills = told.column("fill").reshape(rows, -1)[1:]
        fills = np.where(np.isfinite(fills), fills, prices[:-1])
        earned = (units[:-1] * (fills - prices[:-1]) + units[1:] * (prices[1:] - fills)).sum(axis=1)
        costs = told.column("costs")[1:]
        known = bool(np.isfinite(costs).all())
        missing = earned - (costs if known else 0.0) - np.diff(equity)
        scale = TOLERANCE * np.maximum(np.abs(equity[:-1]), 1e-12)
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
    curves = [exposed(one.equity, "equity") for one in told]
    for cheap, dear, low, high in zip(curves, curves[1:], _FEES, _FEES[1:], strict=False):
        length = min(len(cheap), len(dear))
        rises = dear[:length] > cheap[:length] * (1 + TOLERANCE * np.sign(cheap[:length]))
        if rises.any():
            k = int(np.argmax(rises))
            return (
                "fail",
                f"at step {k} equity is {dear[k]:.6g} with a fee of {high}, {cheap[k]:.6g} with {low}",
            )
    first, last = curves[0][-1], curves[-1][-1]
    if abs(first - last) <= TOLERANCE * abs(first):
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
        equity = exposed(subject.play(env, actions, subject.seed).equity, "equity")
        paid = -np.diff(equity)
        least = TOLERANCE * abs(equity[0])
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
