"""The MarketMaking environment: its arguments, spaces and documentation page; the rules are in `kernel`."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from gymnasium.spaces import Box

from quadrivium.envs.core.lane import World
from quadrivium.envs.core.options import Options, integer, number, params_of
from quadrivium.envs.core.setup import Setup, drawn_by
from quadrivium.envs.core.world_env import WorldEnv, WorldVectorEnv
from quadrivium.envs.trading.market_making import kernel
from quadrivium.envs.trading.market_making.baselines import BASELINES
from quadrivium.envs.trading.market_making.kernel import MarketMakingParams

WORLD = World.of(kernel, "market_making", MarketMakingParams)


@dataclass(frozen=True, kw_only=True)
class MarketMakingOptions(Options):
    """The arguments of the MarketMaking environments."""

    arrival_rate: float = number(10.0, 0, 1e6, above=True)
    """λ, orders a unit of time and side; λΔt at most 1"""
    depth_decay: float = number(1.0, 0, 1e6, above=True)
    """κ"""
    running_penalty: float = number(0.5, 0, 1e6)
    """φ"""
    terminal_penalty: float = number(0.001, 0, 1e6)
    """α"""
    volatility: float = number(1.0, 0, 1e6)
    """σ of the mid, a √unit of time"""
    horizon: float = number(1.0, 0, 1e6, above=True)
    """T"""
    steps: int = integer(100, 1, 100_000)
    """decisions in T"""
    max_depth: float = number(5.0, 0, 1e6, above=True)
    """of a quote"""
    max_inventory: int = integer(20, 5, 1000)
    """units"""
    start_inventory: Literal["zero", "uniform"] = "zero"
    """"uniform": on −4 … 4"""
    arrivals: Literal["poisson", "hawkes"] = "poisson"
    """how market orders come"""
    excitation: float = number(20.0, 0, 1e6)
    """of Hawkes arrivals, below `excitation_decay`"""
    excitation_decay: float = number(40.0, 0, 1e6, above=True)
    """β, a unit of time"""

    def check(self) -> None:
        """Orders are no more than one a step, and do not breed without end."""
        rate, dt = self.arrival_rate, self.horizon / self.steps
        if rate * dt > 1:
            raise ValueError(
                f"arrival_rate={rate} brings {rate * dt:.3g} orders in a step, a probability above 1; "
                f"use steps={math.ceil(10 * rate * self.horizon)}"
            )
        if self.arrivals == "hawkes" and self.excitation >= self.excitation_decay:
            raise ValueError(
                f"excitation={self.excitation} is not below excitation_decay={self.excitation_decay}: orders "
                f"would breed without end; use excitation={self.excitation_decay / 2}"
            )


def market_making_setup(options: MarketMakingOptions) -> Setup:
    """Returns the MarketMaking world with its parameters chosen."""
    rate, decay, dt = options.arrival_rate, options.excitation_decay, options.horizon / options.steps
    params = params_of(
        MarketMakingParams,
        options,
        uniform_start=options.start_inventory == "uniform",
        hawkes=options.arrivals == "hawkes",
        arrival=rate * dt,
        volatility=options.volatility * math.sqrt(dt),
        running=options.running_penalty * dt,
        terminal=options.terminal_penalty,
        # In steps as in continuous time an order breeds `excitation / decay` orders on average.
        jump=options.excitation / decay * -math.expm1(-decay * dt) / (rate * dt),
        fade=math.exp(-decay * dt),
    )
    bounds = [(-np.inf, np.inf), (0.0, 1.0), *([(0.0, np.inf)] * 2 if params.hawkes else [])]
    low, high = np.array(bounds, np.float32).T
    intensities = ("intensity of orders to the bid, by λ", "intensity of orders to the ask, by λ")
    seen = ("inventory, by 10", "share of the time that is left", *(intensities if params.hawkes else ()))
    return Setup(
        world=WORLD,
        params=params,
        state_dtype=kernel.STATE,
        observation_space=Box(low, high),
        action_space=Box(-1.0, 1.0, (2,), np.float32),
        renderer=drawn_by("quadrivium.envs.trading.market_making.render:MarketMakingRenderer", params),
        baselines=BASELINES,
        columns={"observation": seen},
    )


class MarketMakingEnv(WorldEnv):
    """Quotes on both sides of a market: deep ones earn more and are filled less, and inventory is penalised.

    The model of Cartea & Jaimungal in steps of Δt = `horizon` / `steps`, exactly as its dynamic programme has
    it: in a step a market order of each side arrives with probability λΔt and fills the quote at depth δ with
    probability e^{−κδ}; both sides may be filled. Then the mid moves by σ√Δt times a standard normal number.

    ## Actions
    Box(−1, 1, (2,)): the depths of bid and ask below and above the mid, (a + 1) / 2 × `max_depth`, one unit
    each.

    ## Observations
    Vector (2,): inventory by 10; the share of the time that is left. With `arrivals="hawkes"` (4,): moreover
    the intensities of orders to the bid and to the ask, by λ. The mid is a martingale, so its past tells
    nothing.

    ## Reward
    - `spread`: the depth of each quote that is filled.
    - `price`: inventory after the fills × the mid's move; its mean is 0 for every policy.
    - `running_penalty`: −φΔt q² for the inventory after the fills.
    - `terminal_penalty`: −α q² at the end.

    ## Optimum
    6.3989 with the defaults, by dynamic programming in the same steps; continuous time has 6.3806, the best
    constant quote earns 5.752, the depth 1/κ 5.561. With `start_inventory="uniform"` 5.156 and, for 1/κ,
    2.221 (`quadrivium.envs.trading.oracles.cartea_jaimungal`). With Hawkes arrivals no optimum is known here.

    ## Hawkes arrivals
    Each order raises the intensity of its side by about `excitation`, which fades at the rate
    `excitation_decay`, such that it breeds `excitation / excitation_decay` further orders on average. At rest
    the intensity is λ, in the mean λ / (1 − excitation / decay). A step's probability is at most 1.

    ## Episodes
    `steps` decisions, then terminated: the end is part of the problem. At ±`max_inventory` no further quote
    stands on that side; optimal play does not get there.

    ## Metrics
    `pnl` (spread and price), `final_inventory`, `mean_abs_inventory`, `fills`.

    ## Baselines
    `constant_quote` (the best one), `avellaneda_stoikov` (γ = 0.1), `cartea_jaimungal` (continuous time),
    `optimal` (the exact programme).

    Sources: Cartea & Jaimungal 2015, "Risk metrics and fine tuning of high-frequency trading strategies";
    Hawkes 1971, "Spectra of some self-exciting and mutually exciting point processes".
    """

    options, setup_of = MarketMakingOptions, staticmethod(market_making_setup)


class MarketMakingVectorEnv(WorldVectorEnv):
    """A batch of `MarketMakingEnv`, stepped on all cores; the same arguments."""

    single = MarketMakingEnv
