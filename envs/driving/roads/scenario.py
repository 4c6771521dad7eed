"""What makes a scenario: a network, who begins where on it, what is paid, and what an environment takes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from gymnasium.spaces import Box, Discrete

from quadrivium.envs.core.lane import World
from quadrivium.envs.core.options import number, params_of
from quadrivium.envs.core.setup import Setup, drawn_by
from quadrivium.envs.core.validation import steps_of
from quadrivium.envs.core.world_env import WorldEnv
from quadrivium.envs.driving.frames import think_frames
from quadrivium.envs.driving.options import SAFE_WEIGHTS, DrivingOptions
from quadrivium.envs.driving.roads import kernel, observations
from quadrivium.envs.driving.roads.baselines import CONTINUOUS, META
from quadrivium.envs.driving.roads.network import NOWHERE, RoadMap
from quadrivium.envs.driving.roads.state import (
    NORMAL,
    OBSTACLE_DTYPE,
    SPAWN_DTYPE,
    UNIFORM,
    WEIGHTS_DTYPE,
    RewardWeights,
    RoadsParams,
    ranges_of,
    state_dtype,
)

WORLD = World.of(kernel, "roads", RoadsParams, observe=observations.observe_one, ranges=ranges_of)


@dataclass(frozen=True)
class Spawn:
    """How one car begins.

    Attributes:
        lanes: of the network, one of which is drawn; they stand side by side.
        along, speed: m and m/s, each with what it varies by: half the width of a uniform draw, or the
            standard deviation where `normal`.
            No speed: the lane's limit.
        desired: m/s; None: the speed with which it begins.
        destinations: of the network, one of which is drawn.
        varied: the exponent of the driver's model is drawn in [3.5, 4.5), else it is 4.
        keeps: never changes lane by its own wish.
        weighted: lanes are drawn in proportion to their places among `lanes`, the first one never.
        queue: instead of `along`, it begins ahead of all before it, this times the usual distance.
    """

    lanes: tuple[int, ...]
    along: tuple[float, float] = (0.0, 0.0)
    speed: tuple[float, float] = (0.0, 0.0)
    normal: bool = False
    desired: float | None = None
    destinations: tuple[int, ...] = ()
    varied: bool = False
    keeps: bool = False
    weighted: bool = False
    queue: float = 0.0

    def row(self) -> tuple[Any, ...]:
        """Returns it as `SPAWN_DTYPE`."""
        return (
            *(self.lanes[0], len(self.lanes), self.weighted, self.queue),
            *(NORMAL if self.normal else UNIFORM, *self.along, *self.speed, self.desired or 0.0),
            *(self.destinations[0] if self.destinations else NOWHERE, len(self.destinations)),
            *(self.varied, self.keeps),
        )


@dataclass(frozen=True)
class Scenario:
    """A road map and what happens on it, as the conventional environment of its name has it.

    Attributes:
        roads: the network, routes added.
        spawns: of all cars; the first one is the ego.
        weights: of the conventional reward.
        goals, goal_s: lanes, and m along them, where the ego arrives.
        obstacles: x, y (m) and heading (rad) of blocks on the road.
        arrival_ends: the episode, with the conventional reward too.
        target_speeds: m/s, rising.
        observed: m, m and m/s, by which x, y and velocities are observed.
        own_x0: m, from where the ego's own x is observed.
        bound: to which observations are clipped.
        absolute: others are seen in the world's coordinates.
        columns: of a row of the observation.
    """

    roads: RoadMap
    spawns: tuple[Spawn, ...]
    weights: RewardWeights
    goals: tuple[int, ...]
    goal_s: float = 0.0
    obstacles: tuple[tuple[float, float, float], ...] = ()
    arrival_ends: bool = False
    target_speeds: tuple[float, ...] = (20.0, 25.0, 30.0)
    observed: tuple[float, float, float] = (200.0, 8.0, 80.0)
    own_x0: float = 0.0
    bound: float = 1.0
    absolute: bool = False
    columns: tuple[str, ...] = field(default=observations.PLAIN_COLUMNS)


@dataclass(frozen=True, kw_only=True)
class RoadsOptions(DrivingOptions):
    """The arguments that all scenarios on networks of roads have; each adds its `preset`."""

    duration: float = number(20, 0, 10_000, above=True)
    """s"""


def roads_setup(options: RoadsOptions, scenario: Scenario, name: str) -> Setup:
    """Returns the world of a scenario with its parameters chosen; name: in its id."""
    simulation, decision = options.simulation_frequency, options.decision_frequency
    shape = (options.observed_vehicles, len(scenario.columns))
    speeds, classic = options.speeds(scenario.target_speeds), scenario.weights
    if options.reward == "safe":
        low, high = options.paid_speeds((speeds[0], speeds[-1]))
        paid = options.weights({"speed": -0.1, "arrival": 1.0, **SAFE_WEIGHTS})
    else:
        low, high = options.paid_speeds((classic.speed_low, classic.speed_high))
        classic = classic.reweighed(options.weights(classic.used()))
        paid = {}
    reach = options.observed_range / type(options).observed_range
    spawns = np.array([spawn.row() for spawn in scenario.spawns], SPAWN_DTYPE)
    obstacles = np.array(list(scenario.obstacles), OBSTACLE_DTYPE)
    params = params_of(
        RoadsParams,
        options,
        **scenario.roads.arrays._asdict(),
        destinations=scenario.roads.destinations,
        spawns=spawns,
        obstacles=obstacles,
        classic=np.array([classic], WEIGHTS_DTYPE),
        weights=np.array([paid.get(term, 0.0) for term in kernel.REWARD_TERMS], np.float32),
        target_speeds=speeds,
        paid_low=low,
        paid_high=high,
        goals=np.array(scenario.goals, np.int32),
        goal_s=scenario.goal_s,
        arrival_ends=scenario.arrival_ends or options.reward == "safe",
        frames=simulation // decision,
        dt=1.0 / simulation,
        max_steps=steps_of(options.duration * decision),
        think_frames=think_frames(1.0 / simulation),
        cautious=options.traffic == "cautious",
        continuous=options.actions == "continuous",
        safe=options.reward == "safe",
        obs_rows=options.observed_vehicles,
        obs_columns=len(scenario.columns),
        obs_absolute=scenario.absolute,
        obs_x=scenario.observed[0] * reach,
        obs_y=scenario.observed[1],
        obs_v=scenario.observed[2],
        obs_x0=scenario.own_x0,
        obs_bound=scenario.bound,
    )
    return Setup(
        world=WORLD,
        params=params,
        state_dtype=state_dtype(len(spawns), len(obstacles)),
        observation_space=Box(-scenario.bound, scenario.bound, shape, np.float32),
        action_space=Box(-1.0, 1.0, (2,), np.float32) if params.continuous else Discrete(5),
        renderer=drawn_by(
            "quadrivium.envs.driving.roads.render:RoadsRenderer",
            f"quadrivium/{name}-v0",
            params,
            scenario.roads,
        ),
        render_fps=decision,
        baselines=CONTINUOUS if params.continuous else META,
        columns={"observation": scenario.columns},
        source=scenario,
    )


class RoadsEnv(WorldEnv):
    """A scenario on a network of roads; what is true of all of them.

    Each follows the conventional environment whose name its second `preset` has: that preset fills in
    `traffic="conventional"`, `reward="classic"` and the duration.

    ## Actions
    `actions="meta"` (default), Discrete(5): 0 lane left, 1 idle, 2 lane right, 3 faster, 4 slower. A lane
    action moves the target lane by one; faster and slower set the target speed to the next of
    `target_speeds` above or below the present speed. Controllers do the rest, and follow the road from lane
    to lane, until the next decision.

    `actions="continuous"`, Box(−1, 1, (2,)): acceleration, by 5 m/s², and front-wheel angle, by π/4 to the
    right, both held until the next decision.

    ## Observations
    Tokens (`observed_vehicles`, 5 or 7): presence, x, y, vx, vy, and in some scenarios cosine and sine of the
    heading. The ego first, in the world's coordinates, then the nearest others, obstacles too, sorted by
    distance along the ego's lane: those ahead and those less than `observed_behind` behind, within
    `observed_range`. Rows without a car are 0.

    ## Reward
    `reward="safe"` (default) has one optimum: to arrive soon and never crash.

    - `arrival`: +1, once; the episode ends.
    - `speed`: −0.1 a second at the least target speed or below, rising linearly to 0 at the highest (or
      between the two `reward_speeds`).
    - `collision`, `off_road`: −5, once; the episode ends. No way to lose time costs as much.
    - `headway`: up to −0.1 a second for following with less than 1 s of net headway or 3 s to collision;
      while changing lane also of the gap left to the car behind.
    - `lane_change`: −0.02 for each one begun.

    `reward="classic"` is the conventional one, of each scenario its own. Its `reward_weights` may change
    those that the scenario uses.

    ## Traffic
    Intelligent Driver Model and MOBIL, as in `Highway-v0`, along the lanes of a driver's route, within their
    speed limits. Drivers see into the lanes before and after their own. `traffic="conventional"` is
    highway-env's step by step (tests/envs/driving/roads/test_oracle.py). In `"cautious"` (default) a driver
    who changes lane counts others on their way into it, and does not change where it would have to brake
    hard itself.

    ## Metrics
    At the end of an episode: `arrival`, `collision`, `at_fault_collision` (not: hit from behind or from the
    side while keeping the lane), `off_road` (in any frame); `mean_speed` (m/s), `distance` (m, driven);
    `min_ttc` (s, to the leader, at most 10), `low_ttc_share` (of frames below 0.95 s); `lane_changes`;
    `comfort` (share of frames within nuPlan's bounds, as in `Highway-v0`); `length` (decisions);
    `traffic_collisions` (traffic cars that hit one another before any accident of the ego's).

    ## Baselines
    `idle`, `random`, `brake`, `idm` (keeps its lane), `idm_mobil`; with continuous actions the first two.

    Sources: those of `Highway-v0`; roads, cars and conventional rewards after highway-env 1.12.1 (Leurent
    2018).
    """
