"""The PointNav environment: its arguments, spaces and documentation page; the rules are in `kernel`."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Literal

import numpy as np
from gymnasium.spaces import Box, Dict

from quadrivium.envs.core.lane import World
from quadrivium.envs.core.options import integer, number, params_of
from quadrivium.envs.core.setup import Setup, drawn_by, numbered
from quadrivium.envs.core.world_env import WorldEnv, WorldVectorEnv
from quadrivium.envs.core.world_parallel_env import WorldParallelEnv
from quadrivium.envs.navigation.maps.bank import SPARE, MapBank
from quadrivium.envs.navigation.maps.choice import has_pairs, is_own
from quadrivium.envs.navigation.maps.own import from_frame
from quadrivium.envs.navigation.moves import read_only
from quadrivium.envs.navigation.options import RobotOptions, action_space, names_of
from quadrivium.envs.navigation.own_map.wavefront import GUIDE_COLUMNS
from quadrivium.envs.navigation.point_nav import kernel, senses
from quadrivium.envs.navigation.point_nav.baselines import BASELINES, GUIDED_BASELINES
from quadrivium.envs.navigation.point_nav.senses import keeps_map
from quadrivium.envs.navigation.point_nav.state import (
    GRID,
    LIDAR,
    SECTORS,
    PointNavParams,
    ranges_of,
    state_dtype,
)
from quadrivium.envs.navigation.poses import shown_poses

WORLD = World.of(kernel, "point_nav", PointNavParams, observe=senses.observe_one, ranges=ranges_of)


@dataclass(frozen=True, kw_only=True)
class PointNavOptions(RobotOptions):
    """The arguments of the PointNav environments."""

    COUNT: ClassVar = "robots"

    robots: int = integer(1, 1, 8)
    """in each map; the single environment has one"""
    shortest: float = number(2.0, 0.0, 10_000.0)
    """m, of the way from start to goal"""
    longest: float = number(1e6, 0.0, 1e6, above=True)
    """m, likewise"""
    goal_radius: float = number(0.3, 0.0, 5.0, above=True)
    """m"""
    observation: Literal["lidar", "sectors", "grid", "blind"] = "lidar"
    """what is perceived of the map"""
    sectors: int = integer(16, 1, 256)
    """tokens; a divisor of `beams`"""
    success_reward: float = number(4.0, 0.0, 1000.0)
    """on arrival"""
    progress_reward: float = number(0.25, 0.0, 1000.0)
    """a metre"""
    people_count: int = integer(0, 0, 50)
    """who walk through the map, from one of its goals to the next"""
    people_radius: float = number(0.2, 0.0, 2.0, above=True)
    """m; at most 5 cm more than the robot's, whose ways they take"""
    people_speed: float = number(0.8, 0.0, 5.0, above=True)
    """m/s"""
    robot_visible: bool = True
    """whether people see robots, and avoid them"""
    start: Sequence[float] | None = None
    """[x, y] or [x, y, yaw] in the frame of a map of your own, m and rad; None: drawn"""
    goal: Sequence[float] | None = None
    """[x, y] in the frame of a map of your own, m; None: drawn"""

    def check(self) -> None:
        """Sectors are whole numbers of beams; places of one's own are in a map of one's own."""
        super().check()
        for name, sizes, form in (("start", (2, 3), "[x, y] or [x, y, yaw]"), ("goal", (2,), "[x, y]")):
            place = getattr(self, name)
            if place is None:
                continue
            numbers = isinstance(place, Sequence) and not isinstance(place, str) and len(place) in sizes
            if not numbers or not all(
                isinstance(n, int | float) and not isinstance(n, bool) and abs(n) < 1e9 for n in place
            ):
                raise ValueError(f"{name}={place!r} is no place: use {form} in m and rad")
            if not is_own(self.maps) or has_pairs(self.maps):
                raise ValueError(
                    f"{name}={place!r} needs a map of your own: give maps='PATH.yaml', or leave it out"
                )
            if self.robots > 1:
                raise ValueError(f"{name}={place!r} is for one robot: use robots=1, or leave it out")
        if self.people_count and self.people_radius > self.radius() + SPARE:
            raise ValueError(
                f"people_radius={self.people_radius} is more than {SPARE} above the robot's radius of "
                f"{self.radius():g}, for whom the ways are: use narrower people, or a wider robot"
            )
        if self.robots > 1 and has_pairs(self.maps):
            raise ValueError(
                f"robots={self.robots}, and a .scen has starts for one: use robots=1, or its .map"
            )
        if self.observation == "sectors" and self.beams % self.sectors:
            raise ValueError(
                f"sectors={self.sectors} does not divide the {self.beams} beams: use a divisor of beams"
            )


