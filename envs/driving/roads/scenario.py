"""What makes a scenario: a network, who begins where on it, what is paid, and what an environment takes."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np
from gymnasium.spaces import Box, Dict, Discrete

from quadrivium.envs.core.lane import World
from quadrivium.envs.core.options import integer, number, params_of
from quadrivium.envs.core.setup import Setup, drawn_by, numbered
from quadrivium.envs.core.validation import steps_of
from quadrivium.envs.core.world_env import WorldEnv
from quadrivium.envs.driving.frames import think_frames
from quadrivium.envs.driving.options import SAFE_WEIGHTS, DrivingOptions, rows_of_cars
from quadrivium.envs.driving.roads import kernel
from quadrivium.envs.driving.roads.baselines import BASELINES
from quadrivium.envs.driving.roads.maps.bank import Bank
from quadrivium.envs.driving.roads.metrics import METRICS, metrics_one
from quadrivium.envs.driving.roads.network import NOWHERE, RoadMap
from quadrivium.envs.driving.roads.observations.grids import (
    GRID_CHANNELS,
    OCCUPANCY_CELLS,
    OCCUPANCY_CHANNELS,
)
from quadrivium.envs.driving.roads.observations.kinematics import PLAIN_COLUMNS
from quadrivium.envs.driving.roads.observations.lidar import OWN_COLUMNS
from quadrivium.envs.driving.roads.observations.observe import (
    observe_beams,
    observe_planes,
    observe_road,
    observe_rows,
)
from quadrivium.envs.driving.roads.observations.road_points import ROAD_COLUMNS
from quadrivium.envs.driving.roads.reward import REWARD_TERMS
from quadrivium.envs.driving.roads.state import (
    NORMAL,
    OBSTACLE_DTYPE,
    SCENE_DTYPE,
    SPAWN_DTYPE,
    TRIP_DTYPE,
    UNIFORM,
    WEIGHTS_DTYPE,
    RewardWeights,
    RoadsParams,
    ranges_of,
    state_dtype,
)

ACTIONS = {"meta": 5, "longitudinal": 3, "discrete": 9}
"""How many actions those kinds have that are numbered."""
BY_HAND = {"continuous": 2, "steering": 1, "discrete": 2}
"""How many numbers those kinds have that are accelerations and steering angles."""

LEAVING_M = 20.0
TO_GOALS = {"speed": -0.1, "arrival": 1.0}
ONWARD = {"speed": 0.1, "centering": -0.1}
ROUTE = {"route": 0.2}
"""What reward="safe" pays for: where there are goals, where the way is all, where one lane leads to them."""

WORLDS = {  # each is compiled by itself, so that nobody waits for observations that are not used
    kind: World.of(
        kernel,
        f"roads_{name}",
        RoadsParams,
        reward_terms=REWARD_TERMS,
        metric_names=METRICS,
        observe=function,
        metrics=metrics_one,
        ranges=ranges_of,
    )
    for name, function, kinds in (
        ("rows", observe_rows, ("kinematics", "attributes")),
        ("lidar", observe_beams, ("lidar",)),
        ("planes", observe_planes, ("grid", "occupancy")),
        ("road", observe_road, ("road",)),
    )
    for kind in kinds
}
"""By what is observed."""


@dataclass(frozen=True)
class Spawn:
    """How one car begins.

    Attributes:
        lanes: of the network, one of which is drawn; each stands as far from the last one.
        along, speed: m and m/s, each with what it varies by: half the width of a uniform draw, or the
            standard deviation where `normal`.
            No speed: the lane's limit.
        desired: m/s; None: the speed with which it begins.
        destinations: of the network, counted round all of them, each one more than the last: one is drawn.
        varied: the exponent of the driver's model is drawn in [3.5, 4.5), else it is 4.
        keeps: never changes lane by its own wish.
        weighted: lanes are drawn in proportion to their places among `lanes`, the first one never.
        anywhere: instead of `along`, s is drawn from the whole lane.
        across: m to the right of the lane's centre, and what it varies by.
        alike: not one drawn, but the lane whose place among `lanes` is the number of the ego's.
        queue: instead of `along`, it begins ahead of all before it, this times the usual distance.
        chance: that it begins at all.
        apart: m: it does not begin where another car is nearer.
        late: after the warm-up of the scenario, not before.
        onward: `destinations` are counted from the place of its lane among `lanes`.
        routes: of a network, one after another, one of which is drawn; it begins in the lane in which that
            one does.
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
    chance: float = 1.0
    apart: float = 0.0
    late: bool = False
    anywhere: bool = False
    across: tuple[float, float] = (0.0, 0.0)
    alike: bool = False
    onward: bool = False
    routes: range = range(0)

    def row(self) -> tuple[Any, ...]:
        """Returns it as `SPAWN_DTYPE`."""
        steps = {after - lane for lane, after in itertools.pairwise(self.lanes)} or {1}
        assert len(steps) == 1, self.lanes
        return (
            *(self.chance, self.late, self.apart),
            *(self.lanes[0], len(self.lanes), *steps, self.weighted, self.queue),
            *(NORMAL if self.normal else UNIFORM, *self.along, self.anywhere, *self.across, self.alike),
            *(*self.speed, self.desired or 0.0),
            *(self.destinations[0] if self.destinations else NOWHERE, len(self.destinations), self.onward),
            *(self.varied, self.keeps),
            *(self.routes[0] if self.routes else NOWHERE, len(self.routes)),
        )


