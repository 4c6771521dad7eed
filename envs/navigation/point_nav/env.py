"""The PointNav environment: its arguments, spaces and documentation page; the rules are in `kernel`."""

import math
from typing import Literal, TypedDict, Unpack

import numpy as np
from gymnasium.spaces import Box, Dict, Discrete

from envs.core.gym_env import LaneEnv, LaneVectorEnv
from envs.core.lane import World
from envs.core.parallel_env import ParallelLaneEnv
from envs.core.setup import Renderer, Setup
from envs.core.validation import require_number, steps_of
from envs.navigation import moves
from envs.navigation.maps.choice import choose_bank
from envs.navigation.options import OptionTable
from envs.navigation.point_nav import kernel, senses
from envs.navigation.point_nav.baselines import BASELINES, GUIDED_BASELINES
from envs.navigation.point_nav.senses import keeps_map
from envs.navigation.point_nav.state import (
    GRID,
    LIDAR,
    SECTORS,
    PointNavParams,
    ranges_of,
    state_dtype,
)
from envs.navigation.wavefront import GUIDE

WORLD = World(
    name="point_nav",
    params=PointNavParams,
    reset=kernel.reset_one,
    step=kernel.step_one,
    observe=senses.observe_one,
    metrics=kernel.metrics_one,
    reward_terms=kernel.REWARD_TERMS,
    metric_names=kernel.METRICS,
    ranges=ranges_of,
)
MOST_ROBOTS = 8


class PointNavOptions(TypedDict, total=False):
    """The arguments of the environments; `PointNavEnv` says what each one means."""

    maps: str
    map_count: int
    map_size: int
    resolution: float
    shortest: float
    longest: float
    drive: Literal["differential", "holonomic", "ackermann"]
    robot_radius: float
    max_speed: float
    max_turn: float
    acceleration: float
    turn_acceleration: float
    goal_radius: float
    collisions: Literal["end", "stop"]
    actions: Literal["continuous", "discrete"]
    actuation_noise: float
    odometry_noise: float
    observation: Literal["lidar", "sectors", "grid", "blind"]
    beams: int
    lidar_range: float
    lidar_noise: float
    sectors: int
    guide: bool
    patch_cells: int
    patch_cell: float
    success_reward: float
    collision_penalty: float
    time_penalty: float
    progress_reward: float
    time_step: float
    time_limit: float
    split: Literal["train", "test"]


_OPTIONS = OptionTable(
    numbers=(
        ("map_count", 200, 1, 10_000, "integer"),
        ("map_size", 64, 16, 512, "integer"),
        ("resolution", 0.15, 0.0, 10.0, "positive"),
        ("shortest", 2.0, 0.0, 10_000.0, "number"),
        ("longest", 1e6, 0.0, 1e6, "positive"),
        ("robot_radius", 0.2, 0.0, 5.0, "positive"),
        ("max_speed", 1.0, 0.0, 20.0, "positive"),
        ("max_turn", 1.0, 0.0, 10.0, "positive"),
        ("acceleration", 1.0, 0.0, 100.0, "positive"),
        ("turn_acceleration", 2.0, 0.0, 100.0, "positive"),
        ("goal_radius", 0.3, 0.0, 5.0, "positive"),
        ("actuation_noise", 0.0, 0.0, 1.0, "number"),
        ("odometry_noise", 0.0, 0.0, 1.0, "number"),
        ("beams", 64, 4, 1024, "integer"),
        ("lidar_range", 6.0, 0.0, 1000.0, "positive"),
        ("lidar_noise", 0.0, 0.0, 10.0, "number"),
        ("sectors", 16, 1, 256, "integer"),
        ("patch_cells", 32, 4, 128, "integer"),
        ("patch_cell", 0.3, 0.0, 10.0, "positive"),
        ("success_reward", 4.0, 0.0, 1000.0, "number"),
        ("collision_penalty", 4.0, 0.0, 1000.0, "number"),
        ("time_penalty", 0.01, 0.0, 1000.0, "number"),
        ("progress_reward", 0.25, 0.0, 1000.0, "number"),
        ("time_step", 0.1, 0.01, 1.0, "number"),
        ("time_limit", 50.0, 0.0, 10_000.0, "positive"),
    ),
    choices={
        "drive": ("differential", "holonomic", "ackermann"),
        "collisions": ("end", "stop"),
        "actions": ("continuous", "discrete"),
        "observation": ("lidar", "sectors", "grid", "blind"),
        "split": ("train", "test"),
    },
    switches={"guide": False},
    others={"maps": "rooms"},
)


