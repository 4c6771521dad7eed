"""The CrowdNav environment: its arguments, spaces and documentation page; the rules are in `kernel`."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from gymnasium.spaces import Box, Dict

from quadrivium.envs.core.lane import World
from quadrivium.envs.core.options import integer, number, params_of
from quadrivium.envs.core.setup import Setup, drawn_by, numbered
from quadrivium.envs.core.validation import steps_of
from quadrivium.envs.core.world_env import WorldEnv, WorldVectorEnv
from quadrivium.envs.core.world_parallel_env import WorldParallelEnv
from quadrivium.envs.navigation import moves
from quadrivium.envs.navigation.crowd_nav import kernel, observations
from quadrivium.envs.navigation.crowd_nav.baselines import BASELINES
from quadrivium.envs.navigation.crowd_nav.state import CrowdNavParams, ranges_of, state_dtype
from quadrivium.envs.navigation.options import LidarOptions, action_space, names_of
from quadrivium.envs.navigation.poses import shown_poses

WORLD = World.of(kernel, "crowd_nav", CrowdNavParams, observe=observations.observe_one, ranges=ranges_of)


@dataclass(frozen=True, kw_only=True)
class CrowdNavOptions(LidarOptions):
    """The arguments of the CrowdNav environments."""

    COUNT: ClassVar = "robots"

    robots: int = integer(1, 1, 20)
    """in each place; the single environment has one"""
    people: Literal["orca", "social_force"] = "orca"
    """how people walk"""
    people_count: int = integer(5, 1, 100)
    """how many"""
    scenario: Literal["circle", "square", "mixed"] = "circle"
    """where people come from and go to"""
    circle_radius: float = number(4.0, 1.0, 100.0)
    """m"""
    square_width: float = number(10.0, 2.0, 200.0)
    """m"""
    varied_people: bool = False
    """whether radii are 0.3 to 0.5 m and speeds 0.5 to 1.5 m/s instead of 0.3 m and 1 m/s"""
    new_goals: bool = False
    """whether people who arrive walk on to a new goal, so that the crowd does not disperse"""
    robot_visible: bool = False
    """whether people see the robot"""
    drive: Literal["holonomic", "differential"] = "holonomic"
    """how the robot moves"""
    robot_radius: float = number(0.3, 0.0, 2.0, above=True)
    """m"""
    max_speed: float = number(1.0, 0.0, 5.0, above=True)
    """m/s"""
    max_turn: float = number(2.0, 0.0, 4.0, above=True)
    """rad/s"""
    goal_radius: float = number(0.3, 0.0, 2.0, above=True)
    """m"""
    actions: Literal["continuous", "discrete", "discrete81"] = "continuous"
    """the kind of actions"""
    observation: Literal["people", "lidar"] = "people"
    """what is perceived of others"""
    sensor_range: float = number(5.0, 0.0, 100.0, above=True)
    """m"""
    scans: int = integer(3, 1, 16)
    """that are observed"""
    success_reward: float = number(1.0, 0.0, 1000.0)
    """on arrival"""
    collision_penalty: float = number(0.25, 0.0, 1000.0)
    """for a collision"""
    discomfort_distance: float = number(0.2, 0.0, 2.0)
    """m"""
    discomfort_penalty: float = number(0.5, 0.0, 1000.0)
    """a second and metre"""
    progress_reward: float = number(0.0, 0.0, 1000.0)
    """a metre"""
    time_step: float = number(0.25, 0.01, 1.0)
    """s"""
    time_limit: float = number(25.0, 0.0, 10_000.0, above=True)
    """s"""

    def check(self) -> None:
        """A lidar sees something."""
        self.require_range("sensor_range")


def crowd_nav_setup(options: CrowdNavOptions) -> Setup:
    """Returns the world with its parameters chosen."""
    holonomic, lidar = options.drive == "holonomic", options.observation == "lidar"
    robots, people, scans, beams = options.robots, options.people_count, options.scans, options.beams
    params = params_of(
        CrowdNavParams,
        options,
        dt=options.time_step,
        max_steps=steps_of(options.time_limit / options.time_step),
        people=people,
        model=options.index("people"),
        varied=options.varied_people,
        discrete=options.actions != "continuous",
        moves=moves.fine(holonomic) if options.actions == "discrete81" else moves.coarse(holonomic),
        success=options.success_reward,
        collision=options.collision_penalty,
        discomfort_m=options.discomfort_distance,
        discomfort=options.discomfort_penalty,
        progress=options.progress_reward,
        directions=moves.directions_of(beams, options.field_of_view),
    )
    if lidar:
        part = ("lidar", Box(0.0, 1.0, (scans * beams,), np.float32))
        texts = (f"distance of beam {{}}, {k} scans ago, by `sensor_range`" for k in range(scans))
        seen = tuple(column for text in texts for column in numbered(text, beams))
    else:
        others, seen = robots + people - 1, observations.TOKEN_COLUMNS
        part = ("people", Box(-1.0, 1.0, (others, len(seen)), np.float32))
    own = observations.OWN_COLUMNS
    return Setup(
        world=WORLD,
        params=params,
        state_dtype=state_dtype(robots, people, *((scans, beams) if lidar else (1, 1))),
        observation_space=Dict([part, ("robot", Box(-1.0, 1.0, (len(own),), np.float32))]),
        action_space=action_space(params),
        renderer=drawn_by("quadrivium.envs.navigation.crowd_nav.render:CrowdNavRenderer", params, robots),
        render_fps=round(1 / options.time_step),
        baselines=BASELINES,
        agents=names_of(robots),
        active="active" if robots > 1 else None,
        columns={part[0]: seen, "robot": own},
        tokens={} if lidar else {"people": tuple(f"person {k + 1}" for k in range(robots + people - 1))},
        shown=shown_poses(),
    )


class CrowdNavEnv(WorldEnv):
    """A robot on the way to its goal across a place where people walk.

    With the defaults it is the task of Chen et al. 2019: five people cross a circle of 4 m, each on the way
    to the other side, and so does the robot, which they do not see. The published result of a robot that goes
    by ORCA, 43 % success and 57 % collisions, is met here.

    ## Time
    In a step of `time_step` seconds everyone chooses a velocity by what there was before it, then all move.

    ## Actions
    - `drive="holonomic"` (default), Box(−1, 1, (2,)): a velocity by `max_speed`, ahead to the goal and to the
      left of it, held during the step; one longer than 1 is shortened to 1.
    - `drive="differential"`, the same Box: the speed from none (−1) to `max_speed` (1), and the turn rate by
      `max_turn`, to the left.

    `actions="discrete"`, Discrete(15). Holonomic: 0 stands still, 1 … 7 go at half and 8 … 14 at full speed
    in directions 2π/7 apart, from the goal's to the left. Differential: 5 k + t has the speed k/2 of 0, ½ and
    1, and one of five turn rates from full to the right (0) to full to the left (4).
    `actions="discrete81"`, the conventional 81: 0 stands still; then for each of 16 directions, or turn rates
    from full to the right to full to the left, five speeds that grow exponentially to the highest.

    ## Observations
    A Dict of what is perceived of others, and `robot` (6,): distance to the goal by 10 m, velocity by 2 m/s
    (ahead to the goal, and to the left), cosine and sine of where the robot looks against the goal's
    direction, share of the time that is left. All is seen from the robot, with the goal straight ahead.

    - `observation="people"` (default), `people` (N, 7), a token for each person in sight, the nearest first:
      presence (1), x and y by `sensor_range`, vx and vy by 2 m/s, radius by 1 m, gap between the surfaces by
      `sensor_range`; all clipped to [−1, 1]; the rest are 0. A person is in sight if its surface is in range
      and nobody else covers its centre: what a robot's own sensors tell, not what the simulator knows.
    - `observation="lidar"`, `lidar` (`scans` × `beams`,): the distances by `sensor_range` (1: nothing) at
      which the beams of the last scans hit, the newest scan first; beam b looks 2π b / `beams` to the left of
      the goal. With a `field_of_view` below 360° the beams are about where the robot looks, from the right
      end to the left one. `lidar_noise` is added to distances; what is nearer than `least_range`, and a share
      of `dropped_beams`, returns nothing, which is observed as 1. At first the scans are of one moment.

    ## Reward
    Terms: `success`, `success_reward` on arrival; `collision`, minus `collision_penalty`; `discomfort`,
    `discomfort_penalty` times `time_step` times (gap − `discomfort_distance`) where the least gap to anyone
    during the step is below that; `progress`, `progress_reward` a metre come nearer to the goal, which the
    conventional reward lacks (default 0).

    ## Collisions
    The surfaces of two discs meet, at any moment of a step and on the arc that a robot drives: nobody passes
    through another between two steps. Who crosses its goal within a step has arrived there, if nobody was
    touched before.

    ## People
    `people="orca"`: optimal reciprocal collision avoidance, with half-planes for the 10 nearest within 10 m
    and 5 s; `people="social_force"`: the social force model. They slow down on the last metre, and stay at
    their goals, or with `new_goals` walk on. With `robot_visible` they avoid the robot as they do each other.

    ## Episodes
    Terminated on arrival (less than `goal_radius` from the goal) and by a collision; truncated after
    `time_limit` seconds. The robot begins at the south of the circle, 2 `circle_radius` from its goal.
    `scenario="circle"`: people begin near the circle, half a metre about it, each opposite its goal;
    `"square"`: in one half of a square of `square_width`, with a goal in the other; `"mixed"`: one or the
    other. Where a crowd finds no room, circle and square grow. `split="test"` draws from scenarios that no
    training seed can give.

    ## Metrics
    `success`, `collision`, `timeout`; `time_to_goal` (s; `time_limit` for who does not arrive);
    `min_distance` (m, surface to surface); `intrusion_ratio` (share of steps with a gap below
    `discomfort_distance`); `path_length` (m); `spl` (success × straight distance to the goal's edge / path,
    at most 1); `mean_acceleration` (m/s², of the change of velocity a step: the less the smoother);
    `length`.

    ## Baselines
    `straight_line` (blind), `orca`, `social_force`; for every drive and kind of action. They know everyone's
    place and velocity, also out of sight.

    Sources: Chen, Liu, Kreiss & Alahi 2019, "Crowd-robot interaction" (task and reward); van den Berg et al.
    2011 (ORCA); Helbing & Molnár 1995, Moussaïd et al. 2009 (social forces).
    """

    options, setup_of = CrowdNavOptions, staticmethod(crowd_nav_setup)


class CrowdNavVectorEnv(WorldVectorEnv):
    """A batch of `CrowdNavEnv`, stepped on all cores; the same arguments.

    With more than one of `robots` each is an environment of its own (`LaneVectorEnv`), and who is done is
    gone until the others are done too.
    """

    single = CrowdNavEnv


class CrowdNavParallelEnv(WorldParallelEnv):
    """A place in which `robot_0` … drive among people and one another, as a parallel env.

    All but the first begin as people do, near the circle or in the square, on the way to the other side. To a
    robot's senses and in its reward the other robots are bodies as people are. Who arrives or collides has
    terminated and leaves, and is in nobody's way any more.

    robots: 2 to 20, by default 3. The other arguments, the actions, observations and rewards are
    `CrowdNavEnv`'s, with robots + people − 1 tokens. Raises ValueError for a wrong argument.
    """

    single, name = CrowdNavEnv, "crowd_nav_v0"