def point_nav_setup(options: PointNavOptions) -> Setup:
    """Returns the world with its parameters chosen; ValueError for a map that no robot can drive in."""
    robots, beams, sectors, side = options.robots, options.beams, options.sectors, options.patch_cells
    start, goal = options.start, options.goal
    places = [None if place is None else (float(place[0]), float(place[1])) for place in (start, goal)]
    bank = options.bank(max(4, robots), start=places[0], goal=places[1], pairs=True)
    params = params_of(
        PointNavParams,
        options,
        **options.derived(bank),
        goals=bank.goals,
        geodesic=bank.geodesic,
        success=options.success_reward,
        progress=options.progress_reward,
        people=options.people_count,
        starts=_starts_in(bank, start),
        paired=bank.starts is not None,
    )
    parts: list[tuple[str, Box]] = []
    columns: dict[str, tuple[str, ...]] = {}
    if params.observation == LIDAR:
        parts.append(("lidar", Box(0.0, 1.0, (beams,), np.float32)))
        columns["lidar"] = numbered("distance of beam {}, by `lidar_range`", beams)
    elif params.observation == SECTORS:
        seen = (*senses.SECTOR_COLUMNS, *numbered("distance of the sector's beam {}", beams // sectors))
        parts.append(("sectors", Box(-1.0, 1.0, (sectors, len(seen)), np.float32)))
        columns["sectors"] = seen
    elif params.observation == GRID:
        parts.append(("grid", Box(-1.0, 1.0, (2, side, side), np.float32)))
        columns["grid"] = ("free (−1), unknown (0) or occupied (1)", "1 in the goal's cell")
    shape = (bank.occupied.shape[1], bank.occupied.shape[2])
    mapped, planned = (shape if wanted else (1, 1) for wanted in (keeps_map(params), params.guide))
    own = (*senses.OWN_COLUMNS, *(GUIDE_COLUMNS if params.guide else ()))
    return Setup(
        world=WORLD,
        params=params,
        state_dtype=state_dtype(robots, beams, mapped, planned, options.people_count),
        observation_space=Dict([*parts, ("robot", Box(-1.0, 1.0, (len(own),), np.float32))]),
        action_space=action_space(params),
        renderer=drawn_by("quadrivium.envs.navigation.point_nav.render:PointNavRenderer", params, robots),
        render_fps=round(1 / options.time_step),
        baselines=GUIDED_BASELINES if params.guide else BASELINES,
        agents=names_of(robots),
        active="active" if robots > 1 else None,
        columns={**columns, "robot": own},
        shown=shown_poses(bank.origins) | shown_lengths(bank),
        source=bank,
        files=dict(bank.files),
    )


def shown_lengths(bank: MapBank) -> dict[str, Callable[[np.ndarray], np.ndarray]]:
    """Returns what `info` says under `published_m` of the pairs of a `.scen`; nothing without them."""
    return {} if bank.lengths is None else {"published_m": partial(_published, lengths=bank.lengths)}


def _published(states: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    return lengths[states["map"], states["goal"][:, 0]]


def _starts_in(bank: MapBank, start: Sequence[float] | None) -> np.ndarray:
    """Returns (M, G, 3) float32, x, y and heading from the maps' corners, or (0, 0, 3): drawn."""
    maps, goals = bank.goals.shape[:2]
    if bank.starts is not None:
        return read_only(np.dstack([bank.starts, np.full((maps, goals), np.nan)]))
    if start is None:
        return read_only(np.zeros((0, 0, 3)))
    origin = bank.origin(0)
    yaw = float(start[2]) - origin[2] if len(start) == 3 else math.nan
    place = from_frame(origin, float(start[0]), float(start[1]))
    return read_only(np.broadcast_to([*place, yaw], (maps, goals, 3)))


class PointNavEnv(WorldEnv):
    """A robot on the way to a goal in a map that it does not know.

    It has a lidar, and knows in which direction and how far away the goal is, as the crow flies.

    ## Time
    A step takes `time_step` seconds. The robot moves on the exact arc of its two velocities, in pieces so
    short that nothing is thin enough to be passed through.

    ## Robot
    A disc of `robot_radius`, or with `footprint` a convex outline, whose heading then counts wherever it
    touches something. Starts and shortest ways are those of the disc around the outline, which can turn
    everywhere.

    ## Maps
    Occupancy grids of `map_size` × `map_size` cells of `resolution` m with a closed border: `maps="rooms"`
    (default), `"maze"`, `"clutter"` (in the manner of the BARN worlds), or `"mixed"` (rooms and clutter).
    There are `map_count` maps a split, and those of the test split are others than those of training. The
    environment of seed k begins with map k mod `map_count`.

    Or maps of your own, whose sizes and resolution hold: the path of a `.yaml` in ROS form, of a MovingAI
    `.map` (of cells as wide as `resolution`), of a Stage `.world`; a folder, a pattern or a list of these,
    which come in turn. Both splits drive in all of them, to other goals. Of a `.scen` each pair of start and
    goal is an episode; `info["published_m"]` is its length as published. In one map of your own `start` and
    `goal` may be given, in the frame of its `origin`; `info["pose"]` and `env.unwrapped.pose` say where the
    robot is in it.

    ## People
    `people_count` people of `people_radius` walk at `people_speed` from one of the map's goals to another:
    down the shortest way, avoiding one another by ORCA, and along walls. They see and avoid the robot, unless
    `robot_visible` is false. The lidar sees them; who drives into one, or is walked into, has collided.

    ## Actions
    Box(−1, 1, (2,)), the velocities wanted, which change by `acceleration` and `turn_acceleration` at most:

    - `drive="differential"` (default): speed, from none (−1) to `max_speed` (1); turn rate by `max_turn`, to
      the left. With `max_reverse` −1 is so fast backwards, and none in between.
    - `drive="holonomic"`: velocities ahead and to the left by `max_speed`; the heading stays.
    - `drive="ackermann"`: speed likewise; steering angle by 45°, with axles `robot_radius` before and behind
      the centre.

    `actions="discrete"`, Discrete(15): 5 k + t has the speed k/2 of 0, ½ and 1, and one of five turn rates
    from full to the right (0) to full to the left (4); with `max_reverse` Discrete(20), k = 3 being full
    speed backwards. Holonomic: 0 stands still, 1 … 7 go at half and 8 … 14 at full speed in directions 2π/7
    apart, from straight ahead to the left.

    ## Observations
    A Dict of what is perceived of the map, and `robot` (6,): distance to the goal by 10 m, cosine and sine of
    its direction, both velocities by their highest, share of the time that is left.

    - `observation="lidar"` (default), `lidar` (beams,): distances by `lidar_range`, 1 is nothing in range.
      Beam b looks 2π b / `beams` to the left of straight ahead; with a `field_of_view` below 360° the beams
      go from its right end to its left one.
    - `observation="sectors"`, `sectors` (S, 4 + beams / S): a token for each sector of the lidar: presence
      (1), cosine and sine of its middle, its least distance, its distances.
    - `observation="grid"`, `grid` (2, V, V): the surroundings of the robot, straight ahead up, in cells of
      `patch_cell` m, as it has mapped them by log-odds from its scans, from −1 (free) by 0 (unknown) to 1
      (occupied); and a 1 in the goal's cell, or on the border in its direction.
    - `observation="blind"`: nothing of the map.

    With `guide` the robot plans in the map that it has made itself, where the unknown counts as free, and
    `robot` (10,) ends with what the plan says: cosine and sine of the direction of its farthest point in
    sight, at most 2 m away, that distance by 2 m, and the length of the plan by 20 m.

    ## Reward
    Terms: `success`, `success_reward` on arrival; `collision`, minus `collision_penalty`; `time`, minus
    `time_penalty` a step; `progress`, `progress_reward` a metre by which the shortest way has become shorter.

    ## Noise
    `actuation_noise` scales each velocity by 1 + it × a normal number, every step. `odometry_noise` does
    so with the motion that the robot measures, and turns it by that share of the way: where the goal is, and
    what it has mapped, are then off by more and more. `lidar_noise` is added to the distances. What is
    nearer than `least_range`, and a share of `dropped_beams`, returns nothing: such a beam is observed as 1,
    as one is that hits nothing, and left out of the robot's own map.

    ## Episodes
    Terminated on arrival (less than `goal_radius` from the goal, at any moment of a step) and, with
    `collisions="end"`, when the robot touches anything (with `"stop"` it stands still); truncated after
    `time_limit` seconds. The shortest way at the start is between `shortest` and `longest`, if the map has
    such a place.

    ## Metrics
    `success`, `collision` (touched anything), `timeout`; `spl` (success × shortest way / path, at most 1;
    Anderson et al. 2018), `soft_spl` (the share of the way that is done in place of success); `time_to_goal`
    (s; `time_limit` for who does not arrive), `time_ratio` (by the shortest way at full speed);
    `min_clearance` (m between surfaces); `path_length` (m); `roughness` (mean change of both velocities a
    second); `length`.
    Shortest ways are of a disc that keeps 5 cm from walls, any-angle, and end on the edge of the goal.

    ## Baselines
    `shortest_way` (plans in the true map, and follows by pure pursuit), `dwa` (dynamic window),
    `straight_line`; with `guide` also `own_plan` (plans in the map that it has made itself); for every drive
    and kind of action.

    Sources: Anderson et al. 2018, "On evaluation of embodied navigation agents" (task, SPL); Rutherford et
    al. 2024, JaxNav (the sizes of the rewards); Perille et al. 2020 (BARN).
    """

    options, setup_of = PointNavOptions, staticmethod(point_nav_setup)

    @property
    def pose(self) -> tuple[float, float, float]:
        """Where the robot truly is: x and y in m and the yaw in rad, in the map's own frame."""
        x, y, yaw = self.setup.show(self.get_state())["pose"][0].tolist()
        return x, y, yaw


class PointNavVectorEnv(WorldVectorEnv):
    """A batch of `PointNavEnv`, stepped on all cores; the same arguments.

    With more than one of `robots` each is an environment of its own (`LaneVectorEnv`), and who is done is
    gone until the others are done too.
    """

    single = PointNavEnv


class PointNavParallelEnv(WorldParallelEnv):
    """A map in which `robot_0` … drive to goals of their own, as a parallel env.

    Each sees the others with its lidar, and where two touch, both have collided. Who arrives or collides has
    terminated and leaves, and is in nobody's way any more.

    robots: 2 to 8, by default 3. The other arguments, the actions, observations and rewards are
    `PointNavEnv`'s. Raises ValueError for a wrong argument.
    """

    single, name = PointNavEnv, "point_nav_v0"