def point_nav_setup(robots: int = 1, leave: bool = False, **options: Unpack[PointNavOptions]) -> Setup:
    """Returns the world with its parameters chosen; leave: whether agents that are done leave the others.

    Raises ValueError for a wrong argument, or a map that no robot can drive in.
    """
    chosen = _OPTIONS.check(options)
    require_number("robots", robots, 1, MOST_ROBOTS, integer=True)
    beams, sectors, side = chosen["beams"], chosen["sectors"], chosen["patch_cells"]
    observation = _OPTIONS.index("observation", chosen)
    if observation == SECTORS and beams % sectors:
        raise ValueError(f"sectors={sectors} does not divide the {beams} beams: use a divisor of beams")
    bank = choose_bank(
        chosen["maps"],
        split=chosen["split"],
        count=chosen["map_count"],
        size=chosen["map_size"],
        resolution=chosen["resolution"],
        robot_radius=chosen["robot_radius"],
        goals=max(4, robots),
    )
    holonomic = chosen["drive"] == "holonomic"
    params = PointNavParams(
        split=_OPTIONS.index("split", chosen),
        dt=float(chosen["time_step"]),
        max_steps=steps_of(chosen["time_limit"] / chosen["time_step"]),
        occupied=bank.occupied,
        clearance=bank.clearance,
        goals=bank.goals,
        geodesic=bank.geodesic,
        resolution=float(bank.resolution),
        shortest=float(chosen["shortest"]),
        longest=float(chosen["longest"]),
        drive=_OPTIONS.index("drive", chosen),
        radius=float(chosen["robot_radius"]),
        max_speed=float(chosen["max_speed"]),
        max_turn=float(chosen["max_turn"]),
        acceleration=float(chosen["acceleration"]),
        turn_acceleration=float(chosen["turn_acceleration"]),
        goal_radius=float(chosen["goal_radius"]),
        bump=_OPTIONS.index("collisions", chosen),
        discrete=int(chosen["actions"] == "discrete"),
        moves=moves.coarse(holonomic),
        actuation_noise=float(chosen["actuation_noise"]),
        odometry_noise=float(chosen["odometry_noise"]),
        success=float(chosen["success_reward"]),
        collision=float(chosen["collision_penalty"]),
        time=float(chosen["time_penalty"]),
        progress=float(chosen["progress_reward"]),
        observation=observation,
        lidar_range=float(chosen["lidar_range"]),
        lidar_noise=float(chosen["lidar_noise"]),
        directions=moves.directions_of(beams),
        sectors=sectors,
        guide=int(chosen["guide"]),
        margin=math.ceil(chosen["robot_radius"] / bank.resolution - 0.5),
        patch=side,
        patch_cell=float(chosen["patch_cell"]),
    )
    parts: list[tuple[str, Box]] = []
    if observation == LIDAR:
        parts.append(("lidar", Box(0.0, 1.0, (beams,), np.float32)))
    elif observation == SECTORS:
        width = senses.SECTOR_EXTRA + beams // sectors
        parts.append(("sectors", Box(-1.0, 1.0, (sectors, width), np.float32)))
    elif observation == GRID:
        parts.append(("grid", Box(-1.0, 1.0, (2, side, side), np.float32)))
    shape = (bank.occupied.shape[1], bank.occupied.shape[2])
    mapped, planned = (shape if wanted else (1, 1) for wanted in (keeps_map(params), params.guide))
    own = senses.OWN + (GUIDE if params.guide else 0)
    return Setup(
        world=WORLD,
        params=params,
        state_dtype=state_dtype(robots, beams, mapped, planned),
        observation_space=Dict([*parts, ("robot", Box(-1.0, 1.0, (own,), np.float32))]),
        action_space=Discrete(len(params.moves)) if params.discrete else Box(-1.0, 1.0, (2,), np.float32),
        renderer=lambda: _renderer(params, robots),
        render_fps=round(1 / chosen["time_step"]),
        baselines=GUIDED_BASELINES if params.guide else BASELINES,
        agents=("robot",) if robots == 1 else tuple(f"robot_{r}" for r in range(robots)),
        active="active" if leave else None,
        source=bank,
    )


def _renderer(params: PointNavParams, robots: int) -> Renderer:
    from envs.navigation.point_nav.render import PointNavRenderer  # pygame is imported when it draws

    return PointNavRenderer(params, robots)


