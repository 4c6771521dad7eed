"""The limit order book environments: arguments, spaces and documentation page; the rules are in `kernel`."""

from typing import Any, Literal, TypedDict, Unpack, cast

import numpy as np
from gymnasium.spaces import Box, Dict, Discrete

from envs.core.gym_env import LaneEnv, LaneVectorEnv
from envs.core.lane import World
from envs.core.parallel_env import ParallelLaneEnv
from envs.core.setup import Renderer, Setup
from envs.core.validation import require_choice, require_number, with_defaults
from envs.trading.limit_order_book import flow, kernel, observations
from envs.trading.limit_order_book.baselines import BASELINES
from envs.trading.limit_order_book.ladder import ladder
from envs.trading.limit_order_book.state import (
    LimitOrderBookParams,
    is_consistent,
    ranges_of,
    state_dtype,
)

WORLD = World(
    name="limit_order_book",
    params=LimitOrderBookParams,
    reset=kernel.reset_one,
    step=kernel.step_one,
    observe=observations.observe_one,
    metrics=kernel.metrics_one,
    reward_terms=kernel.REWARD_TERMS,
    metric_names=kernel.METRICS,
    action_dtype=np.int32,
    ranges=ranges_of,
    consistent=is_consistent,
)


class LimitOrderBookOptions(TypedDict, total=False):
    """The arguments of the environments; `LimitOrderBookEnv` says what each one means."""

    steps: int
    interval: float
    warm_up: float
    offsets: tuple[int, ...]
    sizes: tuple[int, ...]
    limit: int
    maker_fee: float
    taker_fee: float
    inventory_penalty: float
    max_loss: float
    levels: int
    ticks: int
    reach: int
    activity: float
    market_rate: float
    mean_size: float
    hawkes: float
    hawkes_decay: float
    split: Literal["train", "test"]


_DEFAULTS: dict[str, Any] = {
    "offsets": (-1, 0, 2),
    "sizes": (1, 3),
    "split": "train",
}
# name, default, lowest, highest, kind
_NUMBERS: tuple[tuple[str, float, float, float, str], ...] = (
    ("steps", 180, 1, 1_000_000, "integer"),
    ("interval", 1 / 3, 0.0, 1000.0, "positive"),
    ("warm_up", 5.0, 0.0, 1000.0, "number"),
    ("limit", 20, 1, 10_000, "integer"),
    ("maker_fee", -0.1, -10.0, 10.0, "number"),
    ("taker_fee", 0.3, -10.0, 10.0, "number"),
    ("inventory_penalty", 0.01, 0.0, 1000.0, "number"),
    ("max_loss", 1000.0, 0.0, float("inf"), "positive"),
    ("levels", 5, 1, 50, "integer"),
    ("ticks", 512, 64, 8192, "integer"),
    ("reach", 20, 1, 30, "integer"),
    ("activity", 1.0, 0.0, 1000.0, "positive"),
    ("market_rate", flow.MARKET_RATE, 0.0, 100.0, "number"),
    ("mean_size", 1.0, 1.0, 10.0, "number"),
    ("hawkes", 0.0, 0.0, 0.9, "number"),
    ("hawkes_decay", 10.0, 0.0, 10_000.0, "positive"),
)