@dataclass(frozen=True)
class Scenario:
    """A road map and what happens on it, as the conventional environment of its name has it.

    Attributes:
        roads: the network, routes added; or a bank of many, with what happens on each.
        spawns: of the cars at the start; the first ones are the egos. A bank has its own.
        egos: how many learn.
        arrivals: tried before every decision but the first one.
        room: for how many cars at once; 0: for those at the start.
        warm_up: s, that traffic drives before the egos begin; 0: the egos begin first.
        ego_room: m: cars nearer to an ego that begins last are gone.
        leaving: m, before a dead end, where traffic is gone; 0: never, but that of cautious drivers
            `LEAVING_M` before it.
        regulation: looks at the right of way a second; 0: there is none.
        yielding: the same of cautious drivers.
        model: a (m/s²), b (m/s²) and s0 (m) of the drivers' model.
        weights: of the conventional reward.
        goals, goal_s: lanes, and m along them, where the ego arrives.
        own_goals: it arrives only in that one of them with which its own route ends.
        lane_wanted: the number of the lane that alone leads to them; NOWHERE: all do.
        obstacles: x, y (m) and heading (rad) of blocks on the road.
        max_steer: rad, of an ego that is steered by hand.
        arrival_ends: the episode, with the conventional reward too.
        target_speeds: m/s, rising.
        observed: m, m and m/s, by which x, y and velocities are observed.
        own_x0: m, from where the ego's own x is observed.
        bound: to which observations are clipped.
        absolute: others are seen in the world's coordinates.
        around: the nearest others, in any direction, are seen; not those along the lane.
        columns: of a row of kinematics.
        slips: the ego's tyres do.
        references: lanes to be kept one after another; none: whichever is nearest.
        noise: of what LaneKeeping observes, half the width of a uniform distribution.
        late: that is the moment before the last decision.
    """

    roads: RoadMap | Bank
    spawns: tuple[Spawn, ...]
    weights: RewardWeights
    goals: tuple[int, ...]
    egos: int = 1
    arrivals: tuple[Spawn, ...] = ()
    room: int = 0
    warm_up: float = 0.0
    ego_room: float = 0.0
    leaving: float = 0.0
    regulation: int = 0
    yielding: int = 0
    model: tuple[float, float, float] = (3.0, 5.0, 10.0)
    goal_s: float = 0.0
    own_goals: bool = False
    lane_wanted: int = NOWHERE
    obstacles: tuple[tuple[float, float, float], ...] = ()
    max_steer: float = math.pi / 4
    arrival_ends: bool = False
    target_speeds: tuple[float, ...] = (20.0, 25.0, 30.0)
    observed: tuple[float, float, float] = (200.0, 8.0, 80.0)
    own_x0: float = 0.0
    bound: float = 1.0
    absolute: bool = False
    around: bool = False
    columns: tuple[str, ...] = field(default=PLAIN_COLUMNS)
    slips: bool = False
    references: tuple[int, ...] = ()
    noise: float = 0.0
    late: bool = False

    def bank(self) -> Bank:
        """Returns the network and what happens on it as the kernel takes it."""
        if isinstance(self.roads, Bank):
            return self.roads
        goals = np.array(self.goals, np.int32)
        return Bank(
            self.roads.arrays,
            scenes=np.array([(0, self.egos, 0, self.egos, len(self.spawns))], SCENE_DTYPE),
            trips=np.array([(e, 0, len(goals), self.goal_s, 0.0) for e in range(self.egos)], TRIP_DTYPE),
            spawns=np.array([spawn.row() for spawn in self.spawns], SPAWN_DTYPE),
            goals=goals,
            destinations=self.roads.destinations,
        )


