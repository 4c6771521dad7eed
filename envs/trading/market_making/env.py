"""The MarketMaking environment: its arguments, spaces and documentation page; the rules are in `kernel`."""

import math
from typing import Any, Literal, TypedDict, Unpack

import numpy as np
from gymnasium.spaces import Box

from envs.core.gym_env import LaneEnv, LaneVectorEnv
from envs.core.lane import World
from envs.core.setup import Renderer, Setup
from envs.core.validation import require_choice, require_number, with_defaults
from envs.trading.market_making import kernel
from envs.trading.market_making.baselines import BASELINES
from envs.trading.market_making.kernel import MarketMakingParams

WORLD = World(
    name="market_making",
    params=MarketMakingParams,
    reset=kernel.reset_one,
    step=kernel.step_one,
    observe=kernel.observe_one,
    metrics=kernel.metrics_one,
    reward_terms=kernel.REWARD_TERMS,
    metric_names=kernel.METRICS,
)


class MarketMakingOptions(TypedDict, total=False):
    """The arguments of the MarketMaking environments; `MarketMakingEnv` says what each one means."""

    arrival_rate: float
    depth_decay: float
    running_penalty: float
    terminal_penalty: float
    volatility: float
    horizon: float
    steps: int
    max_depth: float
    max_inventory: int
    start_inventory: Literal["zero", "uniform"]
    arrivals: Literal["poisson", "hawkes"]
    excitation: float
    excitation_decay: float
    split: Literal["train", "test"]


_DEFAULTS: dict[str, Any] = {
    "arrival_rate": 10.0,
    "depth_decay": 1.0,
    "running_penalty": 0.5,
    "terminal_penalty": 0.001,
    "volatility": 1.0,
    "horizon": 1.0,
    "steps": 100,
    "max_depth": 5.0,
    "max_inventory": 20,
    "start_inventory": "zero",
    "arrivals": "poisson",
    "excitation": 20.0,
    "excitation_decay": 40.0,
    "split": "train",
}


def market_making_setup(**options: Unpack[MarketMakingOptions]) -> Setup:
    """Returns the MarketMaking world with its parameters chosen. Raises ValueError for a wrong argument."""
    chosen = with_defaults(options, _DEFAULTS)
    for name in ("arrival_rate", "depth_decay", "horizon", "max_depth", "excitation_decay"):
        require_number(name, chosen[name], 0, 1e6, open_low=True)
    for name in ("running_penalty", "terminal_penalty", "volatility", "excitation"):
        require_number(name, chosen[name], 0, 1e6)
    require_number("steps", chosen["steps"], 1, 100_000, integer=True)
    require_number("max_inventory", chosen["max_inventory"], 5, 1000, integer=True)
    split = require_choice("split", chosen["split"], ("train", "test"))
    start = require_choice("start_inventory", chosen["start_inventory"], ("zero", "uniform"))
    arrivals = require_choice("arrivals", chosen["arrivals"], ("poisson", "hawkes"))
    rate, decay, excitation = (chosen[k] for k in ("arrival_rate", "excitation_decay", "excitation"))
    dt = chosen["horizon"] / chosen["steps"]
    if rate * dt > 1:
        raise ValueError(
            f"arrival_rate={rate} brings {rate * dt:.3g} orders in a step, a probability above 1; "
            f"use steps={math.ceil(10 * rate * chosen['horizon'])}"
        )
    if arrivals == "hawkes" and excitation >= decay:
        raise ValueError(
            f"excitation={excitation} is not below excitation_decay={decay}: orders would breed without end; "
            f"use excitation={decay / 2}"
        )
    params = MarketMakingParams(
        split=("train", "test").index(split),
        steps=chosen["steps"],
        max_inventory=chosen["max_inventory"],
        uniform_start=int(start == "uniform"),
        hawkes=int(arrivals == "hawkes"),
        arrival=np.float32(rate * dt),
        depth_decay=np.float32(chosen["depth_decay"]),
        max_depth=np.float32(chosen["max_depth"]),
        volatility=np.float32(chosen["volatility"] * math.sqrt(dt)),
        running=np.float32(chosen["running_penalty"] * dt),
        terminal=np.float32(chosen["terminal_penalty"]),
        # In steps as in continuous time an order breeds `excitation / decay` orders on average.
        jump=np.float32(excitation / decay * -math.expm1(-decay * dt) / (rate * dt)),
        fade=np.float32(math.exp(-decay * dt)),
    )
    bounds = [(-np.inf, np.inf), (0.0, 1.0), *([(0.0, np.inf)] * 2 if params.hawkes else [])]
    low, high = np.array(bounds, np.float32).T
    return Setup(
        world=WORLD,
        params=params,
        state_dtype=kernel.STATE,
        observation_space=Box(low, high),
        action_space=Box(-1.0, 1.0, (2,), np.float32),
        renderer=lambda: _renderer(params),
        baselines=BASELINES,
    )


def _renderer(params: MarketMakingParams) -> Renderer:
    from envs.trading.chart import (  # pygame is imported when something is drawn
        AMBER,
        BLUE,
        ROSE,
        TEAL,
        ChartRenderer,
        Line,
    )

    lines = (
        Line("ask", ROSE, lambda row: row["price"] + row["ask_depth"] if row["step"] else np.nan),
        Line("mid", BLUE, lambda row: row["price"], low=-1.0, high=1.0),
        Line("bid", TEAL, lambda row: row["price"] - row["bid_depth"] if row["step"] else np.nan),
        Line("inventory", AMBER, lambda row: row["inventory"], pane=1, low=-2.0, high=2.0),
    )

    def caption(row: np.void) -> list[tuple[str, str]]:
        return [
            ("step", f"{int(row['step'])}/{params.steps}"),
            ("inventory", f"{int(row['inventory']):+d}"),
            ("fills", f"{int(row['fills'])}"),
            ("profit", f"{float(row['pnl']):.2f}"),
        ]

    return ChartRenderer(lines, caption, params.steps, "MarketMaking")


class MarketMakingEnv(LaneEnv):
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
    2.221 (`envs.trading.oracles.cartea_jaimungal`). With Hawkes arrivals no optimum is known here.

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

    Args:
        render_mode: "rgb_array", "human" or None.
        arrival_rate: λ, orders a unit of time and side; λΔt at most 1.
        depth_decay: κ.
        running_penalty: φ.
        terminal_penalty: α.
        volatility: σ of the mid, a √unit of time.
        horizon: T.
        steps: decisions in T.
        max_depth: of a quote.
        max_inventory: units, at least 5.
        start_inventory: "zero", or "uniform" on −4 … 4.
        arrivals: "poisson" or "hawkes".
        excitation: of Hawkes arrivals, below `excitation_decay`.
        excitation_decay: β, a unit of time.
        split: "train" or "test".

    Raises:
        ValueError: for a wrong argument: its value, what is allowed, and the nearest name.

    Sources: Cartea & Jaimungal 2015, "Risk metrics and fine tuning of high-frequency trading strategies";
    Hawkes 1971, "Spectra of some self-exciting and mutually exciting point processes".
    """

    def __init__(self, render_mode: str | None = None, **options: Unpack[MarketMakingOptions]) -> None:
        super().__init__(market_making_setup(**options), render_mode)


class MarketMakingVectorEnv(LaneVectorEnv):
    """A batch of `MarketMakingEnv`, stepped on all cores; the same arguments."""

    def __init__(
        self, num_envs: int = 1, render_mode: str | None = None, **options: Unpack[MarketMakingOptions]
    ) -> None:
        super().__init__(market_making_setup(**options), num_envs, render_mode)
