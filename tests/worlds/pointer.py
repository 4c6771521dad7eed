"""A world whose observation is a Dict: signs as tokens, and a vector that says which of them to read."""

from typing import NamedTuple

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Dict, Discrete

from quadrivium.envs.core.gym_env import LaneEnv, LaneVectorEnv
from quadrivium.envs.core.lane import LANE_HEADER, World, lane
from quadrivium.envs.core.rng import integer
from quadrivium.envs.core.setup import Setup
from quadrivium.envs.core.validation import require_choice, require_number

SIGNS = 3
STATE = np.dtype(
    [
        *LANE_HEADER,
        ("sign", "i1", (SIGNS,)),  # 0 or 1, the action that is right where the pointer shows
        ("pointer", "i4"),  # which sign counts
        ("barred", "i4"),  # an action that is illegal in the masked world, never the right one; 2 none
        ("step", "i4"),
    ],
    align=True,
)


class PointerParams(NamedTuple):
    """Of the world in which every action is legal."""

    split: int
    max_steps: int


class MaskedPointerParams(NamedTuple):
    """Of the world in which the wrong action is illegal half of the time."""

    split: int
    max_steps: int


@lane
def draw(s):
    """Draws new signs and a new pointer."""
    sign = s.sign
    for i in range(SIGNS):
        sign[i] = integer(s, 2)
    s.pointer = integer(s, SIGNS)
    s.barred = 1 - sign[s.pointer] if integer(s, 2) == 0 else 2


@lane
def reset_one(s, p):
    """Begins an episode."""
    s.step = 0
    draw(s)


@lane
def step_one(s, action, p, terms):
    """Pays 1 for naming the sign that the pointer shows; an episode terminates with chance 1/16 a step."""
    terms[0] = 1.0 if action[0] == s.sign[s.pointer] else 0.0
    terms[1] = -0.25 if action[0] == 1 else 0.0
    s.step += 1
    draw(s)
    return integer(s, 16) == 0, s.step >= p.max_steps


@lane
def observe_one(s, p, out):
    """Writes the signs, (presence, ±1) each, then the pointer as a one-hot vector and the time gone."""
    for i in range(SIGNS):
        out[2 * i] = 1.0
        out[2 * i + 1] = 2.0 * s.sign[i] - 1.0
        out[2 * SIGNS + i] = 1.0 if s.pointer == i else 0.0
    out[3 * SIGNS] = s.step / p.max_steps


@lane
def metrics_one(s, p, out):
    """Writes the length."""
    out[0] = s.step


@lane
def legal_one(s, p, mask):
    """Writes which of the two actions are legal."""
    for a in range(2):
        mask[a] = a != s.barred


ROLES = {"reset": reset_one, "step": step_one, "observe": observe_one, "metrics": metrics_one}
NAMES = {"reward_terms": ("right", "effort"), "metric_names": ("steps",), "action_dtype": np.int32}
WORLD = World(name="pointer", params=PointerParams, **ROLES, **NAMES)
MASKED_WORLD = World(name="masked_pointer", params=MaskedPointerParams, legal=legal_one, **ROLES, **NAMES)

# Pairs, because Gymnasium would sort the keys of a plain dict: the row begins with the signs.
PARTS = [("signs", Box(-1, 1, (SIGNS, 2))), ("pointer", Box(0, 1, (SIGNS + 1,)))]


class PointerRenderer:
    """Draws the signs as a row of squares, that of the pointer brighter."""

    def draw(self, row):
        """Returns (16, 16 * SIGNS, 3) uint8."""
        frame = np.zeros((16, 16 * SIGNS, 3), np.uint8)
        for i in range(SIGNS):
            frame[4:12, 16 * i + 4 : 16 * i + 12, row["sign"][i]] = 255 if row["pointer"] == i else 120
        return frame

    def frames_between(self, before, after, count):
        """Returns the last picture only."""
        return [self.draw(after)]

    def show(self, row):
        """Shows nothing."""

    def close(self):
        """Has nothing to close."""


def setup(split: str = "train", max_steps: int = 8, masked: bool = False) -> Setup:
    """Returns the world, with or without illegal actions."""
    number = ("train", "test").index(require_choice("split", split, ("train", "test")))
    steps = int(require_number("max_steps", max_steps, 1, 1000, integer=True))
    world, params = (MASKED_WORLD, MaskedPointerParams) if masked else (WORLD, PointerParams)
    return Setup(world, params(number, steps), STATE, Dict(PARTS), Discrete(2), renderer=PointerRenderer)


class PointerEnv(LaneEnv):
    """One of them."""

    def __init__(self, render_mode: str | None = None, **options) -> None:
        super().__init__(setup(**options), render_mode)


class PointerVectorEnv(LaneVectorEnv):
    """Many of them."""

    def __init__(self, num_envs: int = 1, render_mode: str | None = None, **options) -> None:
        super().__init__(setup(**options), num_envs, render_mode)


def register() -> None:
    """Makes the world known to Gymnasium."""
    if "tests/Pointer-v0" not in gymnasium.registry:
        gymnasium.register(
            "tests/Pointer-v0",
            entry_point="tests.worlds.pointer:PointerEnv",
            vector_entry_point="tests.worlds.pointer:PointerVectorEnv",
        )