@dataclass(frozen=True, kw_only=True)
class RoadsOptions(DrivingOptions):
    """The arguments that all scenarios on networks of roads have; each adds its `preset`."""

    duration: float = number(20, 0, 10_000, above=True)
    """s"""
    observation: Literal["kinematics", "lidar", "grid", "road", "occupancy"] = "kinematics"
    """what is seen"""
    beams: int = integer(32, 4, 1024)
    """of the lidar"""
    lidar_range: float = number(60.0, 0, 1000, above=True)
    """m"""
    grid_rows: int = integer(32, 4, 256)
    """cells of 1 m across the ego's heading"""
    grid_columns: int = integer(32, 4, 256)
    """cells of 2 m along it"""
    frame: Literal["scenario", "ego"] = "scenario"
    """of kinematics: the scenario's, or seen from the ego, x ahead of it and y to its right"""
    road_points: int = integer(12, 1, 100)
    """of the way ahead, 5 m from one to the next"""
    actions: Literal["meta", "longitudinal", "continuous", "steering", "discrete"] = "meta"  # pyright: ignore[reportIncompatibleVariableOverride] (more kinds)
    """the kind of actions"""


@dataclass(frozen=True, kw_only=True)
class ManyDriversOptions(RoadsOptions):
    """The arguments of scenarios in which several cars can learn; each adds `drivers`."""

    COUNT: ClassVar = "drivers"

    wrecks: Literal["stay", "gone"] = "stay"
    """of several drivers: in the way of the others, or gone as who arrives"""