class PointNavEnv(LaneEnv):
    """A robot on the way to a goal in a map that it does not know.

    It has a lidar, and knows in which direction and how far away the goal is, as the crow flies.

    ## Time
    A step takes `time_step` seconds. The robot moves on the exact arc of its two velocities, in pieces so
    short that nothing is thin enough to be passed through.

    ## Maps
    Occupancy grids of `map_size` × `map_size` cells of `resolution` m with a closed border: `maps="rooms"`
    (default), `"maze"`, `"clutter"` (in the manner of the BARN worlds), `"mixed"` (rooms and clutter), or the
    path of a map in ROS form, an image with its `.yaml`, whose own size and resolution hold. There are
    `map_count` maps a split, and those of the test split are others than those of training. The environment
    of seed k begins with map k mod `map_count`.

    ## Actions
    Box(−1, 1, (2,)), the velocities wanted, which change by `acceleration` and `turn_acceleration` at most:

    - `drive="differential"` (default): speed, from none (−1) to `max_speed` (1); turn rate by `max_turn`, to
      the left.
    - `drive="holonomic"`: velocities ahead and to the left by `max_speed`; the heading stays.
    - `drive="ackermann"`: speed likewise; steering angle by 45°, with axles `robot_radius` before and behind
      the centre.

    `actions="discrete"`, Discrete(15): 5 k + t has the speed k/2 of 0, ½ and 1, and one of five turn rates
    from full to the right (0) to full to the left (4). Holonomic: 0 stands still, 1 … 7 go at half and 8 … 14
    at full speed in directions 2π/7 apart, from straight ahead to the left.

    ## Observations
    A Dict of what is perceived of the map, and `robot` (6,): distance to the goal by 10 m, cosine and sine of
    its direction, both velocities by their highest, share of the time that is left.

    - `observation="lidar"` (default), `lidar` (beams,): distances by `lidar_range`, 1 is nothing in range.
      Beam b looks 2π b / `beams` to the left of straight ahead.
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
    what it has mapped, are then off by more and more. `lidar_noise` is added to the distances.

    ## Episodes
    Terminated on arrival (less than `goal_radius` from the goal) and, with `collisions="end"`, when the robot
    touches anything (with `"stop"` it stands still); truncated after `time_limit` seconds. The shortest way
    at the start is between `shortest` and `longest`, if the map has such a place.

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

    Args:
        render_mode: "rgb_array", "human" or None.
        maps: "rooms", "maze", "clutter", "mixed", or a path to a `.yaml`.
        map_count: maps a split.
        map_size: cells along a side.
        resolution: m, a cell.
        shortest: m, of the way from start to goal.
        longest: m.
        drive: "differential", "holonomic" or "ackermann".
        robot_radius: m.
        max_speed: m/s.
        max_turn: rad/s.
        acceleration: m/s².
        turn_acceleration: rad/s²; Ackermann: of the steering angle, rad/s.
        goal_radius: m.
        collisions: "end" or "stop".
        actions: "continuous" or "discrete".
        actuation_noise: share, standard deviation.
        odometry_noise: share, standard deviation.
        observation: "lidar", "sectors", "grid" or "blind".
        beams: of the lidar.
        lidar_range: m.
        lidar_noise: m, standard deviation.
        sectors: tokens; a divisor of `beams`.
        guide: whether the robot plans in its own map.
        patch_cells: V.
        patch_cell: m.
        success_reward: 4.
        collision_penalty: 4.
        time_penalty: a step, 0.01.
        progress_reward: a metre, 0.25.
        time_step: s.
        time_limit: s.
        split: "train" or "test".

    Raises:
        ValueError: for a wrong argument: its value, what is allowed, and the nearest name; for a map: its
            file and the remedy.

    Sources: Anderson et al. 2018, "On evaluation of embodied navigation agents" (task, SPL); Rutherford et
    al. 2024, JaxNav (the sizes of the rewards); Perille et al. 2020 (BARN).
    """

    def __init__(self, render_mode: str | None = None, **options: Unpack[PointNavOptions]) -> None:
        super().__init__(point_nav_setup(**options), render_mode)


class PointNavVectorEnv(LaneVectorEnv):
    """A batch of `PointNavEnv`, stepped on all cores; the same arguments.

    robots: in each map; with more than one each is an environment of its own (`LaneVectorEnv`), and who is
    done is gone, sees zeros and earns nothing until the others are done too.
    """

    def __init__(
        self,
        num_envs: int = 1,
        render_mode: str | None = None,
        robots: int = 1,
        **options: Unpack[PointNavOptions],
    ) -> None:
        super().__init__(point_nav_setup(robots, **options), num_envs, render_mode)


def parallel_env(
    render_mode: str | None = None, robots: int = 3, **options: Unpack[PointNavOptions]
) -> ParallelLaneEnv:
    """Returns a map in which `robot_0` … drive to goals of their own, as a parallel env.

    Each sees the others with its lidar, and where two touch, both have collided. Who arrives or collides has
    terminated and leaves, and is in nobody's way any more.

    robots: 2 to 8. The other arguments, the actions, observations and rewards are `PointNavEnv`'s. Raises
    ValueError for a wrong argument.
    """
    require_number("robots", robots, 2, MOST_ROBOTS, integer=True)
    return ParallelLaneEnv(point_nav_setup(robots, leave=True, **options), "point_nav_v0", render_mode)
