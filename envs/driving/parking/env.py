"""The Parking environment: its arguments, spaces and documentation page; the rules are in `kernel`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from gymnasium.spaces import Box, Dict

from quadrivium.envs.core.lane import World
from quadrivium.envs.core.options import Options, integer, number, params_of
from quadrivium.envs.core.setup import Setup, drawn_by, numbered
from quadrivium.envs.core.validation import steps_of
from quadrivium.envs.core.world_env import WorldEnv, WorldVectorEnv
from quadrivium.envs.driving.frames import require_whole_frames
from quadrivium.envs.driving.parking import kernel, lot
from quadrivium.envs.driving.parking.baselines import BASELINES
from quadrivium.envs.driving.parking.state import BAYS, ParkingParams, ranges_of, state_dtype

WORLD = World.of(kernel, "parking", ParkingParams, ranges=ranges_of)
WEIGHTS = {
    "safe": {"progress": 4.0, "time": -0.02, "collision": -5.0, "arrival": 1.0},
    "classic": {"distance": -1.0, "collision": -5.0},
}


@dataclass(frozen=True, kw_only=True)
class ParkingOptions(Options):
    """The arguments of the Parking environments; `of` fills in what a preset says of those not given."""

    PRESETS: ClassVar = {
        "safe": {},
        "parking": {"reward": "classic"},
        "parking-parked": {"reward": "classic", "parked": 10},
        "parking-action-repeat": {"reward": "classic", "decision_frequency": 1, "duration": 20},
    }

    preset: Literal["safe", "parking", "parking-parked", "parking-action-repeat"] = "safe"
    """"safe", or a conventional environment: "parking", "parking-parked" (ten others stand in the lot),
    "parking-action-repeat" (a decision a second, 20 s); the arguments below override it"""
    parked: int = integer(0, 0, BAYS - 2)
    """other cars, each in a bay"""
    walls: bool = True
    """around the lot"""
    either_way: bool = False
    """whether the nose may point to the aisle, with `reward="safe"`"""
    duration: float = number(100, 0, 10_000, above=True)
    """s"""
    simulation_frequency: int = integer(15, 1, 120)
    """frames a second, a multiple of `decision_frequency`"""
    decision_frequency: int = integer(5, 1, 120)
    """decisions a second"""
    beams: int = integer(0, 0, 1024)
    """of a lidar; without one, parked cars are not seen"""
    lidar_range: float = number(30.0, 0, 1000, above=True)
    """m"""
    reward: Literal["safe", "classic"] = "safe"
    """the kind of reward"""

    def check(self) -> None:
        """A decision holds for a whole number of frames."""
        require_whole_frames(self.simulation_frequency, self.decision_frequency)


def parking_setup(options: ParkingOptions) -> Setup:
    """Returns the Parking world with its parameters chosen."""
    simulation, decision = options.simulation_frequency, options.decision_frequency
    weights = WEIGHTS[options.reward]
    params = params_of(
        ParkingParams,
        options,
        bays=lot.bays(),
        walls=lot.walls(options.walls),
        frames=simulation // decision,
        dt=1.0 / simulation,
        max_steps=steps_of(options.duration * decision),
        safe=options.reward == "safe",
        weights=np.array([weights.get(term, 0.0) for term in kernel.REWARD_TERMS], np.float32),
    )
    goal = Box(-np.inf, np.inf, (kernel.GOAL,), np.float32)
    bound = np.full(kernel.GOAL + options.beams, np.inf, np.float32)
    low = -bound
    low[kernel.GOAL :], bound[kernel.GOAL :] = 0.0, 1.0
    seen = (
        *kernel.GOAL_COLUMNS,
        *numbered("distance of beam {}, clockwise from the nose, by the lidar's range", options.beams),
    )
    return Setup(
        world=WORLD,
        params=params,
        state_dtype=state_dtype(options.parked),
        observation_space=Dict(
            {"achieved_goal": goal, "desired_goal": goal, "observation": Box(low, bound, dtype=np.float32)}
        ),
        action_space=Box(-1.0, 1.0, (2,), np.float32),
        renderer=drawn_by("quadrivium.envs.driving.parking.render:ParkingRenderer", params),
        render_fps=decision,
        baselines=BASELINES,
        columns={
            "achieved_goal": kernel.GOAL_COLUMNS,
            "desired_goal": kernel.GOAL_COLUMNS,
            "observation": seen,
        },
        shown={"is_success": _arrived, "achieved_before": _before},
    )


def _arrived(states: np.ndarray) -> np.ndarray:
    return (states["arrived"] != 0) & (states["crashed"][:, 0] == 0)


def _before(states: np.ndarray) -> np.ndarray:
    return states["before"]


class ParkingEnv(WorldEnv):
    """A parking lot with 28 bays: drive into the one that is asked for, touch nothing, and stand.

    Goal-conditioned, in the form that hindsight experience replay (HER) needs: observations tell the goal
    that is achieved from the one that is desired, `compute_reward` pays for any pair of them, and
    `compute_terminated` says whether it ends the episode.

    ## Actions
    Box(−1, 1, (2,)): acceleration, by 5 m/s², and front-wheel angle, by π/4 to the right; both are held until
    the next decision. The car is a kinematic bicycle, 5 m long and 2 m wide, and drives backwards too.

    ## Observations
    A Dict. `achieved_goal` (6,): the ego's x and y by 100 m, its velocity along both by 5
    m/s, cosine and sine of its heading; `desired_goal` (6,): the same of a car that stands in the middle of
    the bay, its nose away from the aisle; `observation` (6 + `beams`,): `achieved_goal`, then the distances
    of the lidar's beams, clockwise from straight ahead, to the nearest car or wall by `lidar_range` (1:
    nothing).

    ## Reward
    `reward="safe"` (default) has one optimum, to stand in the bay soon and touch nothing:

    - `progress`: 4 times by how much the two goals came nearer to each other in this decision. Their distance
      is the root of the weighted sum (1, 0.3, 0, 0, 0.02, 0.02) of their differences, at most about 0.8: a
      way there and back pays nothing.
    - `time`: −0.02 a second.
    - `arrival`: +1, once; the episode ends. The whole car is between the lines of its bay, slower than 1 m/s,
      its nose away from the aisle (or anywhere, with `either_way`).
    - `collision`: −5, once; the episode ends. No way to lose time costs as much.

    `reward="classic"` is the conventional one: minus that distance a decision, −5 for a crash; the episode
    ends at a distance below 0.12, however fast. It makes a crash cheaper than a slow way.

    ## Episodes
    The ego begins in the middle of the aisle, standing, its heading drawn. Its bay is drawn from
    all but the one at which it begins, and so are those of `parked` others. Terminated by a crash or by
    arrival, truncated after `duration` seconds.

    ## Metrics
    At the end of an episode: `arrival`, `collision`; `distance` (m, driven); `turns` (changes of direction);
    `comfort` (share of frames within nuPlan's bounds, as in `Highway-v0`); `length` (decisions). `info` says
    `is_success` at every step.

    ## Baselines
    `idle`, `random`; `parker`, which plans with Reeds-Shepp's curves and knows where all others stand.

    Sources: lot, car and conventional reward after highway-env 1.12.1 (Leurent 2018); Reeds and Shepp 1990.
    """

    options, setup_of = ParkingOptions, staticmethod(parking_setup)

    def compute_reward(
        self, achieved_goal: np.ndarray, desired_goal: np.ndarray, info: Mapping[str, Any] | Sequence[Any]
    ) -> Any:
        """Returns what a step pays that ends with one goal while another one is desired, float32.

        Args:
            achieved_goal: (6,), or (B, 6).
            desired_goal: likewise.
            info: of that step, or B of them: whether the ego crashed, and where it was before. Without that
                nothing is paid for progress (SB3's replay hands it on with `copy_info_dict=True`).
        """
        p: ParkingParams = self.setup.params
        infos, shape = [info] if isinstance(info, Mapping) else info, np.shape(achieved_goal)
        crashed = _crashed(infos, shape[:-1])
        rows = np.asarray(achieved_goal).reshape(-1, kernel.GOAL)
        before = np.array([one.get("achieved_before", row) for one, row in zip(infos, rows, strict=True)])
        distance = lot.apart(achieved_goal, desired_goal)
        progress = lot.apart(before.reshape(shape), desired_goal) - distance
        there = lot.within_bay(achieved_goal, desired_goal, bool(p.either_way)) & ~crashed
        # float32 throughout, in the kernel's order: the step's own reward to the last bit
        weigh = dict(zip(kernel.REWARD_TERMS, p.weights, strict=True))
        paid = weigh["distance"] * distance + weigh["progress"] * progress
        paid = paid + weigh["time"] * np.float32(p.frames) * np.float32(p.dt)
        paid = paid + weigh["collision"] * crashed.astype(np.float32)
        paid = paid + weigh["arrival"] * there.astype(np.float32)
        return np.asarray(paid, np.float32)[()]

    def compute_terminated(
        self, achieved_goal: np.ndarray, desired_goal: np.ndarray, info: Mapping[str, Any] | Sequence[Any]
    ) -> Any:
        """Returns whether a step ends the episode that ends with one goal while another one is desired, bool:
        by a crash or by arrival.

        Args:
            achieved_goal: (6,), or (B, 6).
            desired_goal: likewise.
            info: of that step, or B of them: whether the ego crashed.
        """
        p: ParkingParams = self.setup.params
        crashed = _crashed([info] if isinstance(info, Mapping) else info, np.shape(achieved_goal)[:-1])
        if p.safe:
            there = lot.within_bay(achieved_goal, desired_goal, bool(p.either_way))
        else:
            there = lot.apart(achieved_goal, desired_goal) < np.float32(lot.NEAR)
        return (crashed | there)[()]


def _crashed(infos: Sequence[Mapping[str, Any]], shape: tuple[int, ...]) -> np.ndarray:
    """Returns (shape) bool: whether the steps of these infos ended in a crash."""
    return np.array([one.get("metrics", {}).get("collision", 0.0) > 0 for one in infos]).reshape(shape)


class ParkingVectorEnv(WorldVectorEnv):
    """A batch of `ParkingEnv`, stepped on all cores; the same arguments, `compute_reward` and
    `compute_terminated`.
    """

    single = ParkingEnv
    compute_reward, compute_terminated = ParkingEnv.compute_reward, ParkingEnv.compute_terminated