def limit_order_book_setup(agents: int = 1, **options: Unpack[LimitOrderBookOptions]) -> Setup:
    """Returns the market with its parameters chosen. Raises ValueError for a wrong argument."""
    chosen = with_defaults(options, {**_DEFAULTS, **{row[0]: row[1] for row in _NUMBERS}})
    require_number("agents", agents, 1, 16, integer=True)
    for name, _, low, high, kind in _NUMBERS:
        require_number(name, chosen[name], low, high, integer=kind == "integer", open_low=kind == "positive")
    require_choice("split", chosen["split"], ("train", "test"))
    offsets = _whole_numbers("offsets", chosen["offsets"], -20, 100)
    sizes = _whole_numbers("sizes", chosen["sizes"], 1, 1000)
    activity = float(chosen["activity"])
    limits = flow.limit_rates(chosen["reach"])
    market_rate = activity * (1.0 - float(chosen["hawkes"])) * float(chosen["market_rate"])
    params = LimitOrderBookParams(
        split=int(chosen["split"] == "test"),
        ticks=chosen["ticks"],
        max_steps=chosen["steps"],
        interval=float(chosen["interval"]),
        warm_up=float(chosen["warm_up"]),
        offsets=offsets,
        sizes=sizes,
        limit=chosen["limit"],
        maker_fee=float(chosen["maker_fee"]),
        taker_fee=float(chosen["taker_fee"]),
        penalty=float(chosen["inventory_penalty"]),
        max_loss=float(chosen["max_loss"]),
        levels=chosen["levels"],
        limit_rate=activity * float(limits.sum()),
        limit_shares=_read_only(np.cumsum(limits) / limits.sum(), np.float32),
        market_rate=market_rate,
        cancel_rates=_read_only(activity * np.array(flow.CANCEL_RATES), np.float32),
        cancel_bound=activity * max(flow.CANCEL_RATES),
        size_shares=_read_only(flow.size_shares(float(chosen["mean_size"])), np.float32),
        hawkes=float(chosen["hawkes"]),
        hawkes_decay=float(chosen["hawkes_decay"]),
    )
    choices = 1 + len(offsets) * len(sizes)
    bound, levels = observations.BOUND, chosen["levels"]
    return Setup(
        world=WORLD,
        params=params,
        state_dtype=state_dtype(chosen["ticks"], agents),
        observation_space=Dict(
            [
                ("market", Box(-bound, bound, (2 * levels, observations.TOKEN), np.float32)),
                ("account", Box(-bound, bound, (observations.ACCOUNT,), np.float32)),
            ]
        ),
        action_space=Discrete(1 + choices * choices + 2 * len(sizes)),
        renderer=_renderer,
        text=ladder,
        render_fps=10,
        baselines=BASELINES,
        agents=("trader",) if agents == 1 else tuple(f"trader_{j}" for j in range(agents)),
    )


def _whole_numbers(name: str, values: object, low: int, high: int) -> np.ndarray:
    """Returns different integers, at least one, as a read-only array."""
    form = f"use a list of different integers in [{low}, {high}], such as {_DEFAULTS[name]}"
    if not isinstance(values, list | tuple) or not 0 < len(values) <= 8:
        raise ValueError(f"{name}={values!r} is no list of 1 to 8 numbers; {form}")
    numbers = cast(list[object], list(values))
    if any(isinstance(v, bool) or not isinstance(v, int) or not low <= v <= high for v in numbers):
        raise ValueError(f"{name}={values!r} holds what is not allowed; {form}")
    if len(set(numbers)) < len(numbers):
        raise ValueError(f"{name}={values!r} holds a number twice; {form}")
    return _read_only(np.array(numbers), np.int32)


def _read_only(values: np.ndarray, dtype: type[np.generic]) -> np.ndarray:
    array = values.astype(dtype)
    array.flags.writeable = False
    return array


def _renderer() -> Renderer:
    from envs.trading.limit_order_book.render import LadderRenderer  # pygame only where something is drawn

    return LadderRenderer()


