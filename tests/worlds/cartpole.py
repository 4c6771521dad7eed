"""CartPole as a kernel: the world of the tutorial docs/add_a_world.md, which includes this file in sections.

Source of the dynamics: Barto, Sutton & Anderson 1983, "Neuronlike adaptive elements that can solve difficult
learning control problems", as in Gymnasium's CartPole-v1.
"""

# --8<-- [start:state]
import math
from dataclasses import dataclass
from typing import NamedTuple

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Discrete

from quadrivium.envs.core.lane import LANE_HEADER, World, lane
from quadrivium.envs.core.options import Options, integer, params_of
from quadrivium.envs.core.rng import uniform_range
from quadrivium.envs.core.setup import Batch, Setup
from quadrivium.envs.core.world_env import WorldEnv, WorldVectorEnv

# Gymnasium's CartPole computes in float64, and so does this one, to follow it step by step. A world of your
# own is faster in float32: see the trap at the end of the tutorial.
STATE = np.dtype(
    [
        *LANE_HEADER,
        ("x", "f8"),  # m, the cart's place on the track
        ("x_dot", "f8"),  # m/s
        ("theta", "f8"),  # rad, the pole's angle from upright
        ("theta_dot", "f8"),  # rad/s
        ("step", "i4"),  # steps taken in this episode
    ],
    align=True,
)
# --8<-- [end:state]


# --8<-- [start:params]
GRAVITY = 9.8  # m/s²
CART_MASS = 1.0  # kg
POLE_MASS = 0.1  # kg
TOTAL_MASS = POLE_MASS + CART_MASS
HALF_POLE = 0.5  # m
POLE_MASS_LENGTH = POLE_MASS * HALF_POLE
FORCE_N = 10.0
TAU_S = 0.02
X_LIMIT_M = 2.4
THETA_LIMIT_RAD = 12 * 2 * math.pi / 360


class Params(NamedTuple):
    """What may differ between two CartPoles."""

    split: int  # 0 training, 1 test scenarios
    max_steps: int


# --8<-- [end:params]


# --8<-- [start:rules]
@lane
def reset_one(s, p):
    """Begins an episode with all four numbers in [−0.05, 0.05)."""
    s.x = uniform_range(s, -0.05, 0.05)
    s.x_dot = uniform_range(s, -0.05, 0.05)
    s.theta = uniform_range(s, -0.05, 0.05)
    s.theta_dot = uniform_range(s, -0.05, 0.05)
    s.step = 0


@lane
def accelerations(theta, theta_dot, force):
    """Returns the cart's acceleration (m/s²) and the pole's angular acceleration (rad/s²)."""
    sin, cos = math.sin(theta), math.cos(theta)
    temp = (force + POLE_MASS_LENGTH * (theta_dot * theta_dot) * sin) / TOTAL_MASS
    theta_acc = (GRAVITY * sin - cos * temp) / (
        HALF_POLE * (4.0 / 3.0 - POLE_MASS * (cos * cos) / TOTAL_MASS)
    )
    return temp - POLE_MASS_LENGTH * theta_acc * cos / TOTAL_MASS, theta_acc


@lane
def step_one(s, action, p, terms):
    """Pushes the cart left (0) or right (1) for 20 ms; a step is worth 1 point."""
    force = FORCE_N if action[0] == 1 else -FORCE_N
    x_acc, theta_acc = accelerations(s.theta, s.theta_dot, force)
    s.x += TAU_S * s.x_dot
    s.x_dot += TAU_S * x_acc
    s.theta += TAU_S * s.theta_dot
    s.theta_dot += TAU_S * theta_acc
    s.step += 1
    terms[0] = 1.0
    fallen = abs(s.x) > X_LIMIT_M or abs(s.theta) > THETA_LIMIT_RAD
    return fallen, s.step >= p.max_steps


@lane
def observe_one(s, p, out):
    """Writes the four numbers."""
    out[0] = s.x
    out[1] = s.x_dot
    out[2] = s.theta
    out[3] = s.theta_dot


@lane
def metrics_one(s, p, out):
    """Writes how far from the middle the episode ended, in metres."""
    out[0] = abs(s.x)


WORLD = World(
    name="cartpole",
    params=Params,
    reset=reset_one,
    step=step_one,
    observe=observe_one,
    metrics=metrics_one,
    reward_terms=("upright",),
    metric_names=("distance_m",),
    action_dtype=np.int32,
)
# --8<-- [end:rules]


# --8<-- [start:shell]
def lean(env: Batch) -> np.ndarray:
    """Pushes to the side to which the pole is falling."""
    return (env.states["theta"] + env.states["theta_dot"] > 0).astype(np.int64)


@dataclass(frozen=True, kw_only=True)
class CartPoleOptions(Options):
    """The arguments; `split` is every world's."""

    max_steps: int = integer(500, 1, 1_000_000)
    """of an episode"""


def setup_of(options: CartPoleOptions) -> Setup:
    """Chooses the parameters, which have the options' names here, and the spaces."""
    high = np.array([2 * X_LIMIT_M, np.inf, 2 * THETA_LIMIT_RAD, np.inf], np.float32)
    return Setup(
        world=WORLD,
        params=params_of(Params, options),
        state_dtype=STATE,
        observation_space=Box(-high, high),
        action_space=Discrete(2),
        baselines={"lean": lean},
        columns={"observation": ("place, m", "speed, m/s", "angle, rad", "its change, rad/s")},
    )


class CartPoleEnv(WorldEnv):
    """One CartPole."""

    options, setup_of = CartPoleOptions, staticmethod(setup_of)


class CartPoleVectorEnv(WorldVectorEnv):
    """Many CartPoles."""

    single = CartPoleEnv


def register() -> None:
    """Makes the world known to Gymnasium."""
    gymnasium.register(
        "tutorial/CartPole-v0",
        entry_point="tests.worlds.cartpole:CartPoleEnv",
        vector_entry_point="tests.worlds.cartpole:CartPoleVectorEnv",
    )


# --8<-- [end:shell]


def setup(split: str, max_steps: int) -> Setup:
    """Returns the world with its parameters chosen, for tests that need no environment."""
    return setup_of(CartPoleOptions.of({"split": split, "max_steps": max_steps}))
