"""The OptimalStopping environment: its arguments, spaces and page; the rules are in `kernel`."""

from typing import Any, Literal, TypedDict, Unpack

import numpy as np
from gymnasium.spaces import Box, Discrete

from envs.core.gym_env import LaneEnv, LaneVectorEnv
from envs.core.lane import World
from envs.core.setup import Renderer, Setup
from envs.core.validation import require_choice, require_number, with_defaults
from envs.trading.optimal_stopping import kernel
from envs.trading.optimal_stopping.baselines import BASELINES, boundary
from envs.trading.optimal_stopping.kernel import OptimalStoppingParams
from envs.trading.oracles.bermudan_put import Put

WORLD = World(
    name="optimal_stopping",
    params=OptimalStoppingParams,
    reset=kernel.reset_one,
    step=kernel.step_one,
    observe=kernel.observe_one,
    metrics=kernel.metrics_one,
    reward_terms=kernel.REWARD_TERMS,
    metric_names=kernel.METRICS,
    action_dtype=np.int32,
)


class OptimalStoppingOptions(TypedDict, total=False):
    """The arguments of the OptimalStopping environments; `OptimalStoppingEnv` says what each one means."""

    spot: float
    strike: float
    rate: float
    volatility: float
    maturity: float
    dates: int
    split: Literal["train", "test"]


_DEFAULTS: dict[str, Any] = {
    "spot": 36.0,
    "strike": 40.0,
    "rate": 0.06,
    "volatility": 0.2,
    "maturity": 1.0,
    "dates": 50,
    "split": "train",
}


def optimal_stopping_setup(**options: Unpack[OptimalStoppingOptions]) -> Setup:
    """Returns the world with its parameters chosen. Raises ValueError for a wrong argument."""
    chosen = with_defaults(options, _DEFAULTS)
    for name, high in (("spot", 1e6), ("strike", 1e6), ("volatility", 5), ("maturity", 100)):
        require_number(name, chosen[name], 0, high, open_low=True)
    require_number("rate", chosen["rate"], -1, 1)
    require_number("dates", chosen["dates"], 1, 1000, integer=True)
    split = require_choice("split", chosen["split"], ("train", "test"))
    numbers = [float(chosen[name]) for name in ("spot", "strike", "rate", "volatility", "maturity")]
    params = OptimalStoppingParams(("train", "test").index(split), *numbers, dates=chosen["dates"])
    return Setup(
        world=WORLD,
        params=params,
        state_dtype=kernel.STATE,
        observation_space=Box(-np.inf, np.inf, (2,), np.float32),
        action_space=Discrete(2),
        renderer=lambda: _renderer(params),
        baselines=BASELINES,
    )


def _renderer(params: OptimalStoppingParams) -> Renderer:
    from envs.trading.chart import AMBER, BLUE, TEAL, ChartRenderer, Line  # pygame: when something is drawn

    stop = boundary(Put(*params[1:]))

    def limit(row: np.void) -> float:
        return float(stop[row["step"]]) or np.nan

    lines = (
        Line("price", TEAL, lambda row: row["price"]),
        Line("strike", BLUE, lambda row: params.strike),
        Line("exercise boundary", AMBER, limit),
    )

    def caption(row: np.void) -> list[tuple[str, str]]:
        return [
            ("date", f"{int(row['step'])}/{params.dates}"),
            ("price", f"{float(row['price']):.2f}"),
            ("payoff", f"{float(row['payoff']):.2f}"),
            ("", "EXERCISED" if row["exercised"] else ""),
        ]

    return ChartRenderer(lines, caption, params.dates, "OptimalStopping")


class OptimalStoppingEnv(LaneEnv):
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
    boundary comes from a binomial tree (`envs.trading.oracles.bermudan_put`). Source of the example:
    Longstaff & Schwartz 2001, "Valuing American options by simulation", table 1.

    ## Episodes
    Begin at `spot`; decisions are taken at the times 0, T/dates … T − T/dates. Terminated by exercise and on
    the last date.

    ## Metrics
    `exercise_time` (years), `exercised_early` (0 or 1), `final_price` ($).

    ## Baselines
    `hold`, `optimal`.

    Args:
        render_mode: "rgb_array", "human" or None.
        spot: the first price, $.
        strike: $.
        rate: of interest, a year.
        volatility: σ, 1/√year.
        maturity: T, years.
        dates: of exercise, 1 to 1000.
        split: "train" or "test".

    Raises:
        ValueError: for a wrong argument: its value, what is allowed, and the nearest name.
    """

    def __init__(self, render_mode: str | None = None, **options: Unpack[OptimalStoppingOptions]) -> None:
        super().__init__(optimal_stopping_setup(**options), render_mode)


class OptimalStoppingVectorEnv(LaneVectorEnv):
    """A batch of `OptimalStoppingEnv`, stepped on all cores; the same arguments."""

    def __init__(
        self, num_envs: int = 1, render_mode: str | None = None, **options: Unpack[OptimalStoppingOptions]
    ) -> None:
        super().__init__(optimal_stopping_setup(**options), num_envs, render_mode)
