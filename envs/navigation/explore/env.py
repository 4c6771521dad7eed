"""The Explore environment: its arguments, spaces and documentation page; the rules are in `kernel`."""

import math
from typing import Literal, TypedDict, Unpack

import numpy as np
from gymnasium.spaces import Box, Dict, Discrete
from scipy.ndimage import binary_dilation, label

from envs.core.gym_env import LaneEnv, LaneVectorEnv
from envs.core.lane import World
from envs.core.setup import Renderer, Setup
from envs.core.validation import steps_of
from envs.navigation import moves
from envs.navigation.explore import kernel, senses
from envs.navigation.explore.baselines import BASELINES
from envs.navigation.explore.state import ExploreParams, ranges_of, state_dtype
from envs.navigation.maps.bank import MapBank
from envs.navigation.maps.choice import choose_bank
from envs.navigation.options import OptionTable
from envs.navigation.wavefront import GUIDE

WORLD = World(
    name="explore",
    params=ExploreParams,
    reset=kernel.reset_one,
    step=kernel.step_one,
    observe=senses.observe_one,
    metrics=kernel.metrics_one,
    reward_terms=kernel.REWARD_TERMS,
    metric_names=kernel.METRICS,
    ranges=ranges_of,
)


class ExploreOptions(TypedDict, total=False):
    """The arguments of the environments; `ExploreEnv` says what each one means."""

    maps: str
    map_count: int
    map_size: int
    resolution: float
    drive: Literal["differential", "holonomic", "ackermann"]
    robot_radius: float
    max_speed: float
    max_turn: float
    acceleration: float
    turn_acceleration: float
    collisions: Literal["stop", "end"]
    actions: Literal["continuous", "discrete"]
    actuation_noise: float
    odometry_noise: float
    scan_matching: bool
    beams: int
    lidar_range: float
    lidar_noise: float
    guide: bool
    patch_cells: int
    patch_cell: float
    map_reward: float
    collision_penalty: float
    time_penalty: float
    enough: float
    time_step: float
    time_limit: float
    split: Literal["train", "test"]


_OPTIONS = OptionTable(
    numbers=(
        ("map_count", 200, 1, 10_000, "integer"),
        ("map_size", 64, 16, 512, "integer"),
        ("resolution", 0.15, 0.0, 10.0, "positive"),
        ("robot_radius", 0.2, 0.0, 5.0, "positive"),
        ("max_speed", 1.0, 0.0, 20.0, "positive"),
        ("max_turn", 1.0, 0.0, 10.0, "positive"),
        ("acceleration", 1.0, 0.0, 100.0, "positive"),
        ("turn_acceleration", 2.0, 0.0, 100.0, "positive"),
        ("actuation_noise", 0.0, 0.0, 1.0, "number"),
        ("odometry_noise", 0.05, 0.0, 1.0, "number"),
        ("beams", 64, 4, 1024, "integer"),
        ("lidar_range", 4.0, 0.0, 1000.0, "positive"),
        ("lidar_noise", 0.01, 0.0, 10.0, "number"),
        ("patch_cells", 32, 4, 128, "integer"),
        ("patch_cell", 0.3, 0.0, 10.0, "positive"),
        ("map_reward", 10.0, 0.0, 1000.0, "number"),
        ("collision_penalty", 2.0, 0.0, 1000.0, "number"),
        ("time_penalty", 0.0, 0.0, 1000.0, "number"),
        ("enough", 0.97, 0.0, 1.0, "positive"),
        ("time_step", 0.2, 0.01, 1.0, "number"),
        ("time_limit", 60.0, 0.0, 10_000.0, "positive"),
    ),
    choices={
        "drive": ("differential", "holonomic", "ackermann"),
        "collisions": ("stop", "end"),
        "actions": ("continuous", "discrete"),
        "split": ("train", "test"),
    },
    switches={"scan_matching": True, "guide": False},
    others={"maps": "rooms"},
)