class LimitOrderBookEnv(LaneEnv):
    """Make a market in a real limit order book: quote both sides, earn the spread, do not be left with stock.

    ![](../images/limit_order_book.png)

    The book matches by price, then by time: an order joins the queue of its price and is filled when all that
    was there before it has gone, in parts if need be. Around the agent trade strangers without intelligence,
    at the rates that Cont, Stoikov & Talreja (2010) found in Tokyo. An episode is an hour of 180 decisions.

    ## Actions

    `Discrete(54)` with the default `offsets` and `sizes`. With C = 1 + offsets × sizes choices a side (0
    withdraws the order; 1 + o × len(sizes) + z quotes `sizes[z]` shares at `offsets[o]`):

    | action | meaning |
    |---|---|
    | 0 | keep the orders as they are |
    | 1 + C × bid + ask | make the bid and the ask what was chosen |
    | 1 + C² + z | buy `sizes[z]` shares at the market, leaving the quotes |
    | 1 + C² + len(sizes) + z | sell them |

    The agent has at most one order a side. An offset counts ticks behind the best price of *the others*:
    0 joins it, -1 betters it; no quote reaches the opposite side's best price, so quotes never take. An order
    that already stands at the chosen price stays in its place in the queue (cut if it is larger than chosen,
    not enlarged if smaller). All orders are cut so that |inventory| cannot exceed `limit`, even if they fill.

    ## Time

    The agent sees the book after all messages so far; its orders are handled at once; then strangers trade
    for `interval` minutes; the account is marked at the mid price then. Time's end is truncation, with the
    inventory marked at the mid.

    ## Observation

    A Dict of `market`, (2 × levels, 6) tokens: the best prices with orders of the bids, then of the asks, and
    `account` (9,). All within ±10.

    | token | | account | |
    |---|---|---|---|
    | 0 | 1: a price, 0: padding | 0 | inventory / limit |
    | 1 | 1 bid, −1 ask | 1 | cash / (10 limit), shares at the first mid |
    | 2 | ticks from the mid / 10 | 2 | NAV / (10 limit) |
    | 3 | shares / 10 | 3 | share of the time that is left |
    | 4 | own shares / 10 | 4 | spread / 10 |
    | 5 | share of the queue ahead of the own order | 5–6 | own bid: shares / 10, ticks from the mid / 10 |
    | | | 7–8 | own ask, likewise |

    ## Reward

    The change of NAV = cash + inventory × mid − fees, in ticks × shares, less the inventory penalty. Terms:
    `spread` (what fills gained on the mid before them), `revaluation` (what the inventory gained from the
    mid's moves), `fees` (minus those paid), `inventory` (−penalty × inventory² × minutes).
    A NAV of −`max_loss` terminates the episode, with the loss as it stands.

    ## The book

    Prices are whole ticks on a grid of `ticks`, the session beginning in its middle; orders outside it are
    refused. Self-trades: an incoming order cancels the own resting orders that it meets and goes on. Mid
    price while a side is empty: the last one. Cash and shares are integers and conserved exactly.

    ## What the flow is not

    It has no opinion of what the stock is worth: it follows the quotes. Who presses on one side all the time
    therefore moves the price for good, and holds stock that the mid marks higher than it can be sold for. 512
    episodes of bidding one tick better until the limit of 20 shares: NAV +109 when held to the end, +4 when
    sold at the market in the last decisions. The inventory
    penalty is there to make that unprofitable (mean reward −54; quoting one tick better on both sides: +19);
    without it, an agent that maximises reward learns to press.

    ## Metrics

    `nav`, `exit_nav` (NAV had the position been closed at the market, against the others' orders and with the
    fee), `inventory` (at the end), `largest_inventory`, `fills`, `fees`, `spread_captured`, `mid_change`
    (ticks), `length`.

    Args:
        render_mode: "rgb_array", "human", "ansi" or None.
        steps: decisions an episode.
        interval: minutes of the flow's time a decision.
        warm_up: minutes of flow before the first decision.
        offsets: at most 8 integers, ticks.
        sizes: at most 8 integers, shares.
        limit: of |inventory|, shares.
        maker_fee: ticks a share that a resting order trades; negative: a rebate.
        taker_fee: ticks a share that a market order trades.
        inventory_penalty: ticks a minute and squared share.
        max_loss: ticks × shares; infinity: never.
        levels: observed a side.
        ticks: of the price grid.
        reach: ticks from the opposite quote within which the flow's limit orders arrive.
        activity: multiplies all rates of the flow.
        market_rate: market orders a minute and side.
        mean_size: of the flow's orders, shares; their sizes are geometric up to 32. 1: all are 1.
        hawkes: share of the market orders that are set off by earlier ones of their side; 0: Poisson.
        hawkes_decay: a minute, of that excitement.
        split: "train" or "test".

    Raises:
        ValueError: for a wrong argument: its value, what is allowed, and the nearest name.

    Sources: Cont, Stoikov & Talreja 2010 (flow), Hawkes 1971 (clusters), Cartea, Jaimungal & Penalva 2015
    (running inventory penalty).
    """

    def __init__(self, render_mode: str | None = None, **options: Unpack[LimitOrderBookOptions]) -> None:
        super().__init__(limit_order_book_setup(**options), render_mode)


class LimitOrderBookVectorEnv(LaneVectorEnv):
    """A batch of `LimitOrderBookEnv`, stepped on all cores; the same arguments.

    agents: traders in each book; with more than one each is an environment of its own (`LaneVectorEnv`).
    """

    def __init__(
        self,
        num_envs: int = 1,
        render_mode: str | None = None,
        agents: int = 1,
        **options: Unpack[LimitOrderBookOptions],
    ) -> None:
        super().__init__(limit_order_book_setup(agents, **options), num_envs, render_mode)


def parallel_env(
    render_mode: str | None = None, agents: int = 3, **options: Unpack[LimitOrderBookOptions]
) -> ParallelLaneEnv:
    """Returns one book in which `trader_0` … trade with each other and with the flow, as a parallel env.

    All see the same book, each with its own orders and account; in every step they act one after another in
    a cyclic order that begins with a random one of them. All stay until time is up: `max_loss` ends nothing.
    Cash and shares only change hands: over all agents and the flow, NAV before fees sums to 0 at all times.

    agents: 2 to 16. The other arguments, the actions, observations and rewards are `LimitOrderBookEnv`'s.
    Raises ValueError for a wrong argument.
    """
    require_number("agents", agents, 2, 16, integer=True)
    return ParallelLaneEnv(limit_order_book_setup(agents, **options), "limit_order_book_v0", render_mode)
