"""The single-asset environment: its arguments, spaces and documentation page; the rules are in `kernel`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypedDict, Unpack

import numpy as np
from gymnasium.spaces import Box, Dict, Discrete

from envs.core.gym_env import LaneEnv, LaneVectorEnv
from envs.core.lane import World
from envs.core.setup import Renderer, Setup
from envs.core.validation import require_choice, require_number, with_defaults
from envs.trading import ledger
from envs.trading.bank import Bank, chosen_bank, require_episode
from envs.trading.costs import COST_DEFAULTS, costs_of
from envs.trading.market.bars import Bars
from envs.trading.market.features import CLIP, DEFAULT_FEATURES
from envs.trading.market.simulate import SimulatorConfig
from envs.trading.single_asset import kernel
from envs.trading.single_asset.baselines import BASELINES

WORLD = World(
    name="single_asset",
    params=kernel.SingleAssetParams,
    reset=kernel.reset_one,
    step=kernel.step_one,
    observe=kernel.observe_one,
    metrics=kernel.metrics_one,
    reward_terms=kernel.REWARD_TERMS,
    metric_names=ledger.METRICS,
    ranges=ledger.ledger_ranges,
)
REWARDS = ("log_return", "differential_sharpe", "inventory_penalty")


class SingleAssetOptions(TypedDict, total=False):
    """The arguments of the environments; `SingleAssetEnv` says what each one means."""

    market: str | Path | Sequence[str | Path] | Bars
    symbol: str | None
    load: Mapping[str, Any] | None
    simulator: SimulatorConfig | Mapping[str, Any] | None
    scenarios: int
    market_seed: int
    test_share: float
    purge: int
    folds: int
    fold: int
    split: Literal["train", "test"]
    episode_bars: int | None
    window: int
    features: Sequence[str]
    observation: Literal["tokens", "vector"]
    actions: Literal["discrete", "continuous"]
    positions: Sequence[float]
    short: bool
    band: float
    reward: Literal["log_return", "differential_sharpe", "inventory_penalty"]
    decay: float
    risk_aversion: float
    capital: float
    ruin: float
    half_spread_bps: float
    commission_bps: float
    commission_fixed: float
    commission_minimum: float
    impact: float
    participation: float | None
    financing: float
    borrow: float
    maintenance: float


_DEFAULTS: dict[str, Any] = {
    "market": "simulated",
    "symbol": None,
    "load": None,
    "simulator": None,
    "scenarios": 1024,
    "market_seed": 0,
    "test_share": 0.3,
    "purge": 1,
    "folds": 1,
    "fold": 0,
    "split": "train",
    "episode_bars": 126,
    "window": 16,
    "features": DEFAULT_FEATURES,
    "observation": "tokens",
    "actions": "discrete",
    "positions": (-1.0, 0.0, 1.0),
    "short": True,
    "band": 0.01,
    "reward": "log_return",
    "decay": 0.01,
    "risk_aversion": 5.0,
    "capital": 100_000.0,
    "ruin": 0.05,
    **COST_DEFAULTS,
}
_NUMBERS = (
    ("scenarios", 1, 2**24, True),
    ("market_seed", 0, 2**64 - 1, True),
    ("window", 1, 10_000, True),
    ("band", 0, 1, False),
    ("risk_aversion", 0, 1e6, False),
    ("ruin", 0, 0.99, False),
)
_CHOICES = {
    "split": ("train", "test"),
    "observation": ("tokens", "vector"),
    "actions": ("discrete", "continuous"),
    "reward": REWARDS,
}


def single_asset_setup(**options: Unpack[SingleAssetOptions]) -> Setup:
    """Returns the world with its parameters chosen. Raises ValueError for a wrong argument."""
    chosen = with_defaults(options, _DEFAULTS)
    for name, low, high, integer in _NUMBERS:
        require_number(name, chosen[name], low, high, integer=integer)
    require_number("capital", chosen["capital"], 0, 1e15, open_low=True)
    require_number("decay", chosen["decay"], 0, 1, open_low=True)
    for name, allowed in _CHOICES.items():
        require_choice(name, chosen[name], allowed)
    if chosen["episode_bars"] is not None:
        require_number("episode_bars", chosen["episode_bars"], 1, 1_000_000, integer=True)
    costs = costs_of(chosen)
    discrete = chosen["actions"] == "discrete"
    positions = _positions(chosen["positions"]) if discrete else _read_only([])
    bank = _bank(chosen)
    paths, bars, _, columns = bank.features.shape
    steps, starts = require_episode(bars, chosen["window"], chosen["episode_bars"])
    params = kernel.SingleAssetParams(
        split=int(chosen["split"] == "test"),
        bars=bank.bars[:, :, 0],
        features=bank.features.reshape(paths, bars * columns),
        columns=columns,
        window=chosen["window"],
        steps=steps,
        starts=starts,
        positions=positions,
        lowest=-1.0 if chosen["short"] else 0.0,
        band=float(chosen["band"]),
        **costs._asdict(),
        years=1.0 / bank.periods_per_year,
        capital=float(chosen["capital"]),
        ruin=float(chosen["ruin"]),
        reward=REWARDS.index(chosen["reward"]),
        decay=float(chosen["decay"]),
        risk_aversion=float(chosen["risk_aversion"]),
    )
    limit = max(CLIP, ledger.ACCOUNT_LIMIT)
    parts = [
        ("market", Box(-CLIP, CLIP, (params.window, columns), np.float32)),
        ("account", Box(-ledger.ACCOUNT_LIMIT, ledger.ACCOUNT_LIMIT, (kernel.ACCOUNT,), np.float32)),
    ]
    width = params.window * columns + kernel.ACCOUNT
    return Setup(
        world=WORLD,
        params=params,
        state_dtype=kernel.STATE,
        observation_space=Dict(parts)
        if chosen["observation"] == "tokens"
        else Box(-limit, limit, (width,), np.float32),
        action_space=Discrete(len(positions)) if discrete else Box(params.lowest, 1.0, (1,), np.float32),
        renderer=lambda: _renderer(params),
        baselines=BASELINES,
        source=bank,
    )


def _renderer(params: kernel.SingleAssetParams) -> Renderer:
    from envs.trading.single_asset.render import SingleAssetRenderer  # pygame is imported when it draws

    return SingleAssetRenderer(params)


def _positions(values: Any) -> np.ndarray:
    """Returns the shares of equity that discrete actions choose, (A,) float64, read-only."""
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


def _bank(chosen: Mapping[str, Any]) -> Bank:
    """Returns the arrays of the market that the arguments name."""
    bank = chosen_bank(chosen, 1, None if chosen["symbol"] is None else (chosen["symbol"],))
    if len(bank.symbols) > 1:
        raise ValueError(
            f"the market has {len(bank.symbols)} assets ({', '.join(bank.symbols)}); "
            f"choose one: symbol={bank.symbols[0]!r}"
        )
    return bank


class SingleAssetEnv(LaneEnv):
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
    is short in every bar in which it is held, whatever the action (`envs.trading.accounting`). All are money
    that leaves the account.

    A position whose equity falls below `maintenance` of its value is closed, costs included: at the price
    where that happens within a bar, or at the open after a gap, in place of the order. That is done at once,
    whatever the volume.

    ## Markets
    `market="simulated"` (default): `scenarios` paths are drawn when the environment is made, of
    `SimulatorConfig(**simulator)`; an episode is a random stretch of a random path. Test paths are never
    training paths.

    A path of a CSV or Parquet file (or several, or `Bars`): an episode is a random stretch of the first part
    of the bars, or with `split="test"` of the last `test_share`; `episode_bars=None` plays all of it once.

    ## Episodes
    Terminated with the actual loss where equity is `ruin` of the capital or less; truncated after
    `episode_bars` decisions.

    ## Metrics
    `total_return`; `market_return` (of the asset, close to close); `max_drawdown` (at closes); `turnover`
    (traded value by equity, summed); `costs` (by capital); `exposure` (mean of |position| by equity);
    `trades`; `liquidations`; `ruined`; `length`.

    ## Baselines
    `cash`, `buy_and_hold`, `sma_cross` (5 against 20 bars), `momentum` (20 bars).

    Args:
        render_mode: "rgb_array", "human" or None.
        market: "simulated", a path, a list of paths, or `Bars`.
        symbol: which asset of a file of several.
        load: options of `load_bars`.
        simulator: options of `SimulatorConfig`, or one.
        scenarios: simulated paths, 1024; each is `window` + 2 `episode_bars` long.
        market_seed: of the simulated paths.
        test_share: of a file's bars, that `split="test"` has.
        purge: bars between the two.
        folds: of a walk-forward split of the files: so many tests, each trained on all that comes before it.
        fold: which of them, from 0, the earliest.
        split: "train" or "test".
        episode_bars: decisions an episode; 126, half a year of days.
        window: bars in an observation; 16.
        features: names from `envs.trading.market.features`.
        observation: "tokens" or "vector".
        actions: "discrete" or "continuous".
        positions: shares of equity in [−1, 1] for discrete actions.
        short: whether continuous actions reach to −1.
        band: the smallest change of the share that continuous actions trade.
        reward: "log_return", "differential_sharpe" or "inventory_penalty".
        decay: weight of the newest return in the differential Sharpe ratio.
        risk_aversion: of the inventory penalty.
        capital: money at the start.
        ruin: share of the capital, in [0, 1).
        half_spread_bps: of the price, on every trade; 2.
        commission_bps: of the notional; 1.
        commission_fixed: money an order.
        commission_minimum: money an order.
        impact: Y in Y σ sqrt(Q / ADV), σ and ADV of the last 20 bars; 1.
        participation: share of a bar's volume, in (0, 1], or None for any; 0.1.
        financing: interest a year on negative cash; 0.05.
        borrow: fee a year on what is short; 0.02.
        maintenance: share of the position that equity must not fall below; 0.25.

    Raises:
        ValueError: for a wrong argument: its value, what is allowed, and the nearest name.
    """

    def __init__(self, render_mode: str | None = None, **options: Unpack[SingleAssetOptions]) -> None:
        super().__init__(single_asset_setup(**options), render_mode)


class SingleAssetVectorEnv(LaneVectorEnv):
    """A batch of `SingleAssetEnv`, stepped on all cores; the same arguments."""

    def __init__(
        self, num_envs: int = 1, render_mode: str | None = None, **options: Unpack[SingleAssetOptions]
    ) -> None:
        super().__init__(single_asset_setup(**options), num_envs, render_mode)