def explore_setup(**options: Unpack[ExploreOptions]) -> Setup:
    """Returns the world with its parameters chosen.

    Raises ValueError for a wrong argument, or a map that no robot can drive in.
    """
    chosen = _OPTIONS.check(options)
    bank = choose_bank(
        chosen["maps"],
        split=chosen["split"],
        count=chosen["map_count"],
        size=chosen["map_size"],
        resolution=chosen["resolution"],
        robot_radius=chosen["robot_radius"],
        goals=1,
    )
    beams, side = chosen["beams"], chosen["patch_cells"]
    params = ExploreParams(
        split=_OPTIONS.index("split", chosen),
        dt=float(chosen["time_step"]),
        max_steps=steps_of(chosen["time_limit"] / chosen["time_step"]),
        occupied=bank.occupied,
        clearance=bank.clearance,
        seeable=seeable(bank),
        resolution=float(bank.resolution),
        drive=_OPTIONS.index("drive", chosen),
        radius=float(chosen["robot_radius"]),
        max_speed=float(chosen["max_speed"]),
        max_turn=float(chosen["max_turn"]),
        acceleration=float(chosen["acceleration"]),
        turn_acceleration=float(chosen["turn_acceleration"]),
        bump=int(chosen["collisions"] == "stop"),
        discrete=int(chosen["actions"] == "discrete"),
        moves=moves.coarse(chosen["drive"] == "holonomic"),
        actuation_noise=float(chosen["actuation_noise"]),
        odometry_noise=float(chosen["odometry_noise"]),
        matching=int(chosen["scan_matching"]),
        gain=float(chosen["map_reward"]),
        collision=float(chosen["collision_penalty"]),
        time=float(chosen["time_penalty"]),
        enough=float(chosen["enough"]),
        lidar_range=float(chosen["lidar_range"]),
        lidar_noise=float(chosen["lidar_noise"]),
        directions=moves.directions_of(beams),
        guide=int(chosen["guide"]),
        margin=math.ceil(chosen["robot_radius"] / bank.resolution - 0.5),
        patch=side,
        patch_cell=float(chosen["patch_cell"]),
    )
    own = senses.OWN + (GUIDE if params.guide else 0)
    return Setup(
        world=WORLD,
        params=params,
        state_dtype=state_dtype(beams, bank.occupied.shape[1], bank.occupied.shape[2]),
        observation_space=Dict(
            [
                ("grid", Box(-1.0, 1.0, (1, side, side), np.float32)),
                ("lidar", Box(0.0, 1.0, (beams,), np.float32)),
                ("robot", Box(-1.0, 1.0, (own,), np.float32)),
            ]
        ),
        action_space=Discrete(len(params.moves)) if params.discrete else Box(-1.0, 1.0, (2,), np.float32),
        renderer=lambda: _renderer(params),
        render_fps=round(1 / chosen["time_step"]),
        baselines=BASELINES,
        source=bank,
    )


def seeable(bank: MapBank) -> np.ndarray:
    """Returns (M, H, W) uint8: 1 in the free place in which the robot begins, and in the cells around it."""
    inside = np.zeros(bank.occupied.shape, np.uint8)
    for m, occupied in enumerate(bank.occupied):
        parts, _ = label(occupied == 0)  # pyright: ignore[reportGeneralTypeIssues]
        column, row = (bank.goals[m, 0] / bank.resolution).astype(int)
        inside[m] = binary_dilation(parts == parts[row, column], np.ones((3, 3)))
    inside.flags.writeable = False
    return inside


def _renderer(params: ExploreParams) -> Renderer:
    from envs.navigation.explore.render import ExploreRenderer  # pygame is imported when it draws

    return ExploreRenderer(params)


