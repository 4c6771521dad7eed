"""Optimal liquidation with linear impact.

X shares are sold in N steps of τ. Step k sells n_k and leaves x_k. The sale itself fetches ε + η_k n_k / τ
less than the mid price, and moves the mid by γ n_k for good; between sales the mid is a random walk of
variance σ²τ a step. Minimised is U = E + λV of the shortfall against the first price.

With U written as a sum over the steps, of ε n + η_k n²/τ + γ n x_k + λσ²τ x_k², the best share of the
inventory to sell depends on the step only: the schedule is also the optimum of the dynamic problem.

Source: Almgren & Chriss 2000, "Optimal execution of portfolio transactions".
"""

import math
from typing import NamedTuple

import numpy as np


class Market(NamedTuple):
    """The paper's parameters (its section 3.4), with five steps of a day.

    Attributes:
        shares: X.
        horizon: T, days.
        steps: N.
        volatility: σ, $ a share and √day.
        temporary_impact: η, $ a share for each share a day.
        permanent_impact: γ, $ a share for each share.
        half_spread: ε, $ a share.
        risk_aversion: λ, 1/$.
        liquidity: (N,) trading volume of each step by its mean, by which η is divided; None: 1.
    """

    shares: float = 1e6
    horizon: float = 5.0
    steps: int = 5
    volatility: float = 0.95
    temporary_impact: float = 2.5e-6
    permanent_impact: float = 2.5e-7
    half_spread: float = 0.0625
    risk_aversion: float = 1e-6
    liquidity: tuple[float, ...] | None = None

    @property
    def step_days(self) -> float:
        """Returns τ."""
        return self.horizon / self.steps


def urgency(m: Market) -> float:
    """Returns κ: cosh(κτ) = 1 + λσ²τ² / (2η̃) with η̃ = η − γτ/2 (eq. 18)."""
    tau = m.step_days
    eta = m.temporary_impact - m.permanent_impact * tau / 2
    return math.acosh(1 + m.risk_aversion * m.volatility**2 * tau**2 / (2 * eta)) / tau


def holdings(m: Market) -> np.ndarray:
    """Returns the best x_0 … x_N (N + 1,), X sinh(κ(T − t_k)) / sinh(κT) (eq. 19); liquidity is ignored."""
    left = m.horizon - np.arange(m.steps + 1) * m.step_days
    kappa = urgency(m)
    if kappa == 0.0:
        return m.shares * left / m.horizon
    # sinh(a) / sinh(b) without overflow
    ratio = (
        np.exp(kappa * (left - m.horizon)) * np.expm1(-2 * kappa * left) / np.expm1(-2 * kappa * m.horizon)
    )
    return m.shares * ratio


def solve(m: Market) -> tuple[float, np.ndarray]:
    """Returns the least U in $ and the best shares (N,) of the inventory to sell, by backward induction.

    The cost to go is ε x + a_k x², so each step is the minimum of a parabola in the share, within [0, 1].
    """
    tau = m.step_days
    risk = m.risk_aversion * m.volatility**2 * tau
    eta = m.temporary_impact / np.array(m.liquidity or [1.0] * m.steps) / tau
    gamma = m.permanent_impact
    shares = np.ones(m.steps)
    a = eta[-1]  # the last step sells everything
    for k in range(m.steps - 2, -1, -1):
        b = risk + a
        curvature = eta[k] - gamma + b
        f = float(np.clip((2 * b - gamma) / (2 * curvature), 0.0, 1.0)) if curvature > 0 else 1.0
        shares[k] = f
        a = eta[k] * f**2 + gamma * f * (1 - f) + b * (1 - f) ** 2
    return float(m.half_spread * m.shares + a * m.shares**2), shares


def evaluate(m: Market, shares: np.ndarray) -> tuple[float, float, float]:
    """Returns E in $, V in $² and U of selling the given shares (N,) of the inventory, the last of them 1."""
    tau = m.step_days
    x = m.shares * np.concatenate([[1.0], np.cumprod(1 - shares)])
    n = x[:-1] - x[1:]
    eta = m.temporary_impact / np.array(m.liquidity or [1.0] * m.steps)
    cost = m.half_spread * n + eta * n**2 / tau + m.permanent_impact * n * x[1:]
    mean, variance = float(cost.sum()), float(m.volatility**2 * tau * (x[1:] ** 2).sum())
    return mean, variance, mean + m.risk_aversion * variance


def even(m: Market) -> np.ndarray:
    """Returns the shares (N,) that sell the same number each step."""
    return 1.0 / np.arange(m.steps, 0, -1)


def with_volume(m: Market) -> np.ndarray:
    """Returns the shares (N,) that sell in proportion to the liquidity."""
    liquidity = np.array(m.liquidity or [1.0] * m.steps)
    return liquidity / np.cumsum(liquidity[::-1])[::-1]
