"""The SignChain environment: its arguments, spaces and documentation page; the rules are in `kernel`."""

from dataclasses import dataclass

import numpy as np
from gymnasium.spaces import Box, Discrete

from quadrivium.envs.core.lane import World
from quadrivium.envs.core.options import Options, integer, number, params_of
from quadrivium.envs.core.setup import Setup, drawn_by
from quadrivium.envs.core.world_env import WorldEnv, WorldVectorEnv
from quadrivium.envs.trading.sign_chain import kernel
from quadrivium.envs.trading.sign_chain.baselines import BASELINES
from quadrivium.envs.trading.sign_chain.kernel import SignChainParams

WORLD = World.of(kernel, "sign_chain", SignChainParams, action_dtype=np.int32)


@dataclass(frozen=True, kw_only=True)
class SignChainOptions(Options):
    """The arguments of the SignChain environments."""

    persistence: float = number(0.7, 0, 1)
    """p, the probability that the next sign is the last one's"""
    volatility_pct: float = number(1.0, 0, 100, above=True)
    """σ, per cent"""
    fee_bps: float = number(10.0, 0, 10_000)
    """c, basis points of a unit of turnover"""
    max_steps: int = integer(128, 1, 100_000)
    """of an episode"""


def sign_chain_setup(options: SignChainOptions) -> Setup:
    """Returns the SignChain world with its parameters chosen."""
    params = params_of(SignChainParams, options, fee_pct=options.fee_bps / 100.0)
    return Setup(
        world=WORLD,
        params=params,
        state_dtype=kernel.STATE,
        observation_space=Box(-1.0, 1.0, (3,), np.float32),
        action_space=Discrete(3),
        renderer=drawn_by("quadrivium.envs.trading.sign_chain.render:SignChainRenderer", params),
        baselines=BASELINES,
        columns={"observation": ("sign of the last return", "position", "share of the steps that is left")},
    )


class SignChainEnv(WorldEnv):
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
    episode, with its first and last steps, is the baseline `optimal`
    (`quadrivium.envs.trading.oracles.sign_chain`).

    ## Episodes
    Begin with either sign, without a position; truncated after `max_steps`. The last position is not closed,
    so nothing is paid for that.

    ## Metrics
    `gain_per_step` (per cent), `turnover` (units).

    ## Baselines
    `cash`, `follow`, `optimal`.
    """

    options, setup_of = SignChainOptions, staticmethod(sign_chain_setup)


class SignChainVectorEnv(WorldVectorEnv):
    """A batch of `SignChainEnv`, stepped on all cores; the same arguments."""

    single = SignChainEnv
