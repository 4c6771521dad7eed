"""The single-asset environment: its arguments, spaces and documentation page; the rules are in `kernel`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from gymnasium.spaces import Box, Dict, Discrete

from quadrivium.envs.core.lane import World
from quadrivium.envs.core.options import number, params_of
from quadrivium.envs.core.setup import Setup, drawn_by
from quadrivium.envs.core.validation import require_number
from quadrivium.envs.core.world_env import WorldEnv, WorldVectorEnv
from quadrivium.envs.trading.account import ledger
from quadrivium.envs.trading.market.bank import Bank, simulator_config
from quadrivium.envs.trading.market.features import CLIP
from quadrivium.envs.trading.options import MarketOptions
from quadrivium.envs.trading.single_asset import kernel
from quadrivium.envs.trading.single_asset.baselines import BASELINES

WORLD = World.of(
    kernel, "single_asset", kernel.SingleAssetParams, metric_names=ledger.METRICS, ranges=ledger.ledger_ranges
)


@dataclass(frozen=True, kw_only=True)
class SingleAssetOptions(MarketOptions):
    """The arguments of the single-asset environments."""

    symbol: str | None = None
    """which asset of a file of several"""
    actions: Literal["discrete", "continuous"] = "discrete"
    """the kind of actions"""
    positions: Sequence[float] = (-1.0, 0.0, 1.0)
    """shares of equity in [−1, 1] for discrete actions"""
    short: bool = True
    """whether continuous actions reach to −1"""
    reward: Literal["log_return", "differential_sharpe", "inventory_penalty"] = "log_return"
    """the kind of reward"""
    decay: float = number(0.01, 0, 1, above=True)
    """weight of the newest return in the differential Sharpe ratio"""
    risk_aversion: float = number(5.0, 0, 1e6)
    """of the inventory penalty"""

    def check(self) -> None:
        """Discrete actions have positions to choose from, and the simulator's options are known."""
        super().check()
        _positions(self)
        simulator_config(self.simulator, 1)


def single_asset_setup(options: SingleAssetOptions) -> Setup:
    """Returns the world with its parameters chosen; ValueError for a market that it cannot be played in."""
    bank = _bank(options)
    paths, bars, _, columns = bank.features.shape
    positions = _positions(options)
    params = params_of(
        kernel.SingleAssetParams,
        options,
        **options.derived(bank),
        bars=bank.bars[:, :, 0],
        features=bank.features.reshape(paths, bars * columns),
        positions=positions,
        lowest=-1.0 if options.short else 0.0,
    )
    limit, size = ledger.ACCOUNT_LIMIT, params.window * columns
    parts = [
        ("market", Box(-CLIP, CLIP, (params.window, columns), np.float32)),
        ("account", Box(-limit, limit, (kernel.ACCOUNT,), np.float32)),
    ]
    flat = Box(-max(CLIP, limit), max(CLIP, limit), (size + kernel.ACCOUNT,), np.float32)
    tokens, account = options.observation == "tokens", kernel.ACCOUNT_COLUMNS
    return Setup(
        world=WORLD,
        params=params,
        state_dtype=kernel.STATE,
        observation_space=Dict(parts) if tokens else flat,
        action_space=Discrete(len(positions))
        if len(positions)
        else Box(params.lowest, 1.0, (1,), np.float32),
        renderer=drawn_by("quadrivium.envs.trading.single_asset.render:SingleAssetRenderer", params),
        baselines=BASELINES,
        columns={"market": tuple(options.features), "account": account}
        if tokens
        else {"observation": (*options.window_columns(), *account)},
        shown=ledger.shown(None),
        source=bank,
        files=bank.files,
    )


def _positions(options: SingleAssetOptions) -> np.ndarray:
    """Returns the shares of equity that discrete actions choose, (A,) float64, read-only; else none."""
    if options.actions != "discrete":
        return _read_only([])
    values: Any = options.positions
    listed = list(values) if isinstance(values, Sequence) and not isinstance(values, str) else []
    if len(listed) < 2 or len(set(listed)) < len(listed):
        raise ValueError(
            f"positions={values!r} must be two or more different shares of equity: (-1, 0, 1) for instance"
        )
    for value in listed:
        require_number("positions", value, -1, 1)
    return _read_only(listed)


def _read_only(values: list[float]) -> np.ndarray:
    array = np.array(values, np.float64)
    array.setflags(write=False)
    return array


def _bank(options: SingleAssetOptions) -> Bank:
    """Returns the arrays of the market that the arguments name."""
    bank = options.bank(1, None if options.symbol is None else (options.symbol,))
    if len(bank.symbols) > 1:
        raise ValueError(
            f"the market has {len(bank.symbols)} assets ({', '.join(bank.symbols)}); "
            f"choose one: symbol={bank.symbols[0]!r}"
        )
    return bank


