"""The Execution environment: its arguments, spaces and documentation page; the rules are in `kernel`."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from gymnasium.spaces import Box

from quadrivium.envs.core.lane import World
from quadrivium.envs.core.options import Options, integer, number, params_of
from quadrivium.envs.core.setup import Setup, drawn_by
from quadrivium.envs.core.world_env import WorldEnv, WorldVectorEnv
from quadrivium.envs.trading.execution import kernel
from quadrivium.envs.trading.execution.baselines import BASELINES
from quadrivium.envs.trading.execution.kernel import ExecutionParams

WORLD = World.of(kernel, "execution", ExecutionParams)


@dataclass(frozen=True, kw_only=True)
class ExecutionOptions(Options):
    """The arguments of the Execution environments."""

    shares: float = number(1e6, 0, 1e12, above=True)
    """X, to be sold"""
    horizon_days: float = number(5.0, 0, 1e4, above=True)
    """T"""
    steps: int = integer(5, 1, 10_000)
    """N, decisions in T"""
    volatility: float = number(0.95, 0, 1e6)
    """σ, $ a share and √day"""
    temporary_impact: float = number(2.5e-6, 0, 1e6)
    """η, $ a share for each share a day, at mean liquidity"""
    permanent_impact: float = number(2.5e-7, 0, 1e6)
    """γ, $ a share for each share"""
    half_spread: float = number(0.0625, 0, 1e6)
    """ε, $ a share"""
    risk_aversion: float = number(1e-6, 0, 1e6)
    """λ, 1/$"""
    u_shape: float = number(0.0, 0, 0.45)
    """u: the first and the last step have 1 + u times the mean liquidity, by which η is divided, and those
    between less, along a parabola. 0: the paper's"""
    reward: Literal["expected", "realised"] = "expected"
    """whether the price's random part is in the reward"""


def execution_setup(options: ExecutionOptions) -> Setup:
    """Returns the Execution world with its parameters chosen."""
    shares, tau = float(options.shares), options.horizon_days / options.steps
    params = params_of(
        ExecutionParams,
        options,
        volatility=options.volatility * math.sqrt(tau),
        temporary=options.temporary_impact * shares / tau,
        permanent=options.permanent_impact * shares,
        risk=options.risk_aversion * options.volatility**2 * tau * shares,
        noisy_reward=options.reward == "realised",
    )
    low = np.array([0.0, 0.0, -np.inf], np.float32)
    return Setup(
        world=WORLD,
        params=params,
        state_dtype=kernel.STATE,
        observation_space=Box(low, np.array([1.0, 1.0, np.inf], np.float32)),
        action_space=Box(-1.0, 1.0, (1,), np.float32),
        renderer=drawn_by("quadrivium.envs.trading.execution.render:ExecutionRenderer", params),
        baselines=BASELINES,
        columns={
            "observation": (
                "share of the first inventory still to be sold",
                "share of the steps that is left",
                "the mid price's change since the beginning, by σ√T",
            )
        },
    )


class ExecutionEnv(WorldEnv):
    """A large number of shares is to be sold by a deadline: fast is dear, slow is risky.

    The model of Almgren & Chriss 2000, with the parameters of their example: a sale of n shares in a step of
    τ days fetches ε + η n / τ less than the mid price and moves it by −γ n for good; otherwise the mid is a
    random walk of volatility σ.

    ## Actions
    Box(−1, 1, (1,)): the share of the remaining inventory to sell in this step, (a + 1) / 2. In the last step
    everything is sold, whatever the action.

    ## Observations
    Vector (3,): the share of the first inventory still to be sold; the share of the steps that is left; the
    mid price's change since the beginning, by σ√T.

    ## Reward
    In $ for each share of the first inventory, additive; its sum is minus the risk-adjusted cost:

    - `execution`: what the sale loses to half-spread and temporary impact.
    - `price`: what the shares still held lose by the mid's change in this step. With `reward="expected"`
      (default) only by the seller's own permanent impact; the random part, whose mean is 0 for every policy,
      is left out. `reward="realised"` has it in.
    - `risk`: −λσ²τx² for the shares x still held, by the first inventory.

    ## Optimum
    U = E + λV = 1.2754 $ a share with the defaults; selling evenly costs 1.7455. With this reward the best
    share to sell depends on the step only, so the paper's schedule is optimal among all policies, those that
    look at the price included (`quadrivium.envs.trading.oracles.almgren_chriss`). With `u_shape` the optimum
    comes from the same backward induction.

    ## Episodes
    `steps` decisions, then terminated: the deadline is part of the problem.

    ## Metrics
    `shortfall` ($ a share, realised, against the first mid), `risk_penalty` ($ a share), `final_price`
    (change, $).

    ## Baselines
    `twap`, `vwap` (with `u_shape`), `almgren_chriss` (the optimum).

    Source: Almgren & Chriss 2000, "Optimal execution of portfolio transactions".
    """

    options, setup_of = ExecutionOptions, staticmethod(execution_setup)


class ExecutionVectorEnv(WorldVectorEnv):
    """A batch of `ExecutionEnv`, stepped on all cores; the same arguments."""

    single = ExecutionEnv
