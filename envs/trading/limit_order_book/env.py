"""The limit order book environments: arguments, spaces and documentation page; the rules are in `kernel`."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from gymnasium.spaces import Box, Dict, Discrete

from quadrivium.envs.core.file_hashes import digests
from quadrivium.envs.core.lane import World
from quadrivium.envs.core.options import Options, integer, integers, number, params_of
from quadrivium.envs.core.setup import Setup, drawn_by
from quadrivium.envs.core.validation import require_choice
from quadrivium.envs.core.world_env import WorldEnv, WorldVectorEnv
from quadrivium.envs.core.world_parallel_env import WorldParallelEnv
from quadrivium.envs.trading.limit_order_book import flow, kernel, observations, replay
from quadrivium.envs.trading.limit_order_book.baselines import BASELINES
from quadrivium.envs.trading.limit_order_book.ladder import ladder
from quadrivium.envs.trading.limit_order_book.messages import load_messages, messages_of
from quadrivium.envs.trading.limit_order_book.state import (
    LimitOrderBookParams,
    ReplayParams,
    is_consistent,
    ranges_of,
    replay_dtype,
    replay_ranges,
    state_dtype,
)
from quadrivium.envs.trading.limit_order_book.tape import Tape, tape_of
from quadrivium.envs.trading.market.load import files_of

WORLD = World.of(
    kernel,
    "limit_order_book",
    LimitOrderBookParams,
    ranges=ranges_of,
    consistent=is_consistent,
    observe=observations.observe_one,
    action_dtype=np.int32,
)


REPLAY = World.of(
    kernel,
    "limit_order_replay",
    ReplayParams,
    reset=replay.reset_one,
    step=replay.step_one,
    ranges=replay_ranges,
    consistent=is_consistent,
    observe=observations.observe_one,
    action_dtype=np.int32,
)

_OF_THE_FLOW = (
    *("warm_up", "ticks", "reach", "activity", "market_rate", "mean_size"),
    *("hawkes", "hawkes_decay"),
)
_OF_MESSAGES = ("load", "lot", "test_share")
_LOT = 100  # shares: a round lot


@dataclass(frozen=True, kw_only=True)
class LimitOrderBookOptions(Options):
    """The arguments of the limit order book environments."""

    keywords: ClassVar[Mapping[str, Callable[..., Any]]] = {"load": load_messages}
    COUNT: ClassVar = "agents"

    agents: int = integer(1, 1, 16)
    """traders in each book; the single environment has one"""
    steps: int = integer(180, 1, 1_000_000)
    """decisions an episode"""
    interval: float = number(1 / 3, 0.0, 1000.0, above=True)
    """minutes of the flow's time a decision"""
    warm_up: float = number(5.0, 0.0, 1000.0)
    """minutes of flow before the first decision"""
    offsets: Sequence[int] = integers((-1, 0, 2), -20, 100, most=8)
    """at most 8 integers, ticks"""
    sizes: Sequence[int] = integers((1, 3), 1, 1000, most=8)
    """at most 8 integers, lots"""
    limit: int = integer(20, 1, 10_000)
    """of |inventory|, lots"""
    maker_fee: float = number(-0.1, -10.0, 10.0)
    """ticks a share that a resting order trades; negative: a rebate"""
    taker_fee: float = number(0.3, -10.0, 10.0)
    """ticks a share that a market order trades"""
    inventory_penalty: float = number(0.01, 0.0, 1000.0)
    """ticks a minute and squared lot"""
    max_loss: float = number(1000.0, 0.0, float("inf"), above=True)
    """ticks × lots; infinity: never"""
    levels: int = integer(5, 1, 50)
    """observed a side"""
    ticks: int = integer(512, 64, 8192)
    """of the price grid"""
    reach: int = integer(20, 1, 30)
    """ticks from the opposite quote within which the flow's limit orders arrive"""
    activity: float = number(1.0, 0.0, 1000.0, above=True)
    """multiplies all rates of the flow"""
    market_rate: float = number(flow.MARKET_RATE, 0.0, 100.0)
    """market orders a minute and side"""
    mean_size: float = number(1.0, 1.0, 10.0)
    """of the flow's orders, shares; their sizes are geometric up to 32. 1: all are 1"""
    hawkes: float = number(0.0, 0.0, 0.9)
    """share of the market orders that are set off by earlier ones of their side; 0: Poisson"""
    hawkes_decay: float = number(10.0, 0.0, 10_000.0, above=True)
    """a minute, of that excitement"""
    messages: str | Path | Sequence[str | Path] | None = None
    """a file of order messages, or several, a day each, whose strangers act instead of the flow"""
    load: Mapping[str, Any] | None = None
    """options of `load_messages`; on the command line `--env.kwargs.load.NAME VALUE`"""
    lot: int | None = integer(None, 1, 1_000_000, none=True)
    """shares that count as one; None: 100 of messages, 1 of the flow"""
    test_share: float = number(0.3, 0, 1, above=True)
    """of the messages' time, that `split="test"` has"""

    def check(self) -> None:
        """What is about the flow has no messages, and the other way round."""
        foreign = _OF_MESSAGES if self.messages is None else _OF_THE_FLOW
        for name in foreign:
            value = getattr(self, name)
            if value != getattr(type(self), name):
                why = (
                    "is about messages, and there are none: leave it out, or give messages=FILE"
                    if self.messages is None
                    else "is about the flow, in whose place messages come: leave it out, or messages"
                )
                raise ValueError(f"{name}={value!r} {why}")
        for name in self.load or {}:
            require_choice("option of load", name, _LOAD_OPTIONS)


