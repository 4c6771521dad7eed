"""The portfolio environment: its arguments, spaces and documentation page; the rules are in `kernel`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypedDict, Unpack

import numpy as np
from gymnasium.spaces import Box, Dict

from envs.core.gym_env import LaneEnv, LaneVectorEnv
from envs.core.lane import World, capacity
from envs.core.setup import Renderer, Setup
from envs.core.validation import require_choice, require_number, with_defaults
from envs.trading import ledger
from envs.trading.bank import chosen_bank, require_episode
from envs.trading.costs import COST_DEFAULTS, costs_of
from envs.trading.market.bars import Bars
from envs.trading.market.features import CLIP, DEFAULT_FEATURES
from envs.trading.market.simulate import SimulatorConfig
from envs.trading.portfolio import kernel
from envs.trading.portfolio.baselines import BASELINES

WORLD = World(
    name="portfolio",
    params=kernel.PortfolioParams,
    reset=kernel.reset_one,
    step=kernel.step_one,
    observe=kernel.observe_one,
    metrics=kernel.metrics_one,
    reward_terms=ledger.PARTS,
    metric_names=ledger.METRICS,
    ranges=ledger.ledger_ranges,
)


class PortfolioOptions(TypedDict, total=False):
    """The arguments of the environments; `PortfolioEnv` says what each one means."""

    market: str | Path | Sequence[str | Path] | Bars
    symbols: Sequence[str] | None
    load: Mapping[str, Any] | None
    assets: int
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
    weights: Literal["softmax", "simplex", "shorts"]
    leverage: float
    sharpness: float
    band: float
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
    "symbols": None,
    "load": None,
    "assets": 4,
    "simulator": None,
    "scenarios": 512,
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
    "weights": "softmax",
    "leverage": 1.0,
    "sharpness": 4.0,
    "band": 0.01,
    "capital": 100_000.0,
    "ruin": 0.05,
    **COST_DEFAULTS,
}
_NUMBERS = (
    ("assets", 1, 500, True),
    ("scenarios", 1, 2**24, True),
    ("market_seed", 0, 2**64 - 1, True),
    ("window", 1, 10_000, True),
    ("band", 0, 1, False),
    ("ruin", 0, 0.99, False),
)
_POSITIVE = (("capital", 1e15), ("leverage", 10), ("sharpness", 50))
PROJECTIONS = ("softmax", "simplex", "shorts")
_CHOICES = {"split": ("train", "test"), "observation": ("tokens", "vector"), "weights": PROJECTIONS}


def portfolio_setup(**options: Unpack[PortfolioOptions]) -> Setup:
    """Returns the world with its parameters chosen. Raises ValueError for a wrong argument."""
    chosen = with_defaults(options, _DEFAULTS)
    for name, low, high, integer in _NUMBERS:
        require_number(name, chosen[name], low, high, integer=integer)
    for name, high in _POSITIVE:
        require_number(name, chosen[name], 0, high, open_low=True)
    for name, allowed in _CHOICES.items():
        require_choice(name, chosen[name], allowed)
    if chosen["episode_bars"] is not None:
        require_number("episode_bars", chosen["episode_bars"], 1, 1_000_000, integer=True)
    shorts = chosen["weights"] == "shorts"
    if not shorts and chosen["leverage"] != 1.0:
        raise ValueError(
            f"leverage={chosen['leverage']} needs weights='shorts': {chosen['weights']} weights add up to 1"
        )
    costs = costs_of(chosen)
    bank = chosen_bank(chosen, chosen["assets"], chosen["symbols"])
    paths, bars, assets, columns = bank.features.shape
    steps, starts = require_episode(bars, chosen["window"], chosen["episode_bars"])
    tokens = np.ascontiguousarray(bank.features.transpose(0, 2, 1, 3)).reshape(paths, assets, bars * columns)
    tokens.setflags(write=False)
    width = assets if shorts else assets + 1
    params = kernel.PortfolioParams(
        split=int(chosen["split"] == "test"),
        bars=bank.bars,
        features=tokens,
        columns=columns,
        window=chosen["window"],
        steps=steps,
        starts=starts,
        projection=PROJECTIONS.index(chosen["weights"]),
        leverage=float(chosen["leverage"]),
        sharpness=float(chosen["sharpness"]),
        band=float(chosen["band"]),
        **costs._asdict(),
        years=1.0 / bank.periods_per_year,
        capital=float(chosen["capital"]),
        ruin=float(chosen["ruin"]),
    )
    limit, size, account = ledger.ACCOUNT_LIMIT, chosen["window"] * columns, 1 + 3 * assets
    parts = [
        ("market", Box(-CLIP, CLIP, (assets, size), np.float32)),
        ("account", Box(-limit, limit, (account,), np.float32)),
    ]
    flat = Box(-max(CLIP, limit), max(CLIP, limit), (assets * size + account,), np.float32)
    return Setup(
        world=WORLD,
        params=params,
        state_dtype=kernel.state_dtype(assets),
        observation_space=Dict(parts) if chosen["observation"] == "tokens" else flat,
        action_space=Box(-1.0, 1.0, (width,), np.float32),
        renderer=lambda: _renderer(params),
        baselines=BASELINES,
        source=bank,
    )


def _renderer(params: kernel.PortfolioParams) -> Renderer:
    from envs.trading.portfolio.render import PortfolioRenderer  # pygame is imported when it draws

    return PortfolioRenderer(params)


class PortfolioEnv(LaneEnv):
    """Several assets on one clock, and the shares of equity to hold in each; the rest is cash.

    ## Time
    The agent has seen bars up to t, which are closed. What it orders fills at the opens of t + 1, and equity
    is marked at the closes of t + 1: that is one step. Orders are sized at the closes of t.

    ## Actions
    - `weights="softmax"` (default), Box(−1, 1, (N + 1,)), cash first: the softmax of `sharpness` times the
      action.
    - `weights="simplex"`, the same Box: the nearest point of the simplex (weights >= 0 that add up to 1).
    - `weights="shorts"`, Box(−1, 1, (N,)): `leverage` times the action, divided by the sum of its absolute
      values where that is above 1. So the gross weight is at most `leverage`; cash may be negative.

    An asset is traded where its weight differs from its present share of equity by more than `band`. At most
    `participation` of a bar's volume fills in it; the rest is tried again at the next open.

    ## Observations
    `observation="tokens"` (default), a Dict of
    - `market` (N, `window` * F), a row an asset: the features of the last bars, bar after bar, the present
      one last, centred and scaled by the training part, clipped to ±5;
    - `account` (1 + 3 N,), shares of equity clipped to ±5: cash, then the positions, then their unrealised
      profits, then the parts of the orders that are not filled yet.

    `observation="vector"` is the same numbers as one vector.

    ## Reward
    log(1 + R) with R the return of equity net of costs, as the terms `gain`, `commission`, `spread`, `impact`
    and `financing` (interest and borrow fees), each its part of the change of equity times one factor. The
    rewards of an episode add up to log(V_T / V_0). (A loss of everything counts as one of 0.999999.)

    ## Costs
    As in `SingleAssetEnv`, each asset's own. Where equity falls below `maintenance` of the gross position,
    all positions are closed at once, whatever the volume: at the opens after a gap, in place of the orders;
    within a bar where the margin is called on a straight way from the opens to the worst prices, the low of
    what is long and the high of what is short together.

    ## Markets
    `market="simulated"` (default): `scenarios` paths of `assets` assets, of `SimulatorConfig(**simulator)`.
    Or files, or `Bars`; splits and episodes are as in `SingleAssetEnv`.

    ## Episodes
    Terminated with the actual loss where equity is `ruin` of the capital or less; truncated after
    `episode_bars` decisions.

    ## Metrics
    `total_return`; `market_return` (mean of the assets', close to close); `max_drawdown` (at closes);
    `turnover` (traded value by equity, summed); `costs` (by capital); `exposure` (mean gross position by
    equity); `trades`; `liquidations`; `ruined`; `length`.

    ## Baselines
    `cash`, `buy_and_hold`, `equal_weight`, `inverse_volatility` (20 bars), `sma_cross` (5 against 20 bars),
    `momentum` (20 bars), `markowitz` (60 bars).

    Args:
        render_mode: "rgb_array", "human" or None.
        market: "simulated", a path, a list of paths, or `Bars`.
        symbols: which assets of the files, in this order; None: all.
        load: options of `load_bars`.
        assets: N of the simulated market.
        simulator: options of `SimulatorConfig`, or one.
        scenarios: simulated paths, 512; each is `window` + 2 `episode_bars` long.
        market_seed: of the simulated paths.
        test_share: of the files' bars, that `split="test"` has.
        purge: bars between the two.
        folds: of a walk-forward split of the files: so many tests, each trained on all that comes before it.
        fold: which of them, from 0, the earliest.
        split: "train" or "test".
        episode_bars: decisions an episode, 126; None plays all of a file once.
        window: bars in an observation; 16.
        features: names from `envs.trading.market.features`.
        observation: "tokens" or "vector".
        weights: "softmax", "simplex" or "shorts".
        leverage: the largest gross weight, in (0, 10], for "shorts".
        sharpness: of the softmax; an asset's weight is at most e^(2 sharpness) times another's.
        band: the smallest change of a weight that is traded.
        capital: money at the start.
        ruin: share of the capital, in [0, 1).
        half_spread_bps: this and what follows: see `SingleAssetEnv`.
        commission_bps: of the notional.
        commission_fixed: money an order.
        commission_minimum: money an order.
        impact: Y of the square-root law.
        participation: share of a bar's volume, in (0, 1], or None for any.
        financing: interest a year on negative cash.
        borrow: fee a year on what is short.
        maintenance: share of the gross position that equity must not fall below.

    Raises:
        ValueError: for a wrong argument: its value, what is allowed, and the nearest name.
    """

    def __init__(self, render_mode: str | None = None, **options: Unpack[PortfolioOptions]) -> None:
        super().__init__(portfolio_setup(**options), render_mode)


class PortfolioVectorEnv(LaneVectorEnv):
    """A batch of `PortfolioEnv`, stepped on all cores; the same arguments."""

    def __init__(
        self, num_envs: int = 1, render_mode: str | None = None, **options: Unpack[PortfolioOptions]
    ) -> None:
        super().__init__(portfolio_setup(**options), num_envs, render_mode)
