"""The Explore environment: its arguments, spaces and documentation page; the rules are in `kernel`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from gymnasium.spaces import Box, Dict
from scipy.ndimage import binary_dilation, label

from quadrivium.envs.core.lane import World
from quadrivium.envs.core.options import number, params_of
from quadrivium.envs.core.setup import Setup, drawn_by, numbered
from quadrivium.envs.core.world_env import WorldEnv, WorldVectorEnv
from quadrivium.envs.navigation.explore import kernel, senses
from quadrivium.envs.navigation.explore.baselines import BASELINES
from quadrivium.envs.navigation.explore.state import ExploreParams, ranges_of, state_dtype
from quadrivium.envs.navigation.maps.bank import MapBank
from quadrivium.envs.navigation.options import RobotOptions, action_space
from quadrivium.envs.navigation.own_map.saving import save_own_map
from quadrivium.envs.navigation.own_map.wavefront import GUIDE_COLUMNS
from quadrivium.envs.navigation.poses import shown_poses

WORLD = World.of(kernel, "explore", ExploreParams, observe=senses.observe_one, ranges=ranges_of)


@dataclass(frozen=True, kw_only=True)
class ExploreOptions(RobotOptions):
    """The arguments of the Explore environments."""

    collisions: Literal["end", "stop"] = "stop"
    odometry_noise: float = number(0.05, 0.0, 1.0)
    lidar_range: float = number(4.0, 0.0, 1000.0, above=True)
    lidar_noise: float = number(0.01, 0.0, 10.0)
    guide: bool = False
    """whether the robot is told where the nearest frontier is"""
    collision_penalty: float = number(2.0, 0.0, 1000.0)
    time_penalty: float = number(0.0, 0.0, 1000.0)
    time_step: float = number(0.2, 0.01, 1.0)
    time_limit: float = number(60.0, 0.0, 10_000.0, above=True)
    scan_matching: bool = True
    """whether scans correct the odometry"""
    map_reward: float = number(10.0, 0.0, 1000.0)
    """for the whole place"""
    enough: float = number(0.97, 0.0, 1.0, above=True)
    """coverage at which the episode ends"""


def explore_setup(options: ExploreOptions) -> Setup:
    """Returns the world with its parameters chosen; ValueError for a map that no robot can drive in."""
    beams, side, bank = options.beams, options.patch_cells, options.bank(goals=1)
    params = params_of(
        ExploreParams,
        options,
        **options.derived(bank),
        seeable=seeable(bank),
        matching=options.scan_matching,
        gain=options.map_reward,
    )
    own = (*senses.OWN_COLUMNS, *(GUIDE_COLUMNS if params.guide else ()))
    return Setup(
        world=WORLD,
        params=params,
        state_dtype=state_dtype(beams, bank.occupied.shape[1], bank.occupied.shape[2]),
        observation_space=Dict(
            [
                ("grid", Box(-1.0, 1.0, (1, side, side), np.float32)),
                ("lidar", Box(0.0, 1.0, (beams,), np.float32)),
                ("robot", Box(-1.0, 1.0, (len(own),), np.float32)),
            ]
        ),
        action_space=action_space(params),
        renderer=drawn_by("quadrivium.envs.navigation.explore.render:ExploreRenderer", params),
        render_fps=round(1 / options.time_step),
        baselines=BASELINES,
        columns={
            "grid": ("free (−1), unknown (0) or occupied (1)",),
            "lidar": numbered("distance of beam {}, by `lidar_range`", beams),
            "robot": own,
        },
        shown=shown_poses(bank.origins),
        source=bank,
        files=dict(bank.files),
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


class ExploreEnv(WorldEnv):
    """A robot that maps a place which it does not know, by its own lidar and its own reckoning.

    It keeps an occupancy grid by log-odds. Its odometry drifts; each scan is matched with the map so far,
    which corrects where the robot believes to be. What it is paid for is what its map has right.

    ## Time and robot
    As in `PointNavEnv`: exact arcs, limits of acceleration, the same drives, footprints and actions.

    ## Maps
    As in `PointNavEnv`: `maps="rooms"` (default), `"maze"`, `"clutter"`, `"mixed"`, or maps of your own. The
    robot's map has the cells of the true one, and it begins where it truly stands. `save_map` writes it in
    ROS form.

    ## Actions
    Box(−1, 1, (2,)), or with `actions="discrete"` Discrete(15) or (20): see `PointNavEnv`.

    ## Observations
    A Dict:

    - `grid` (1, V, V): the surroundings of the robot in its own map, straight ahead up, in cells of
      `patch_cell` m, from −1 (free) by 0 (unknown) to 1 (occupied).
    - `lidar` (beams,): distances by `lidar_range`, 1 is nothing in range; beam b looks 2π b / `beams` to the
      left of straight ahead; with a `field_of_view` below 360° they go from its right end to its left one.
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
    velocities. `scan_matching=False` leaves the odometry as it is. What is nearer than `least_range`, and a
    share of `dropped_beams`, returns nothing: observed as 1, and left out of the map.

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

    Sources: Yamauchi 1997 (frontiers); Hornung et al. 2013, OctoMap (log-odds and their bounds).
    """

    options, setup_of = ExploreOptions, staticmethod(explore_setup)

    def save_map(self, path: str | Path) -> Path:
        """Writes the robot's own map in ROS form, to the `.yaml` of that name and a `.pgm` beside it.

        Returns the path of the YAML, which `maps` takes. Raises ValueError for another ending.
        """
        return save_own_map(path, self.setup, self.get_state()[0])


class ExploreVectorEnv(WorldVectorEnv):
    """A batch of `ExploreEnv`, stepped on all cores; the same arguments."""

    single = ExploreEnv