def roads_setup(options: RoadsOptions, scenario: Scenario, name: str) -> Setup:
    """Returns the world of a scenario with its parameters chosen; name: in its id."""
    simulation, decision = options.simulation_frequency, options.decision_frequency
    rows, columns, space, seen = _observation(options, scenario)
    speeds, classic, bank = options.speeds(scenario.target_speeds), scenario.weights, scenario.bank()
    if options.reward == "safe":
        low, high = options.paid_speeds((speeds[0], speeds[-1]))
        route = {} if scenario.lane_wanted == NOWHERE else ROUTE
        paid = options.weights((TO_GOALS if len(bank.goals) else ONWARD) | route | SAFE_WEIGHTS)
    else:
        low, high = options.paid_speeds((classic.speed_low, classic.speed_high))
        classic = classic.reweighed(options.weights(classic.used()))
        paid = {}
    reach = options.observed_range / type(options).observed_range
    places = scenario.room or len(scenario.spawns)
    acceleration, braking, rest_gap = scenario.model
    looks = scenario.yielding if options.traffic == "cautious" else scenario.regulation
    arrivals = np.array([spawn.row() for spawn in scenario.arrivals], SPAWN_DTYPE)
    obstacles = np.array(list(scenario.obstacles), OBSTACLE_DTYPE)
    params = params_of(
        RoadsParams,
        options,
        **bank.network._asdict(),
        destinations=bank.destinations,
        scenes=bank.scenes,
        trips=bank.trips,
        spawns=bank.spawns,
        arrivals=arrivals,
        places=places,
        warm_up=round(scenario.warm_up * simulation),
        ego_room=scenario.ego_room,
        leaving_m=scenario.leaving or (LEAVING_M if options.traffic == "cautious" else 0.0),
        regulation=max(simulation // looks, 1) if looks else 0,
        idm_acceleration=acceleration,
        idm_rest_gap=rest_gap,
        idm_per_approach=0.5 / math.sqrt(acceleration * braking),
        obstacles=obstacles,
        classic=np.array([classic], WEIGHTS_DTYPE),
        weights=np.array([paid.get(term, 0.0) for term in REWARD_TERMS], np.float32),
        target_speeds=speeds,
        paid_low=low,
        paid_high=high,
        goals=bank.goals,
        own_goals=scenario.own_goals,
        lane_wanted=scenario.lane_wanted,
        wrecks=isinstance(options, ManyDriversOptions) and options.wrecks == "stay",
        arrival_ends=scenario.arrival_ends or options.reward == "safe",
        frames=simulation // decision,
        dt=1.0 / simulation,
        max_steps=steps_of(options.duration * decision),
        think_frames=think_frames(1.0 / simulation),
        cautious=options.traffic == "cautious",
        by_hand=options.actions in BY_HAND,
        max_steer=scenario.max_steer,
        safe=options.reward == "safe",
        slips=scenario.slips,
        references=np.array(scenario.references, np.int32),
        noise=scenario.noise,
        late=scenario.late,
        obs_rows=rows,
        obs_columns=columns,
        obs_points=options.road_points,
        obs_range=options.lidar_range,
        obs_absolute=scenario.absolute,
        obs_turned=options.frame == "ego",
        obs_around=scenario.around,
        obs_x=scenario.observed[0] * reach,
        obs_y=scenario.observed[1],
        obs_v=scenario.observed[2],
        obs_x0=scenario.own_x0,
        obs_bound=scenario.bound,
    )
    return Setup(
        world=WORLDS[options.observation],
        params=params,
        state_dtype=state_dtype(places, len(obstacles), scenario.egos),
        observation_space=space,
        action_space=action_space(options.actions),
        renderer=drawn_by(
            "quadrivium.envs.driving.roads.render:RoadsRenderer",
            f"quadrivium/{name}-v0",
            params,
            scenario.egos,
        ),
        render_fps=decision,
        baselines=BASELINES[options.actions],
        agents=names_of(scenario.egos),
        active="active" if scenario.egos > 1 else None,
        columns=seen,
        tokens=_tokens(options),
        source=scenario,
    )


def names_of(egos: int) -> tuple[str, ...]:
    """Returns the agents' names of a world in which so many cars learn."""
    return ("driver",) if egos == 1 else tuple(f"driver_{e}" for e in range(egos))


def _tokens(options: RoadsOptions) -> dict[str, tuple[str, ...]]:
    """Returns the names of the observation's tokens."""
    if options.observation == "road":
        points = numbered("point {}", options.road_points)
        return {"kinematics": rows_of_cars(options.observed_vehicles), "road": points}
    return (
        {"observation": rows_of_cars(options.observed_vehicles)}
        if options.observation == "kinematics"
        else {}
    )


STATE_COLUMNS = ("y, m", "heading, rad", "lateral speed, m/s", "turning, rad/s")


def _observation(
    options: RoadsOptions, scenario: Scenario
) -> tuple[int, int, Box | Dict, dict[str, tuple[str, ...]]]:
    """Returns the kernel's two sizes of the observation, its space, and what its columns are."""
    rows, columns, bound = options.observed_vehicles, len(scenario.columns), scenario.bound
    cars = Box(-bound, bound, (rows, columns), np.float32)
    if options.observation == "lidar":
        seen = (
            *OWN_COLUMNS,
            *numbered("distance of beam {}, by the lidar's range", options.beams),
            *numbered("radial speed of beam {}, by 80 m/s", options.beams),
        )
        return options.beams, 2, Box(-1.0, 1.0, (len(seen),), np.float32), {"observation": seen}
    if options.observation == "grid":
        sizes = (options.grid_rows, options.grid_columns)
        space = Box(-1.0, 1.0, (len(GRID_CHANNELS), *sizes), np.float32)
        return *sizes, space, {"observation": GRID_CHANNELS}
    if options.observation == "occupancy":
        space = Box(0.0, 1.0, (len(OCCUPANCY_CHANNELS), *[OCCUPANCY_CELLS] * 2), np.float32)
        return rows, columns, space, {"observation": OCCUPANCY_CHANNELS}
    if options.observation == "road":
        road = Box(-1.0, 1.0, (options.road_points, len(ROAD_COLUMNS)), np.float32)
        space = Dict([("kinematics", cars), ("road", road)])
        return rows, columns, space, {"kinematics": scenario.columns, "road": ROAD_COLUMNS}
    if options.observation == "kinematics":
        return rows, columns, cars, {"observation": scenario.columns}
    parts = ("derivative", "reference_state", "state")
    space = Dict([(part, Box(-np.inf, np.inf, (4,), np.float32)) for part in parts])
    derived = tuple(f"of {column}, a second" for column in STATE_COLUMNS)
    return rows, columns, space, dict(zip(parts, (derived, STATE_COLUMNS, STATE_COLUMNS), strict=True))


def action_space(kind: str) -> Box | Discrete:
    """Returns the space of a kind of actions."""
    if kind in ACTIONS:
        return Discrete(ACTIONS[kind])
    return Box(-1.0, 1.0, (BY_HAND[kind],), np.float32)


class RoadsEnv(WorldEnv):
    """A scenario on a network of roads; what is true of all of them.

    Each follows the conventional environment whose name its second `preset` has: that preset fills in
    `traffic="conventional"`, `reward="classic"` and the duration.

    ## Actions
    `actions="meta"` (default), Discrete(5): 0 lane left, 1 idle, 2 lane right, 3 faster, 4 slower. A lane
    action moves the target lane by one; faster and slower set the target speed to the next of
    `target_speeds` above or below the present speed. Controllers do the rest, and follow the road from lane
    to lane, until the next decision.

    `actions="longitudinal"`, Discrete(3): 0 slower, 1 idle, 2 faster; the ego keeps its lane.

    `actions="continuous"`, Box(−1, 1, (2,)): acceleration, by 5 m/s², and front-wheel angle, by π/4 to the
    right, both held until the next decision. `"steering"`, Box(−1, 1, (1,)): the angle alone, at constant
    speed. `"discrete"`, Discrete(9): 3 i + j for the acceleration i − 1 and the angle j − 1 of these shares.

    ## Observations
    - `"kinematics"` (default), tokens (`observed_vehicles`, 5 or 7): presence, x, y, vx, vy, and in some
      scenarios cosine and sine of the heading. The ego first, in the world's coordinates, then the nearest
      others, obstacles too, sorted by distance along the ego's lane: those ahead and those less than
      `observed_behind` behind, within `observed_range`. Rows without a car are 0. With `frame="ego"` all is
      seen from the ego and turned with it: the others relative to it, of itself its speed alone.
    - `"road"`, a Dict: `kinematics`, and `road` (`road_points`, 9): points of the lane that the ego steers
      to, from beside it on every 5 m along its way, with the road to both sides, the speed limit, and the
      priority where roads meet.
    - `"lidar"`, a vector (4 + 2 `beams`): own speed, offset in the lane and heading against it; then for each
      beam, from straight ahead clockwise, the distance to the nearest car, obstacle or edge of the road by
      `lidar_range` (1: nothing), then for each its radial speed relative to the ego by 80 m/s.
    - `"grid"`, planes (5, `grid_rows`, `grid_columns`) seen from above and turned with the ego, in cells of
      1 m across × 2 m ahead, the ego in the middle row at a quarter of the length.
    - `"occupancy"`, planes (2, 12, 12), turned likewise, in cells of 3 m with the ego in the middle: cars,
      and points of the centres of lanes.

    ## Reward
    `reward="safe"` (default) has one optimum: to arrive soon and never crash.

    - `arrival`: +1, once; the episode ends.
    - `speed`: −0.1 a second at the least target speed or below, rising linearly to 0 at the highest (or
      between the two `reward_speeds`).
    - `collision`, `off_road`: −5, once; the episode ends. No way to lose time costs as much.
    - `headway`: up to −0.1 a second for following with less than 1 s of net headway or 3 s to collision;
      while changing lane also of the gap left to the car behind.
    - `lane_change`: −0.02 for each one begun.
    - `route`: where one lane alone leads to the goal, 0.2 for each lane that the ego came nearer to it, and
      −0.2 for each the other way.

    `reward="classic"` is the conventional one, of each scenario its own. Its `reward_weights` may change
    those that the scenario uses.

    ## Several drivers
    Intersection, Merge and Roundabout have several cars that learn, with `drivers` of 2 or more: a PettingZoo
    parallel environment, or a batch in which each of them is an environment. Each has the observation,
    actions, reward and metrics of one that is alone; to the others it is a car like any other, to which
    traffic yields as to any ego. Who arrives, crashes or leaves the road has terminated and leaves: it is
    gone, but a wreck rolls to a stop and stays in the way of the others, as those of traffic do; with
    `wrecks="gone"` it does not. When the time is up those who still drive are truncated.

    ## Traffic
    Intelligent Driver Model and MOBIL, as in `Highway-v0`, along the lanes of a driver's route, within their
    speed limits. Drivers see into the lanes before and after their own. `traffic="conventional"` is
    highway-env's step by step (tests/envs/driving/roads/test_oracle.py). `"cautious"` (default) differs in
    what lets conventional traffic crash itself (benchmarks/roads_traffic.py):

    - who changes lane counts others on their way into it, and does not change where it would have to brake
      hard itself;
    - gaps are measured along the lanes between, where conventionally a lane is thought to go on as it is,
      round its circle if it is an arc;
    - no one drives backwards, or begins less than 14 m from another one in its lane;
    - traffic is gone 20 m before the end of its route, or of a road from which no other one goes on;
    - in Intersection and Roundabout, five times a second, drivers foresee along their routes who would come
      within 0.8 s of whom in the next 4 s; who is in the lane of less priority, or else behind, stops and
      waits until there is room to set off; where it could no longer stop out of the other one's way, that one
      does. An ego that has to yield is trusted to.

    ## Metrics
    At the end of an episode: `arrival`, `collision`, `at_fault_collision` (not: hit from behind or from the
    side while keeping the lane), `off_road` (in any frame); `mean_speed` (m/s), `distance` (m, driven);
    `min_ttc` (s, to the leader, at most 10), `low_ttc_share` (of frames below 0.95 s); `lane_changes`;
    `comfort` (share of frames within nuPlan's bounds, as in `Highway-v0`); `length` (decisions);
    `traffic_collisions` (traffic cars that hit one another before any accident of the ego's);
    `centred_share` (of frames within 0.5 m of the lane's centre); `completion` (share of the way to the goal
    that was driven, where it is a route, as in `Roads-v0`; elsewhere 1 on arrival, else 0).

    ## Baselines
    `idle`, `random`; with meta actions also `brake`, `idm` (keeps its lane) and `idm_mobil`, with
    longitudinal ones `brake` and `idm`, with continuous ones and with steering `pure_pursuit` and `stanley`.

    Sources: those of `Highway-v0`; roads, cars and conventional rewards after highway-env 1.12.1 (Leurent
    2018).
    """