_LOAD_OPTIONS = tuple(name for name in inspect.signature(load_messages).parameters if name != "path")


def limit_order_book_setup(options: LimitOrderBookOptions) -> Setup:
    """Returns the market with its parameters chosen; ValueError for messages that it cannot be played in."""
    lot = options.lot or (1 if options.messages is None else _LOT)
    shared = {
        "max_steps": options.steps,
        "offsets": _read_only(np.array(options.offsets), np.int32),
        "sizes": _read_only(lot * np.array(options.sizes), np.int32),
        "limit": lot * options.limit,
        "lot": float(lot),
        "penalty": options.inventory_penalty,
    }
    if options.messages is None:
        params, state = _flow_params(options, shared), state_dtype(options.ticks, options.agents)
        files: dict[str, str] = {}
    else:
        tape, files = _tape_of(options.messages, options.load or {})
        params = _replay_params(options, shared, tape)
        state = replay_dtype(params.ticks, params.slots, options.agents)
    sizes, agents, bound = len(params.sizes), options.agents, observations.BOUND
    choices = 1 + len(params.offsets) * sizes
    market, account = observations.TOKEN_COLUMNS, observations.ACCOUNT_COLUMNS
    return Setup(
        world=WORLD if options.messages is None else REPLAY,
        params=params,
        state_dtype=state,
        observation_space=Dict(
            [
                ("market", Box(-bound, bound, (2 * options.levels, len(market)), np.float32)),
                ("account", Box(-bound, bound, (len(account),), np.float32)),
            ]
        ),
        action_space=Discrete(1 + choices * choices + 2 * sizes),
        renderer=drawn_by("quadrivium.envs.trading.limit_order_book.render:LadderRenderer", lot),
        text=ladder,
        render_fps=10,
        baselines=BASELINES,
        agents=("trader",) if agents == 1 else tuple(f"trader_{j}" for j in range(agents)),
        columns={"market": market, "account": account},
        files=files,
    )


def _replay_params(options: LimitOrderBookOptions, shared: Mapping[str, Any], tape: Tape) -> ReplayParams:
    length = options.steps * options.interval
    starts = tape.starts(options.test_share, options.split, length, options.interval)
    # The last note before the first event that an episode plays.
    notes = np.searchsorted(tape.marks, np.searchsorted(tape.minutes, starts, side="right"), side="right") - 1
    return params_of(
        ReplayParams,
        options,
        **shared,
        **{
            name: getattr(tape, name)
            for name in ("ticks", "slots", "minutes", "events", "marks", "first", "rested")
        },
        starts=_read_only(starts, np.float64),
        notes=_read_only(notes, np.int64),
    )


def _tape_of(
    messages: str | Path | Sequence[str | Path], load: Mapping[str, Any]
) -> tuple[Tape, dict[str, str]]:
    """Returns the tape of files, and their hashes; of the last ones they are kept, since training and
    evaluation share them.
    """
    paths = files_of(messages)
    stamps = [(one.stat().st_size, one.stat().st_mtime_ns) if one.is_file() else None for one in paths]
    key = repr((paths, stamps, load))
    if key not in _last:
        days = messages_of(paths, **load)
        tape, files = tape_of(days), digests(file for day in days for file in day.files)
        _last.clear()
        _last[key] = tape, files
    return _last[key]


_last: dict[str, tuple[Tape, dict[str, str]]] = {}


