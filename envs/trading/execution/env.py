"""The Execution environment: its arguments, spaces and documentation page; the rules are in `kernel`."""

import math
from typing import Any, Literal, TypedDict, Unpack

import numpy as np
from gymnasium.spaces import Box

from envs.core.gym_env import LaneEnv, LaneVectorEnv
from envs.core.lane import World
from envs.core.setup import Renderer, Setup
from envs.core.validation import require_choice, require_number, with_defaults
from envs.trading.execution import kernel
from envs.trading.execution.baselines import BASELINES
from envs.trading.execution.kernel import ExecutionParams

WORLD = World(
    name="execution",
    params=ExecutionParams,
    reset=kernel.reset_one,
    step=kernel.step_one,
    observe=kernel.observe_one,
    metrics=kernel.metrics_one,
    reward_terms=kernel.REWARD_TERMS,
    metric_names=kernel.METRICS,
)


class ExecutionOptions(TypedDict, total=False):
    """The arguments of the Execution environments; `ExecutionEnv` says what each one means."""

    shares: float
    horizon_days: float
    steps: int
    volatility: float
    temporary_impact: float
    permanent_impact: float
    half_spread: float
    risk_aversion: float
    u_shape: float
    reward: Literal["expected", "realised"]
    split: Literal["train", "test"]


_DEFAULTS: dict[str, Any] = {
    "shares": 1e6,
    "horizon_days": 5.0,
    "steps": 5,
    "volatility": 0.95,
    "temporary_impact": 2.5e-6,
    "permanent_impact": 2.5e-7,
    "half_spread": 0.0625,
    "risk_aversion": 1e-6,
    "u_shape": 0.0,
    "reward": "expected",
    "split": "train",
}


def execution_setup(**options: Unpack[ExecutionOptions]) -> Setup:
    """Returns the Execution world with its parameters chosen. Raises ValueError for a wrong argument."""
    chosen = with_defaults(options, _DEFAULTS)
    for name, high in (("shares", 1e12), ("horizon_days", 1e4)):
        require_number(name, chosen[name], 0, high, open_low=True)
    for name, high in (
        ("volatility", 1e6),
        ("temporary_impact", 1e6),
        ("permanent_impact", 1e6),
        ("half_spread", 1e6),
        ("risk_aversion", 1e6),
        ("u_shape", 0.45),
    ):
        require_number(name, chosen[name], 0, high)
    require_number("steps", chosen["steps"], 1, 10_000, integer=True)
    split = require_choice("split", chosen["split"], ("train", "test"))
    reward = require_choice("reward", chosen["reward"], ("expected", "realised"))
    shares, tau = float(chosen["shares"]), chosen["horizon_days"] / chosen["steps"]
    params = ExecutionParams(
        split=("train", "test").index(split),
        steps=chosen["steps"],
        volatility=chosen["volatility"] * math.sqrt(tau),
        temporary=chosen["temporary_impact"] * shares / tau,
        permanent=chosen["permanent_impact"] * shares,
        half_spread=float(chosen["half_spread"]),
        risk=chosen["risk_aversion"] * chosen["volatility"] ** 2 * tau * shares,
        noisy_reward=int(reward == "realised"),
        u_shape=float(chosen["u_shape"]),
    )
    low = np.array([0.0, 0.0, -np.inf], np.float32)
    return Setup(
        world=WORLD,
        params=params,
        state_dtype=kernel.STATE,
        observation_space=Box(low, np.array([1.0, 1.0, np.inf], np.float32)),
        action_space=Box(-1.0, 1.0, (1,), np.float32),
        renderer=lambda: _renderer(params),
        baselines=BASELINES,
    )


