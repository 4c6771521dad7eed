"""What a position is worth by what came after it: lambda-returns."""

from __future__ import annotations

import numpy as np


def lambda_returns(
    rewards: np.ndarray, discounts: np.ndarray, values: np.ndarray, beyond: float, td_lambda: float
) -> np.ndarray:
    """Returns G (n,) float32 of n successive positions: G_t = r_t + d_t ((1 - λ) v_{t+1} + λ G_{t+1}).

    rewards, discounts, values (n,): what each position's move earned, how much less what comes after counts,
    and what search thought of the position. `beyond` is both v and G of the position after the last: 0 where
    the episode terminated, an estimate where its time was up.

    Source: Sutton & Barto 2018, eq. 12.18; search's values as in Schrittwieser et al. 2020 (MuZero),
    appendix G.
    """
    returns = np.empty(len(rewards), np.float32)
    after, value = beyond, beyond
    for t in range(len(rewards) - 1, -1, -1):
        after = float(rewards[t]) + float(discounts[t]) * ((1 - td_lambda) * value + td_lambda * after)
        value = float(values[t])
        returns[t] = after
    return returns


def look_ahead(values: np.ndarray, td_lambda: float, root_share: float) -> tuple[np.ndarray, np.ndarray]:
    """Returns what searches thought of each position of a game and of those after it, and its weight.

    values (n,): of n successive positions, all from one player's view; or their chances of a draw. The target
    of a position is `root_share` of its own value, and of the rest the lambda-return
    G_t = (1 - λ) v_{t+1} + λ G_{t+1}, whose last is the outcome. Here the outcome is left apart: returned are
    the mean (n,) of the values in the target, and their share (n,) of it. The outcome of a game that was lost
    twenty moves later says little of a position; what a search sees a few moves on says more.
    """
    nothing, whole = np.zeros(len(values)), np.ones(len(values))
    later = lambda_returns(nothing, whole, values, 0.0, td_lambda)  # the values' part of it
    outcome = lambda_returns(nothing, whole, nothing, 1.0, td_lambda)  # the outcome's weight in it
    shares = 1 - (1 - root_share) * outcome
    total = root_share * values + (1 - root_share) * later
    return np.where(shares > 0, total / np.where(shares > 0, shares, 1), values), shares