def _flow_params(options: LimitOrderBookOptions, shared: Mapping[str, Any]) -> LimitOrderBookParams:
    activity, limits = float(options.activity), flow.limit_rates(options.reach)
    return params_of(
        LimitOrderBookParams,
        options,
        **shared,
        limit_rate=activity * float(limits.sum()),
        limit_shares=_read_only(np.cumsum(limits) / limits.sum(), np.float32),
        market_rate=activity * (1.0 - float(options.hawkes)) * float(options.market_rate),
        cancel_rates=_read_only(activity * np.array(flow.CANCEL_RATES), np.float32),
        cancel_bound=activity * max(flow.CANCEL_RATES),
        size_shares=_read_only(flow.size_shares(float(options.mean_size)), np.float32),
    )


def _read_only(values: np.ndarray, dtype: type[np.generic]) -> np.ndarray:
    array = values.astype(dtype)
    array.flags.writeable = False
    return array


class LimitOrderBookEnv(WorldEnv):
    """Make a market in a real limit order book: quote both sides, earn the spread, do not be left with stock.

    ![](../images/limit_order_book.png)

    The book matches by price, then by time: an order joins the queue of its price and is filled when all that
    was there before it has gone, in parts if need be. Around the agent trade strangers without intelligence,
    at the rates that Cont, Stoikov & Talreja (2010) found in Tokyo. An episode is an hour of 180 decisions.

    ## Actions

    `Discrete(54)` with the default `offsets` and `sizes`. With C = 1 + offsets × sizes choices a side (0
    withdraws the order; 1 + o × len(sizes) + z quotes `sizes[z]` lots at `offsets[o]`):

    | action | meaning |
    |---|---|
    | 0 | keep the orders as they are |
    | 1 + C × bid + ask | make the bid and the ask what was chosen |
    | 1 + C² + z | buy `sizes[z]` lots at the market, leaving the quotes |
    | 1 + C² + len(sizes) + z | sell them |

    The agent has at most one order a side. An offset counts ticks behind the best price of *the others*:
    0 joins it, -1 betters it; no quote reaches the opposite side's best price, so quotes never take. An order
    that already stands at the chosen price stays in its place in the queue (cut if it is larger than chosen,
    not enlarged if smaller). All orders are cut so that |inventory| cannot exceed `limit`, even if they fill.

    ## Time

    The agent sees the book after all messages so far; its orders are handled at once; then strangers trade
    for `interval` minutes; the account is marked at the mid price then. Time's end is truncation, with the
    inventory marked at the mid. A lot is a share, but for real days.

    ## Observation

    A Dict of `market`, (2 × levels, 6) tokens: the best prices with orders of the bids, then of the asks, and
    `account` (9,). All within ±10.

    ## Reward

    The change of NAV = cash + inventory × mid − fees, in ticks × lots, less the inventory penalty. Terms:
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

    ## A real day

    `messages="AAPL_2012-06-21_34200000_57600000_message_10.csv"` replays a day of order messages in place of
    the flow: LOBSTER's files, or rows as in ITCH ([which](#order-messages)); several files are several days.
    The strangers do what they did; an order of the agent stands in its queue behind those that came before
    it, and is filled when it is first and somebody trades there. The strangers do not know of it: what it
    gets they do not miss. So a market maker who is small beside them is measured well, one who takes much of
    what there is too kindly.

    An episode begins at any of the moments `interval` apart, in the first part of the day or, with
    `split="test"`, in the last `test_share` of it. `sizes`, `limit`, money and what is observed count lots of
    100 shares (`lot`). Sizes smaller than a lot fill as well, in parts of it.

    Sources: Cont, Stoikov & Talreja 2010 (flow), Hawkes 1971 (clusters), Cartea, Jaimungal & Penalva 2015
    (running inventory penalty).
    """

    options, setup_of = LimitOrderBookOptions, staticmethod(limit_order_book_setup)


class LimitOrderBookVectorEnv(WorldVectorEnv):
    """A batch of `LimitOrderBookEnv`, stepped on all cores; the same arguments.

    With more than one of `agents` each is an environment of its own (`LaneVectorEnv`).
    """

    single = LimitOrderBookEnv


class LimitOrderBookParallelEnv(WorldParallelEnv):
    """One book in which `trader_0` … trade with each other and with the flow, as a parallel env.

    All see the same book, each with its own orders and account; in every step they act one after another in
    a cyclic order that begins with a random one of them. All stay until time is up: `max_loss` ends nothing.
    Cash and shares only change hands: over all agents and the flow, NAV before fees sums to 0 at all times.

    agents: 2 to 16, by default 3. The other arguments, the actions, observations and rewards are
    `LimitOrderBookEnv`'s. Raises ValueError for a wrong argument.
    """

    single, name = LimitOrderBookEnv, "limit_order_book_v0"