def _renderer(params: ExecutionParams) -> Renderer:
    from envs.trading.chart import AMBER, BLUE, TEAL, ChartRenderer, Line  # pygame: when something is drawn

    lines = (
        Line("still to sell", TEAL, lambda row: row["left"], low=0.0, high=1.0),
        Line("sold", AMBER, lambda row: row["sold"], low=0.0, high=1.0),
        Line("price, change in $", BLUE, lambda row: row["price"], pane=1, low=-0.1, high=0.1),
    )

    def caption(row: np.void) -> list[tuple[str, str]]:
        return [
            ("step", f"{int(row['step'])}/{params.steps}"),
            ("left", f"{100 * float(row['left']):.1f} %"),
            ("shortfall", f"{-float(row['proceeds']):.3f} $ a share"),
            ("risk", f"{float(row['risk_paid']):.3f} $ a share"),
        ]

    return ChartRenderer(lines, caption, params.steps, "Execution")


class ExecutionEnv(LaneEnv):
    """A large number of shares is to be sold by a deadline: fast is dear, slow is risky.

    The model of Almgren & Chriss 2000, with the parameters of their example: a sale of n shares in a step of
    τ days fetches ε + η n / τ less than the mid price and moves it by −γ n for good; otherwise the mid is a
    random walk of volatility σ.

    ## Actions
    Box(−1, 1, (1,)): the share of the remaining inventory to sell in this step, (a + 1) / 2. In the last step
    everything is sold, whatever the action.

    ## Observations
    Vector (3,): the share of the first inventory still to be sold; the share of the steps that is left; the
    mid price's change since the beginning, by σ√T.

    ## Reward
    In $ for each share of the first inventory, additive; its sum is minus the risk-adjusted cost:
    - `execution`: what the sale loses to half-spread and temporary impact.
    - `price`: what the shares still held lose by the mid's change in this step. With `reward="expected"`
      (default) only by the seller's own permanent impact; the random part, whose mean is 0 for every policy,
      is left out. `reward="realised"` has it in.
    - `risk`: −λσ²τx² for the shares x still held, by the first inventory.

    ## Optimum
    U = E + λV = 1.2754 $ a share with the defaults; selling evenly costs 1.7455. With this reward the best
    share to sell depends on the step only, so the paper's schedule is optimal among all policies, those that
    look at the price included (`envs.trading.oracles.almgren_chriss`). With `u_shape` the optimum comes from
    the same backward induction.

    ## Episodes
    `steps` decisions, then terminated: the deadline is part of the problem.

    ## Metrics
    `shortfall` ($ a share, realised, against the first mid), `risk_penalty` ($ a share), `final_price`
    (change, $).

    ## Baselines
    `twap`, `vwap` (with `u_shape`), `almgren_chriss` (the optimum).

    Args:
        render_mode: "rgb_array", "human" or None.
        shares: X, to be sold.
        horizon_days: T.
        steps: N, decisions in T.
        volatility: σ, $ a share and √day.
        temporary_impact: η, $ a share for each share a day, at mean liquidity.
        permanent_impact: γ, $ a share for each share.
        half_spread: ε, $ a share.
        risk_aversion: λ, 1/$.
        u_shape: u in [0, 0.45]: the first and the last step have 1 + u times the mean liquidity, by which η
        is
            divided, and those between less, along a parabola. 0: the paper's.
        reward: "expected" or "realised".
        split: "train" or "test".

    Raises:
        ValueError: for a wrong argument: its value, what is allowed, and the nearest name.

    Source: Almgren & Chriss 2000, "Optimal execution of portfolio transactions".
    """

    def __init__(self, render_mode: str | None = None, **options: Unpack[ExecutionOptions]) -> None:
        super().__init__(execution_setup(**options), render_mode)


class ExecutionVectorEnv(LaneVectorEnv):
    """A batch of `ExecutionEnv`, stepped on all cores; the same arguments."""

    def __init__(
        self, num_envs: int = 1, render_mode: str | None = None, **options: Unpack[ExecutionOptions]
    ) -> None:
        super().__init__(execution_setup(**options), num_envs, render_mode)
