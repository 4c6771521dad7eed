"""The Highway environment: its arguments, spaces and documentation page; the rules are in `kernel`."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from gymnasium.spaces import Box, Discrete

from quadrivium.envs.core.lane import World
from quadrivium.envs.core.options import integer, number, params_of
from quadrivium.envs.core.setup import Setup, drawn_by, numbered
from quadrivium.envs.core.validation import steps_of
from quadrivium.envs.core.world_env import WorldEnv, WorldVectorEnv
from quadrivium.envs.driving.frames import think_frames
from quadrivium.envs.driving.highway import kernel, observations
from quadrivium.envs.driving.highway.baselines import BASELINES
from quadrivium.envs.driving.highway.state import (
    MAX_LANES,
    HighwayParams,
    is_consistent,
    ranges_of,
    state_dtype,
)
from quadrivium.envs.driving.options import SAFE_WEIGHTS, DrivingOptions, rows_of_cars

WORLD = World.of(
    kernel,
    "highway",
    HighwayParams,
    observe=observations.observe_one,
    ranges=ranges_of,
    consistent=is_consistent,
)

TARGET_SPEEDS = (20.0, 25.0, 30.0)  # m/s
WEIGHTS = {
    "safe": {"speed": 0.1, **SAFE_WEIGHTS},
    "classic": {"speed": 0.4, "right_lane": 0.1, "collision": -1.0},
}


@dataclass(frozen=True, kw_only=True)
class HighwayOptions(DrivingOptions):
    """The arguments of the Highway environments; `of` fills in what a preset says of those not given."""

    PRESETS: ClassVar = {
        "highway-fast": {},  # the defaults
        "highway": {
            "lanes": 4,
            "vehicles": 50,
            "duration": 40,
            "simulation_frequency": 15,
            "ego_spacing": 2.0,
            "collisions": "all",
        },
    }

    preset: Literal["highway-fast", "highway"] = "highway-fast"
    """"highway-fast" (3 lanes, 20 cars, 30 s, 5 Hz, ego spacing 1.5, collisions of the ego only) or "highway"
    (4 lanes, 50 cars, 40 s, 15 Hz, ego spacing 2, all collisions); the arguments below override it"""
    lanes: int = integer(3, 1, MAX_LANES)
    """of the road"""
    vehicles: int = integer(20, 0, 500)
    """traffic cars"""
    duration: float = number(30, 0, 10_000, above=True)
    """s"""
    simulation_frequency: int = integer(5, 1, 120)
    """frames a second, a multiple of `decision_frequency`"""
    ego_spacing: float = number(1.5, 0, 100, above=True)
    """distance from the ego to the first car, in units of the usual distance"""
    density: float = number(1.0, 0, 10, above=True)
    """of the traffic; 1 is usual"""
    collisions: Literal["ego", "all"] = "ego"
    """whose: of the ego only, or of traffic cars with one another too"""
    observation: Literal["kinematics", "lidar", "grid"] = "kinematics"
    """what is seen"""
    beams: int = integer(32, 4, 1024)
    """of the lidar"""
    lidar_range: float = number(100.0, 0, 1000, above=True)
    """m"""
    grid_rows: int = integer(16, 4, 256)
    """cells across the road"""
    grid_columns: int = integer(64, 4, 256)
    """cells along the road"""


def highway_setup(options: HighwayOptions) -> Setup:
    """Returns the Highway world with its parameters chosen."""
    simulation, decision = options.simulation_frequency, options.decision_frequency
    rows, columns, shape, seen = _observation(options)
    speeds, weights = options.speeds(TARGET_SPEEDS), options.weights(WEIGHTS[options.reward])
    conventional = (TARGET_SPEEDS[0], TARGET_SPEEDS[-1])
    low, high = options.paid_speeds((speeds[0], speeds[-1]) if options.reward == "safe" else conventional)
    params = params_of(
        HighwayParams,
        options,
        frames=simulation // decision,
        dt=1.0 / simulation,
        max_steps=steps_of(options.duration * decision),
        think_frames=think_frames(1.0 / simulation),
        cautious=options.traffic == "cautious",
        all_collide=options.collisions == "all",
        continuous=options.actions == "continuous",
        safe=options.reward == "safe",
        obs_rows=rows,
        obs_columns=columns,
        obs_range=options.lidar_range,
        target_speeds=speeds,
        weights=np.array([weights.get(term, 0.0) for term in kernel.REWARD_TERMS], np.float32),
        paid_low=low,
        paid_high=high,
    )
    return Setup(
        world=WORLD,
        params=params,
        state_dtype=state_dtype(options.vehicles),
        observation_space=Box(-1.0, 1.0, shape, np.float32),
        action_space=Box(-1.0, 1.0, (2,), np.float32) if params.continuous else Discrete(5),
        renderer=drawn_by("quadrivium.envs.driving.highway.render:HighwayRenderer", params),
        render_fps=decision,
        baselines=BASELINES,
        columns={"observation": seen},
        tokens={"observation": rows_of_cars(rows)} if options.observation == "kinematics" else {},
    )


def _observation(options: HighwayOptions) -> tuple[int, int, tuple[int, ...], tuple[str, ...]]:
    """Returns the kernel's two sizes of the observation, the space's shape, and what its columns are."""
    if options.observation == "kinematics":
        rows, seen = options.observed_vehicles, observations.KINEMATICS_COLUMNS
        return rows, len(seen), (rows, len(seen)), seen
    if options.observation == "lidar":
        beams = options.beams
        seen = (
            *observations.OWN_COLUMNS,
            *numbered("distance of beam {}, by the lidar's range", beams),
            *numbered("radial speed of beam {}, by 80 m/s", beams),
        )
        return beams, 2, (len(seen),), seen
    rows, columns, seen = options.grid_rows, options.grid_columns, observations.GRID_CHANNELS
    return rows, columns, (len(seen), rows, columns), seen


class HighwayEnv(WorldEnv):
    """A straight road of parallel lanes with traffic, and one car that is to be fast without a crash.

    The presets `highway-fast` (default) and `highway` are the settings of the conventional environments of
    those names: the same traffic models, observation, actions, spawn, episode length, and with
    `reward="classic"` the same reward, step by step (tests/envs/driving/test_highway_oracle.py follows
    one).

    ## Actions
    `actions="meta"` (default), Discrete(5): 0 lane left, 1 idle, 2 lane right, 3 faster, 4 slower. A lane
    action moves the target lane by one; faster and slower set the target speed to the next of
    `target_speeds` (20, 25 and 30 m/s) above or below the present speed. Controllers do the rest until the
    next decision.

    `actions="continuous"`, Box(−1, 1, (2,)): acceleration, by 5 m/s², and front-wheel angle, by π/4 to the
    right, both held until the next decision. Other drivers do not know this ego's wishes: they never change
    lane right in front of it, and it signals nothing.

    ## Observations
    - `"kinematics"` (default), tokens (`observed_vehicles`, 5): presence, x, y, vx, vy. The ego first, in
      absolute terms, then the nearest cars relative to it, sorted by distance along the road: those ahead
      and those at most `observed_behind` behind, within `observed_range`. x by that range, y by the road's
      width, velocities by 80 m/s, all clipped to [−1, 1]; rows without a car are 0.
    - `"lidar"`, a vector (4 + 2 `beams`): own speed by 40 m/s, offset in the lane by 2 m, sine of the
      heading, lanes still to go to the target lane; then for each beam, from straight ahead clockwise as
      seen on the road, the distance to the nearest car or road edge by `lidar_range` (1: nothing), then for
      each its radial speed relative to the ego by 80 m/s (negative: coming nearer).
    - `"grid"`, planes (5, `grid_rows`, `grid_columns`) of cells 1 m across × 2 m along the road, the ego in
      the middle row at a quarter of the length: presence of a car, its velocity along and across relative
      to the ego by 80 m/s, road (1) or not (0), and the ego's speed by 40 m/s on the whole plane.

    ## Reward
    `reward="safe"` (default) is meant to have one optimum, fast driving that never crashes, and to show it:

    - `speed`: 0.1 a second at the highest of `target_speeds` or more (or of `reward_speeds`, if given),
      falling linearly to 0 at the least: what counts is the way that is covered in the decision along the
      road, so that turning on the spot earns nothing. Crawling is not paid, so there is no comfortable
      second-best to learn first; it is not fined either, since an agent that loses by living would rather
      crash.
    - `collision`: −5, once: 50 seconds of full speed, more than a whole episode of either preset can pay.
      No gain in speed is worth a crash, at the end of an episode neither, when nothing else is lost by it.
    - `off_road`: −5, once; the episode ends in the frame in which the centre of the car leaves the outermost
      lanes, also where it would be back when the decision ends.
    - `headway`: up to −0.1 a second for following with less than 1 s of net headway or 3 s to collision;
      while changing lane also of the gap left to the car behind. At the bumper it cancels all of `speed`:
      it tells of danger before the crash does, which is rare.
    - `lane_change`: −0.02 for each one begun, a fifth of a second at full speed: weaving does not pay,
      overtaking does.

    `reward="classic"` is the conventional (−crash + 0.4 speed + 0.1 right lane + 1) / 1.5, and 0 off the
    road, as the terms `speed`, `right_lane`, `collision` and `offset`: the weighted sum brought to [0, 1],
    so other `reward_weights` give another scale. It pays 0.67 a step for crawling on the left and 0.33 for a
    full-speed crash; leaving the road does not end the episode. All other terms are 0.

    ## Traffic
    Intelligent Driver Model and MOBIL on kinematic bicycles, with the conventional constants
    (`quadrivium.envs.driving.vehicle`). `traffic="conventional"` is exactly that; in it cars that change into
    one lane from both sides do not see each other and collide, 13 to 26 cars per 1,000 vehicle-hours
    (benchmarks/traffic_safety.py). `traffic="cautious"` (default) differs in three ways: a driver counts
    other traffic that is on its way into the lane which it wants as being there; it does not change where it
    would have to brake harder than 5 m/s² itself; and no car begins less than 16 m behind another: where no
    lane has room it begins farther on. `collisions="ego"` lets traffic cars pass through each other
    (`highway-fast`), `"all"` does not.

    ## Episodes
    The ego begins at 25 m/s behind all others, which begin at 21 to 24 m/s, their desired speeds, in random
    lanes. Terminated by the ego's collision (and off the road, see above), truncated after `duration`
    seconds. `split="test"` draws from scenarios that no training seed can give.

    ## Metrics
    At the end of an episode: `collision`, `at_fault_collision` (not: hit from behind or from the side while
    keeping the lane), `off_road`; `mean_speed` (m/s, along the road), `distance` (m); `min_ttc` (s, to the
    leader, at most 10), `low_ttc_share` (of frames below 0.95 s); `lane_changes`; `comfort` (share of frames
    within nuPlan's bounds: longitudinal acceleration −4.05 … 2.40, lateral 4.89 m/s², jerk 8.37, longitudinal
    jerk 4.13 m/s³, yaw rate 0.95 rad/s, yaw acceleration 1.93 rad/s²); `length` (decisions);
    `traffic_collisions` (traffic cars that hit one another before any accident of the ego's).

    ## Baselines
    `idle`, `random`, `brake`, `idm` (keeps its lane), `idm_mobil`; for both kinds of action.

    Sources: Treiber et al. 2000 (IDM), Kesting et al. 2007 (MOBIL), Polack et al. 2017 (bicycle); behaviour
    of the presets after highway-env 1.12 (Leurent 2018), thresholds after nuPlan (Caesar et al. 2021).
    """

    options, setup_of = HighwayOptions, staticmethod(highway_setup)


class HighwayVectorEnv(WorldVectorEnv):
    """A batch of `HighwayEnv`, stepped on all cores; the same arguments."""

    single = HighwayEnv