class ExploreEnv(LaneEnv):
    """A robot that maps a place which it does not know, by its own lidar and its own reckoning.

    It keeps an occupancy grid by log-odds. Its odometry drifts; each scan is matched with the map so far,
    which corrects where the robot believes to be. What it is paid for is what its map has right.

    ## Time and robot
    As in `PointNavEnv`: exact arcs, limits of acceleration, the same drives and actions.

    ## Maps
    As in `PointNavEnv`: `maps="rooms"` (default), `"maze"`, `"clutter"`, `"mixed"`, or a path to a `.yaml`.
    The robot's map has the cells of the true one, and it begins where it truly stands.

    ## Actions
    Box(−1, 1, (2,)), or with `actions="discrete"` Discrete(15): see `PointNavEnv`.

    ## Observations
    A Dict:
    - `grid` (1, V, V): the surroundings of the robot in its own map, straight ahead up, in cells of
      `patch_cell` m, from −1 (free) by 0 (unknown) to 1 (occupied).
    - `lidar` (beams,): distances by `lidar_range`, 1 is nothing in range; beam b looks 2π b / `beams` to the
      left of straight ahead.
    - `robot` (3,): both velocities by their highest, share of the time that is left. With `guide` (7,): then
      the direction of the way to the nearest frontier in the robot's own map (cosine and sine of its farthest
      point in sight, at most 2 m away), that distance by 2 m, and the length of the way by 20 m.

    ## Reward
    Terms: `mapped`, `map_reward` times the share of the place's cells by which right ones, less wrong ones,
    have become more; `collision`, minus `collision_penalty`; `time`, minus `time_penalty` a step. The place
    is the free cells that hang together with the robot's, and the cells around them.

    ## Noise
    `odometry_noise` scales the motion that the robot measures by 1 + it × a normal number, every step, and
    turns it by that share of the way; `lidar_noise` is added to distances; `actuation_noise` scales
    velocities. `scan_matching=False` leaves the odometry as it is.

    ## Episodes
    Terminated when `enough` of the place is mapped right, and with `collisions="end"` when the robot touches
    anything (with `"stop"`, the default, it stands still); truncated after `time_limit` seconds.

    ## Metrics
    `coverage` (share of the place that is mapped right, at the end), `mean_coverage` (over the whole time
    limit: the sooner the better; what is mapped when the episode ends counts for the rest), `map_error`
    (wrong cells by those that are known), `drift` (m, mean distance between where the robot is and believes
    to be), `collision`, `finished`, `path_length` (m), `length`.

    ## Baselines
    `nearest_frontier` (Yamauchi 1997): plans in the robot's own map, and follows by pure pursuit.

    Args:
        render_mode: "rgb_array", "human" or None.
        maps: "rooms", "maze", "clutter", "mixed", or a path to a `.yaml`.
        map_count: maps a split.
        map_size: cells along a side.
        resolution: m, a cell.
        drive: "differential", "holonomic" or "ackermann".
        robot_radius: m.
        max_speed: m/s.
        max_turn: rad/s.
        acceleration: m/s².
        turn_acceleration: rad/s²; Ackermann: of the steering angle, rad/s.
        collisions: "stop" or "end".
        actions: "continuous" or "discrete".
        actuation_noise: share, standard deviation.
        odometry_noise: share, standard deviation.
        scan_matching: whether scans correct the odometry.
        beams: of the lidar.
        lidar_range: m.
        lidar_noise: m, standard deviation.
        guide: whether the robot is told where the nearest frontier is.
        patch_cells: V.
        patch_cell: m.
        map_reward: for the whole place, 10.
        collision_penalty: 2.
        time_penalty: a step, 0.
        enough: coverage, 0.97.
        time_step: s.
        time_limit: s.
        split: "train" or "test".

    Raises:
        ValueError: for a wrong argument: its value, what is allowed, and the nearest name; for a map: its
            file and the remedy.

    Sources: Yamauchi 1997 (frontiers); Hornung et al. 2013, OctoMap (log-odds and their bounds).
    """

    def __init__(self, render_mode: str | None = None, **options: Unpack[ExploreOptions]) -> None:
        super().__init__(explore_setup(**options), render_mode)


class ExploreVectorEnv(LaneVectorEnv):
    """A batch of `ExploreEnv`, stepped on all cores; the same arguments."""

    def __init__(
        self, num_envs: int = 1, render_mode: str | None = None, **options: Unpack[ExploreOptions]
    ) -> None:
        super().__init__(explore_setup(**options), num_envs, render_mode)
