"""The portfolio environment: its arguments, spaces and documentation page; the rules are in `kernel`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from gymnasium.spaces import Box, Dict

from quadrivium.envs.core.lane import World
from quadrivium.envs.core.options import integer, number, params_of
from quadrivium.envs.core.setup import Setup, drawn_by
from quadrivium.envs.core.world_env import WorldEnv, WorldVectorEnv
from quadrivium.envs.trading.account import ledger
from quadrivium.envs.trading.market.bank import simulator_config
from quadrivium.envs.trading.market.features import CLIP
from quadrivium.envs.trading.options import MarketOptions
from quadrivium.envs.trading.portfolio import kernel
from quadrivium.envs.trading.portfolio.baselines import BASELINES

WORLD = World.of(
    kernel,
    "portfolio",
    kernel.PortfolioParams,
    reward_terms=ledger.PARTS,
    metric_names=ledger.METRICS,
    ranges=ledger.ledger_ranges,
)


@dataclass(frozen=True, kw_only=True)
class PortfolioOptions(MarketOptions):
    """The arguments of the portfolio environments."""

    symbols: Sequence[str] | None = None
    """which assets of the files, in this order; None: all"""
    assets: int = integer(4, 1, 500)
    """N of the simulated market"""
    scenarios: int = integer(512, 1, 2**24)
    weights: Literal["softmax", "simplex", "shorts"] = "softmax"
    """how an action becomes weights"""
    leverage: float = number(1.0, 0, 10, above=True)
    """the largest gross weight, for "shorts\""""
    sharpness: float = number(4.0, 0, 50, above=True)
    """of the softmax; an asset's weight is at most e^(2 sharpness) times another's"""

    def check(self) -> None:
        """Only shorts have leverage, and the simulator's options are known."""
        super().check()
        simulator_config(self.simulator, self.assets)
        if self.weights != "shorts" and self.leverage != 1.0:
            raise ValueError(
                f"leverage={self.leverage} needs weights='shorts': {self.weights} weights add up to 1"
            )
        if self.leverage * self.maintenance >= 1:
            raise ValueError(
                f"leverage={self.leverage:g} can never be held with maintenance={self.maintenance:g}: "
                "equity must stay "
                f"above that share of the gross position, which is less than {1 / self.maintenance:g} "
                "of it then; use "
                f"leverage={0.8 / self.maintenance:.3g}, or maintenance={0.8 / self.leverage:.3g}"
            )


def portfolio_setup(options: PortfolioOptions) -> Setup:
    """Returns the world with its parameters chosen; ValueError for a market that it cannot be played in."""
    bank = options.bank(options.assets, options.symbols)
    paths, bars, assets, columns = bank.features.shape
    tokens = np.ascontiguousarray(bank.features.transpose(0, 2, 1, 3)).reshape(paths, assets, bars * columns)
    tokens.setflags(write=False)
    params = params_of(
        kernel.PortfolioParams,
        options,
        **options.derived(bank),
        bars=bank.bars,
        features=tokens,
        projection=options.index("weights"),
    )
    account = (
        "cash",
        *(f"{what} of {name}" for what in kernel.ACCOUNT_OF_AN_ASSET for name in bank.symbols),
    )
    limit, size = ledger.ACCOUNT_LIMIT, params.window * columns
    parts = [
        ("market", Box(-CLIP, CLIP, (assets, size), np.float32)),
        ("account", Box(-limit, limit, (len(account),), np.float32)),
    ]
    flat = Box(-max(CLIP, limit), max(CLIP, limit), (assets * size + len(account),), np.float32)
    if options.observation == "tokens":
        seen = {"market": options.window_columns(), "account": account}
    else:
        market = (text for name in bank.symbols for text in options.window_columns(f" of {name}"))
        seen = {"observation": (*market, *account)}
    return Setup(
        world=WORLD,
        params=params,
        state_dtype=kernel.state_dtype(assets),
        observation_space=Dict(parts) if options.observation == "tokens" else flat,
        action_space=Box(-1.0, 1.0, (assets + (options.weights != "shorts"),), np.float32),
        renderer=drawn_by("quadrivium.envs.trading.portfolio.render:PortfolioRenderer", params),
        baselines=BASELINES,
        columns=seen,
        tokens={"market": tuple(bank.symbols)} if options.observation == "tokens" else {},
        shown=ledger.shown(assets),
        source=bank,
        files=bank.files,
    )


class PortfolioEnv(WorldEnv):
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
    what is long and the high of what is short together. Lots, stop orders (each position's own, before the
    margin), interest on cash, funding, dividends and delisting are as in `SingleAssetEnv`.

    ## Markets
    `market="simulated"` (default): `scenarios` paths of `assets` assets, of `SimulatorConfig(**simulator)`.
    Or files, or `Bars`; splits and episodes are as in `SingleAssetEnv`.

    ## Info
    After every reset and step `equity` and `cash` in money and `position` in units; `reward_terms`, and at
    the end `metrics`.

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
    """

    options, setup_of = PortfolioOptions, staticmethod(portfolio_setup)


class PortfolioVectorEnv(WorldVectorEnv):
    """A batch of `PortfolioEnv`, stepped on all cores; the same arguments."""

    single = PortfolioEnv
