"""The SignChain environment: its arguments, spaces and documentation page; the rules are in `kernel`."""

from typing import Any, Literal, TypedDict, Unpack

import numpy as np
from gymnasium.spaces import Box, Discrete

from envs.core.gym_env import LaneEnv, LaneVectorEnv
from envs.core.lane import World
from envs.core.setup import Renderer, Setup
from envs.core.validation import require_choice, require_number, with_defaults
from envs.trading.sign_chain import kernel
from envs.trading.sign_chain.baselines import BASELINES
from envs.trading.sign_chain.kernel import SignChainParams

WORLD = World(
    name="sign_chain",
    params=SignChainParams,
    reset=kernel.reset_one,
    step=kernel.step_one,
    observe=kernel.observe_one,
    metrics=kernel.metrics_one,
    reward_terms=kernel.REWARD_TERMS,
    metric_names=kernel.METRICS,
    action_dtype=np.int32,
)


class SignChainOptions(TypedDict, total=False):
    """The arguments of the SignChain environments; `SignChainEnv` says what each one means."""

    persistence: float
    volatility_pct: float
    fee_bps: float
    max_steps: int
    split: Literal["train", "test"]


_DEFAULTS: dict[str, Any] = {
    "persistence": 0.7,
    "volatility_pct": 1.0,
    "fee_bps": 10.0,
    "max_steps": 128,
    "split": "train",
}


def sign_chain_setup(**options: Unpack[SignChainOptions]) -> Setup:
    """Returns the SignChain world with its parameters chosen. Raises ValueError for a wrong argument."""
    chosen = with_defaults(options, _DEFAULTS)
    require_number("persistence", chosen["persistence"], 0, 1)
    require_number("volatility_pct", chosen["volatility_pct"], 0, 100, open_low=True)
    require_number("fee_bps", chosen["fee_bps"], 0, 10_000)
    require_number("max_steps", chosen["max_steps"], 1, 100_000, integer=True)
    params = SignChainParams(
        split=("train", "test").index(require_choice("split", chosen["split"], ("train", "test"))),
        persistence=float(chosen["persistence"]),
        volatility_pct=float(chosen["volatility_pct"]),
        fee_pct=chosen["fee_bps"] / 100.0,
        max_steps=chosen["max_steps"],
    )
    return Setup(
        world=WORLD,
        params=params,
        state_dtype=kernel.STATE,
        observation_space=Box(-1.0, 1.0, (3,), np.float32),
        action_space=Discrete(3),
        renderer=lambda: _renderer(params),
        baselines=BASELINES,
    )


def _renderer(params: SignChainParams) -> Renderer:
    from envs.trading.chart import AMBER, TEAL, ChartRenderer, Line  # pygame: when something is drawn

    lines = (
        Line("gain, %", TEAL, lambda row: row["gain"], low=0.0, high=0.0),
        Line("position", AMBER, lambda row: row["position"], pane=1, low=-1.0, high=1.0),
    )

    def caption(row: np.void) -> list[tuple[str, str]]:
        return [
            ("step", f"{int(row['step'])}/{params.max_steps}"),
            ("sign", f"{int(row['sign']):+d}"),
            ("position", f"{int(row['position']):+d}"),
            ("turnover", f"{int(row['turnover'])}"),
            ("gain", f"{float(row['gain']):.2f} %"),
        ]

    return ChartRenderer(lines, caption, params.max_steps, "SignChain")


class SignChainEnv(LaneEnv):
    """A price that steps up or down by σ, whose direction persists, and a fee on turnover: follow, or not?

    The smallest trading problem with an optimum in closed form. An agent that does not learn it, or that
    trades where the fee eats the signal, has a fault; so has one whose backtest earns more.

    ## Actions
    Discrete(3): short (0), flat (1), long (2): the position until the next decision.

    ## Observations
    Vector (3,): the sign of the last return, −1 or 1; the position, −1, 0 or 1; the share of the steps that
    is left, 1 to 0.

    ## Reward
    In per cent of capital, additive:
    - `return`: position × the next return, which is σ in the direction of the last return with probability
      `persistence` and against it otherwise.
    - `fee`: −`fee_bps` / 100 for each unit by which the position changes, before the return.

    ## Optimum
    Always to follow earns (2p − 1)σ − 2c(1 − p) a step, 0.34 % with the defaults, and is best while the fee c
    is below (2p − 1)σ / (2(1 − p)), 66.7 bp; above it is best never to trade. The exact optimum of an
    episode, with its first and last steps, is the baseline `optimal` (`envs.trading.oracles.sign_chain`).

    ## Episodes
    Begin with either sign, without a position; truncated after `max_steps`. The last position is not closed,
    so nothing is paid for that.

    ## Metrics
    `gain_per_step` (per cent), `turnover` (units).

    ## Baselines
    `cash`, `follow`, `optimal`.

    Args:
        render_mode: "rgb_array", "human" or None.
        persistence: p, the probability that the next sign is the last one's.
        volatility_pct: σ, per cent.
        fee_bps: c, basis points of a unit of turnover.
        max_steps: of an episode.
        split: "train" or "test".

    Raises:
        ValueError: for a wrong argument: its value, what is allowed, and the nearest name.
    """

    def __init__(self, render_mode: str | None = None, **options: Unpack[SignChainOptions]) -> None:
        super().__init__(sign_chain_setup(**options), render_mode)


class SignChainVectorEnv(LaneVectorEnv):
    """A batch of `SignChainEnv`, stepped on all cores; the same arguments."""

    def __init__(
        self, num_envs: int = 1, render_mode: str | None = None, **options: Unpack[SignChainOptions]
    ) -> None:
        super().__init__(sign_chain_setup(**options), num_envs, render_mode)
