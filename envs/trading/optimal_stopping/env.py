"""The OptimalStopping environment: its arguments, spaces and page; the rules are in `kernel`."""

from dataclasses import dataclass

import numpy as np
from gymnasium.spaces import Box, Discrete

from quadrivium.envs.core.lane import World
from quadrivium.envs.core.options import Options, integer, number, params_of
from quadrivium.envs.core.setup import Setup, drawn_by
from quadrivium.envs.core.world_env import WorldEnv, WorldVectorEnv
from quadrivium.envs.trading.optimal_stopping import kernel
from quadrivium.envs.trading.optimal_stopping.baselines import BASELINES
from quadrivium.envs.trading.optimal_stopping.kernel import OptimalStoppingParams

WORLD = World.of(kernel, "optimal_stopping", OptimalStoppingParams, action_dtype=np.int32)


@dataclass(frozen=True, kw_only=True)
class OptimalStoppingOptions(Options):
    """The arguments of the OptimalStopping environments."""

    spot: float = number(36.0, 0, 1e6, above=True)
    """the first price, $"""
    strike: float = number(40.0, 0, 1e6, above=True)
    """$"""
    rate: float = number(0.06, -1, 1)
    """of interest, a year"""
    volatility: float = number(0.2, 0, 5, above=True)
    """σ, 1/√year"""
    maturity: float = number(1.0, 0, 100, above=True)
    """T, years"""
    dates: int = integer(50, 1, 1000)
    """of exercise"""


def optimal_stopping_setup(options: OptimalStoppingOptions) -> Setup:
    """Returns the world with its parameters chosen."""
    params = params_of(OptimalStoppingParams, options)
    return Setup(
        world=WORLD,
        params=params,
        state_dtype=kernel.STATE,
        observation_space=Box(-np.inf, np.inf, (2,), np.float32),
        action_space=Discrete(2),
        renderer=drawn_by("quadrivium.envs.trading.optimal_stopping.render:OptimalStoppingRenderer", params),
        baselines=BASELINES,
        columns={"observation": ("ln(price / strike), by σ√T", "share of the time that is left")},
    )


class OptimalStoppingEnv(WorldEnv):
    """A Bermudan put: exercise now, or wait for a lower price and pay for it in time.

    The share follows a geometric Brownian motion under the pricing measure, so the best mean reward is the
    price of the option. What is best depends on whether the price is below a boundary, which is known.

    ## Actions
    Discrete(2): wait (0), exercise (1).

    ## Observations
    Vector (2,): ln(price / strike) by σ√T; the share of the time that is left, 1 to 0, and 0
    once exercised.

    ## Reward
    `payoff`: when exercised, or on the last date by itself, max(strike − price, 0) in $, discounted at
    `rate` to the start. All other steps pay 0. The discount is part of the reward: train with gamma = 1, or
    near it.

    ## Optimum
    4.478 $ with the defaults; the put that is only paid at the end is worth 3.844, immediate exercise 4. The
    boundary comes from a binomial tree (`quadrivium.envs.trading.oracles.bermudan_put`). Source of the
    example: Longstaff & Schwartz 2001, "Valuing American options by simulation", table 1.

    ## Episodes
    Begin at `spot`; decisions are taken at the times 0, T/dates … T − T/dates. Terminated by exercise and on
    the last date.

    ## Metrics
    `exercise_time` (years), `exercised_early` (0 or 1), `final_price` ($).

    ## Baselines
    `hold`, `optimal`.
    """

    options, setup_of = OptimalStoppingOptions, staticmethod(optimal_stopping_setup)


class OptimalStoppingVectorEnv(WorldVectorEnv):
    """A batch of `OptimalStoppingEnv`, stepped on all cores; the same arguments."""

    single = OptimalStoppingEnv