class SingleAssetEnv(WorldEnv):
    """One asset, bars, and a share of equity to hold in it: long, short or not at all.

    ## Time
    The agent has seen bars up to t, which is closed. What it orders then fills at the open of t + 1, and its
    equity is marked at the close of t + 1: that is one step. The order is sized with what is known at t, at
    its close, so a gap to the open leaves the position a little larger or smaller than the wanted share.

    ## Actions
    `actions="discrete"` (default), Discrete(A): the share of equity to hold, from `positions`, (−1, 0, 1) by
    default. Choosing the same one again holds the same *units* and trades nothing.

    `actions="continuous"`, Box(−1 or 0, 1, (1,)): the share of equity itself; traded where it differs from
    the present share by more than `band`.

    At most `participation` of a bar's volume fills in it; the rest is tried again at the next open.

    ## Observations
    `observation="tokens"` (default), a Dict of

    - `market` (`window`, F): the features of the last bars, the present one last, centred and scaled by the
      training part, clipped to ±5;
    - `account` (4,), shares of equity clipped to ±5: the position, cash, the unrealised profit, the part of
      the order that is not filled yet.

    `observation="vector"` is the same numbers as one vector (`window` * F + 4,).

    ## Reward
    The terms `gain`, `commission`, `spread`, `impact` and `financing` (interest and borrow fee) are the parts
    of the change of equity times one factor, so that their sum is, with R the return of equity net of costs:

    - `reward="log_return"` (default): log(1 + R). The rewards of an episode add up to log(V_T / V_0). (A loss
      of everything, which has no logarithm, counts as one of 0.999999.)
    - `reward="differential_sharpe"`: by how much R improves an exponentially weighted Sharpe ratio
      (Moody & Saffell 1998); the part that is not linear in equity is the term `risk`.
    - `reward="inventory_penalty"`: R, and as the term `risk` −`risk_aversion` / 2 times the variance of the
      position's return as of the last 20 bars.

    ## Costs
    Commission, half-spread and square-root impact on every trade; interest on negative cash and a fee on what
    is short in every bar in which it is held, whatever the action: all are money that leaves the account
    (`quadrivium.envs.trading.account.accounting`).

    A position whose equity falls below `maintenance` of its value is closed, costs included: at the price
    where that happens within a bar, or at the open after a gap, in place of the order. That is done at once,
    whatever the volume.

    ## What real brokers have
    None of it is there unless it is asked for.

    - `commission_per_share`, beside the commission by value; `lot_size`: orders, and the parts of one that
      fill, are whole lots.
    - `stop_loss`, `take_profit`: orders at shares of the entry price below and above it (above and below for
      a short position). They close all of it at that price, or at the open where that is beyond, with the
      costs of any trade. In a bar that reaches several of them the stop comes before the margin if it is
      nearer, and both before the profit. What is closed stays so until the next decision.
    - `cash_interest` on what cash there is, that of short sales included; `funding` a year, or with
      `funding_column` bar by bar, that long positions pay to short ones at the close.
    - `dividends`: a column of money a unit, paid at the open to what is held then, and by what is short. Give
      prices that are not adjusted for them.
    - `delisting`: where an asset has no bars any more and others have, its position is paid out at this share
      of its last price, and it is not traded any more.

    Interest, funding and dividends are the reward's term `financing`; what they bring is positive.

    ## Markets
    `market="simulated"` (default): `scenarios` paths are drawn when the environment is made, of
    `SimulatorConfig(**simulator)`; an episode is a random stretch of a random path. Test paths are never
    training paths.

    A path of a CSV or Parquet file (or several, or `Bars`): an episode is a random stretch of the first part
    of the bars, or with `split="test"` of the last `test_share`; `episode_bars=None` plays all of it once.

    ## Info
    After every reset and step `equity` and `cash` in money and `position` in units (in batches that begin
    anew by themselves those of the last bar are in `final_info`); `reward_terms`, and at the end `metrics`.

    ## Episodes
    Terminated with the actual loss where equity is `ruin` of the capital or less; truncated after
    `episode_bars` decisions.

    ## Metrics
    `total_return`; `market_return` (of the asset, close to close); `max_drawdown` (at closes); `turnover`
    (traded value by equity, summed); `costs` (by capital); `exposure` (mean of |position| by equity);
    `trades`; `liquidations`; `ruined`; `length`.

    ## Baselines
    `cash`, `buy_and_hold`, `sma_cross` (5 against 20 bars), `momentum` (20 bars).
    """

    options, setup_of = SingleAssetOptions, staticmethod(single_asset_setup)


class SingleAssetVectorEnv(WorldVectorEnv):
    """A batch of `SingleAssetEnv`, stepped on all cores; the same arguments."""

    single = SingleAssetEnv
