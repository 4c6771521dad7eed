"""Two runners on a line, each on the way to a goal of its own: a world in which agents act at once."""

from typing import NamedTuple

import numpy as np
from gymnasium.spaces import Box, Dict, Discrete

from quadrivium.envs.core.gym_env import LaneVectorEnv
from quadrivium.envs.core.lane import LANE_HEADER, World, lane
from quadrivium.envs.core.parallel_env import ParallelLaneEnv
from quadrivium.envs.core.rng import integer
from quadrivium.envs.core.setup import Setup
from quadrivium.envs.core.validation import require_choice

AGENTS = ("left", "right")
LENGTH = 8  # cells
STATE = np.dtype(
    [
        *LANE_HEADER,
        ("x", "i4", (2,)),  # cell of each runner
        ("goal", "i4", (2,)),  # cell, another one than that of its runner at first
        ("running", "i1", (2,)),  # 0 once it stands on its goal
        ("steps", "i4", (2,)),  # that it took
        ("step", "i4"),
    ],
    align=True,
)
MAX_STEPS = 12


class LineParams(NamedTuple):
    """Of the world in which runners may press on against the wall."""

    split: int


class WalledLineParams(NamedTuple):
    """Of the world in which that is illegal."""

    split: int


@lane
def reset_one(s, p):
    """Begins an episode."""
    x, goal, running, steps = s.x, s.goal, s.running, s.steps
    for i in range(2):
        x[i] = integer(s, LENGTH)
        goal[i] = (x[i] + 1 + integer(s, LENGTH - 1)) % LENGTH
        running[i] = 1
        steps[i] = 0
    s.step = 0


@lane
def step_one(s, action, p, terms):
    """Moves both runners by −1, 0 or 1, then looks who stands where."""
    x, goal, running, steps = s.x, s.goal, s.running, s.steps
    s.step += 1
    for i in range(2):
        terms[3 * i] = 0.0
        terms[3 * i + 1] = 0.0
        terms[3 * i + 2] = 0.0
        if running[i] != 0:
            before = abs(goal[i] - x[i])
            x[i] = min(max(x[i] + int(action[i]) - 1, 0), LENGTH - 1)
            terms[3 * i] = 0.25 * (before - abs(goal[i] - x[i]))
            steps[i] += 1
    bump = running[0] != 0 and running[1] != 0 and x[0] == x[1]
    for i in range(2):
        if bump:
            terms[3 * i + 1] = -0.5
        if running[i] != 0 and x[i] == goal[i]:
            terms[3 * i + 2] = 1.0
            running[i] = 0
    return running[0] == 0 and running[1] == 0, s.step >= MAX_STEPS


@lane
def observe_one(s, p, out):
    """Writes for each runner its cell, goal and share of time gone, then the other's presence and cell."""
    for i in range(2):
        out[5 * i] = s.x[i] / LENGTH
        out[5 * i + 1] = s.goal[i] / LENGTH
        out[5 * i + 2] = s.step / MAX_STEPS
        out[5 * i + 3] = s.running[1 - i]
        out[5 * i + 4] = s.x[1 - i] / LENGTH


@lane
def metrics_one(s, p, out):
    """Writes for each runner whether it has arrived, and its steps."""
    for i in range(2):
        out[2 * i] = 1.0 - s.running[i]
        out[2 * i + 1] = s.steps[i]


@lane
def legal_one(s, p, mask):
    """Bars the way into the wall."""
    for i in range(2):
        mask[3 * i] = s.x[i] > 0
        mask[3 * i + 1] = 1
        mask[3 * i + 2] = s.x[i] < LENGTH - 1


ROLES = {"reset": reset_one, "step": step_one, "observe": observe_one, "metrics": metrics_one}
NAMES = {
    "reward_terms": ("progress", "bump", "arrival"),
    "metric_names": ("arrived", "steps"),
    "action_dtype": np.int32,
}
WORLD = World(name="line", params=LineParams, **ROLES, **NAMES)
WALLED_WORLD = World(name="walled_line", params=WalledLineParams, legal=legal_one, **ROLES, **NAMES)


class LineRenderer:
    """Draws the cells, with one colour a runner."""

    def draw(self, row):
        """Returns (8, 8 * LENGTH, 3) uint8."""
        frame = np.full((8, 8 * LENGTH, 3), 40, np.uint8)
        for i in range(2):
            frame[2:6, 8 * row["x"][i] + 2 : 8 * row["x"][i] + 6, i] = 255
        return frame

    def frames_between(self, before, after, count):
        """Returns the last picture only."""
        return [self.draw(after)]

    def show(self, row):
        """Shows nothing."""

    def close(self):
        """Has nothing to close."""


def heading(env: LaneVectorEnv) -> np.ndarray:
    """Runs straight to the goal: (N * 2,), agent after agent."""
    return (np.sign(env.states["goal"] - env.states["x"]) + 1).reshape(-1).astype(np.int64)


def text(row: np.void) -> str:
    """Writes where the agents are and where they are to go."""
    return f"{row['x']} to {row['goal']}"


def setup(split: str = "train", walls: bool = False, leave: bool = False) -> Setup:
    """Returns the world; leave: whether a runner on its goal is out, or stands there until the end."""
    number = ("train", "test").index(require_choice("split", split, ("train", "test")))
    return Setup(
        WALLED_WORLD if walls else WORLD,
        WalledLineParams(number) if walls else LineParams(number),
        STATE,
        Dict([("own", Box(0, 1, (3,))), ("others", Box(0, 1, (1, 2)))]),
        Discrete(3),
        renderer=LineRenderer,
        text=text,
        baselines={"heading": heading},
        agents=AGENTS,
        active="running" if leave else None,
    )


class LineVectorEnv(LaneVectorEnv):
    """The runners of many lines."""

    def __init__(self, num_envs: int = 2, render_mode: str | None = None, **options) -> None:
        super().__init__(setup(**options), num_envs, render_mode)


def parallel_env(render_mode: str | None = None, **options) -> ParallelLaneEnv:
    """Returns one line with its two runners."""
    return ParallelLaneEnv(setup(**options), "line_v0", render_mode)
