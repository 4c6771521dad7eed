"""The CrowdNav environment: its arguments, spaces and documentation page; the rules are in `kernel`."""

from typing import Literal, TypedDict, Unpack

import numpy as np
from gymnasium.spaces import Box, Dict, Discrete

from envs.core.gym_env import LaneEnv, LaneVectorEnv
from envs.core.lane import World
from envs.core.parallel_env import ParallelLaneEnv
from envs.core.setup import Renderer, Setup
from envs.core.validation import require_number, steps_of
from envs.navigation import moves
from envs.navigation.crowd_nav import kernel, observations
from envs.navigation.crowd_nav.baselines import BASELINES
from envs.navigation.crowd_nav.state import CrowdNavParams, ranges_of, state_dtype
from envs.navigation.options import OptionTable

WORLD = World(
    name="crowd_nav",
    params=CrowdNavParams,
    reset=kernel.reset_one,
    step=kernel.step_one,
    observe=observations.observe_one,
    metrics=kernel.metrics_one,
    reward_terms=kernel.REWARD_TERMS,
    metric_names=kernel.METRICS,
    ranges=ranges_of,
)


class CrowdNavOptions(TypedDict, total=False):
    """The arguments of the environments; `CrowdNavEnv` says what each one means."""

    people: Literal["orca", "social_force"]
    people_count: int
    scenario: Literal["circle", "square", "mixed"]
    circle_radius: float
    square_width: float
    varied_people: bool
    new_goals: bool
    robot_visible: bool
    drive: Literal["holonomic", "differential"]
    robot_radius: float
    max_speed: float
    max_turn: float
    goal_radius: float
    actions: Literal["continuous", "discrete", "discrete81"]
    observation: Literal["people", "lidar"]
    sensor_range: float
    beams: int
    scans: int
    success_reward: float
    collision_penalty: float
    discomfort_distance: float
    discomfort_penalty: float
    progress_reward: float
    time_step: float
    time_limit: float
    split: Literal["train", "test"]


_OPTIONS = OptionTable(
    numbers=(
        ("people_count", 5, 1, 100, "integer"),
        ("circle_radius", 4.0, 1.0, 100.0, "number"),
        ("square_width", 10.0, 2.0, 200.0, "number"),
        ("robot_radius", 0.3, 0.0, 2.0, "positive"),
        ("max_speed", 1.0, 0.0, 5.0, "positive"),
        ("max_turn", 2.0, 0.0, 4.0, "positive"),
        ("goal_radius", 0.3, 0.0, 2.0, "positive"),
        ("sensor_range", 5.0, 0.0, 100.0, "positive"),
        ("beams", 64, 4, 1024, "integer"),
        ("scans", 3, 1, 16, "integer"),
        ("success_reward", 1.0, 0.0, 1000.0, "number"),
        ("collision_penalty", 0.25, 0.0, 1000.0, "number"),
        ("discomfort_distance", 0.2, 0.0, 2.0, "number"),
        ("discomfort_penalty", 0.5, 0.0, 1000.0, "number"),
        ("progress_reward", 0.0, 0.0, 1000.0, "number"),
        ("time_step", 0.25, 0.01, 1.0, "number"),
        ("time_limit", 25.0, 0.0, 10_000.0, "positive"),
    ),
    choices={
        "people": ("orca", "social_force"),
        "scenario": ("circle", "square", "mixed"),
        "drive": ("holonomic", "differential"),
        "actions": ("continuous", "discrete", "discrete81"),
        "observation": ("people", "lidar"),
        "split": ("train", "test"),
    },
    switches={"varied_people": False, "new_goals": False, "robot_visible": False},
)


def crowd_nav_setup(robots: int = 1, leave: bool = False, **options: Unpack[CrowdNavOptions]) -> Setup:
    """Returns the world with its parameters chosen; leave: whether agents that are done leave the others.

    Raises ValueError for a wrong argument.
    """
    chosen = _OPTIONS.check(options)
    require_number("robots", robots, 1, 20, integer=True)
    holonomic, lidar = chosen["drive"] == "holonomic", chosen["observation"] == "lidar"
    people, scans, beams = chosen["people_count"], chosen["scans"], chosen["beams"]
    table = moves.fine(holonomic) if chosen["actions"] == "discrete81" else moves.coarse(holonomic)
    params = CrowdNavParams(
        split=_OPTIONS.index("split", chosen),
        dt=float(chosen["time_step"]),
        max_steps=steps_of(chosen["time_limit"] / chosen["time_step"]),
        people=people,
        scenario=_OPTIONS.index("scenario", chosen),
        circle_radius=float(chosen["circle_radius"]),
        square_width=float(chosen["square_width"]),
        model=_OPTIONS.index("people", chosen),
        varied=int(chosen["varied_people"]),
        new_goals=int(chosen["new_goals"]),
        robot_visible=int(chosen["robot_visible"]),
        drive=_OPTIONS.index("drive", chosen),
        robot_radius=float(chosen["robot_radius"]),
        max_speed=float(chosen["max_speed"]),
        max_turn=float(chosen["max_turn"]),
        goal_radius=float(chosen["goal_radius"]),
        discrete=int(chosen["actions"] != "continuous"),
        moves=table,
        success=float(chosen["success_reward"]),
        collision=float(chosen["collision_penalty"]),
        discomfort_m=float(chosen["discomfort_distance"]),
        discomfort=float(chosen["discomfort_penalty"]),
        progress=float(chosen["progress_reward"]),
        observation=_OPTIONS.index("observation", chosen),
        sensor_range=float(chosen["sensor_range"]),
        scans=scans,
        directions=moves.directions_of(beams),
    )
    others = robots + people - 1
    part = (
        ("lidar", Box(0.0, 1.0, (scans * beams,), np.float32))
        if lidar
        else ("people", Box(-1.0, 1.0, (others, observations.TOKEN), np.float32))
    )
    return Setup(
        world=WORLD,
        params=params,
        state_dtype=state_dtype(robots, people, *((scans, beams) if lidar else (1, 1))),
        observation_space=Dict([part, ("robot", Box(-1.0, 1.0, (observations.OWN,), np.float32))]),
        action_space=Discrete(len(table)) if params.discrete else Box(-1.0, 1.0, (2,), np.float32),
        renderer=lambda: _renderer(params, robots),
        render_fps=round(1 / chosen["time_step"]),
        baselines=BASELINES,
        agents=("robot",) if robots == 1 else tuple(f"robot_{r}" for r in range(robots)),
        active="active" if leave else None,
    )


def _renderer(params: CrowdNavParams, robots: int) -> Renderer:
    from envs.navigation.crowd_nav.render import CrowdNavRenderer  # pygame is imported when it draws

    return CrowdNavRenderer(params, robots)


class CrowdNavEnv(LaneEnv):
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
      the goal. At first all scans are the same.

    ## Reward
    Terms: `success`, `success_reward` on arrival; `collision`, minus `collision_penalty`; `discomfort`,
    `discomfort_penalty` times `time_step` times (gap − `discomfort_distance`) where the least gap to anyone
    during the step is below that; `progress`, `progress_reward` a metre come nearer to the goal, which the
    conventional reward lacks (default 0).

    ## Collisions
    The surfaces of two discs meet, at any moment of a step: nobody passes through another between two steps.

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
    `discomfort_distance`); `path_length` (m); `spl` (success × straight distance / path, at most 1);
    `mean_acceleration` (m/s², of the change of velocity from step to step: the less the smoother); `length`.

    ## Baselines
    `straight_line` (blind), `orca`, `social_force`; for every drive and kind of action. They know everyone's
    place and velocity, also out of sight.

    Args:
        render_mode: "rgb_array", "human" or None.
        people: how people walk, "orca" or "social_force".
        people_count: 1 to 100.
        scenario: "circle", "square" or "mixed".
        circle_radius: m.
        square_width: m.
        varied_people: whether radii are 0.3 to 0.5 m and speeds 0.5 to 1.5 m/s instead of 0.3 m and 1 m/s.
        new_goals: whether people who arrive walk on to a new goal, so that the crowd does not disperse.
        robot_visible: whether people see the robot.
        drive: "holonomic" or "differential".
        robot_radius: m.
        max_speed: m/s.
        max_turn: rad/s.
        goal_radius: m.
        actions: "continuous", "discrete" or "discrete81".
        observation: "people" or "lidar".
        sensor_range: m.
        beams: of the lidar.
        scans: that are observed.
        success_reward: 1.
        collision_penalty: 0.25.
        discomfort_distance: m, 0.2.
        discomfort_penalty: a second and metre, 0.5.
        progress_reward: a metre, 0.
        time_step: s.
        time_limit: s.
        split: "train" or "test".

    Raises:
        ValueError: for a wrong argument: its value, what is allowed, and the nearest name.

    Sources: Chen, Liu, Kreiss & Alahi 2019, "Crowd-robot interaction" (task and reward); van den Berg et al.
    2011 (ORCA); Helbing & Molnár 1995, Moussaïd et al. 2009 (social forces).
    """

    def __init__(self, render_mode: str | None = None, **options: Unpack[CrowdNavOptions]) -> None:
        super().__init__(crowd_nav_setup(**options), render_mode)


class CrowdNavVectorEnv(LaneVectorEnv):
    """A batch of `CrowdNavEnv`, stepped on all cores; the same arguments.

    robots: in each place; with more than one each is an environment of its own (`LaneVectorEnv`), and who is
    done is gone, sees zeros and earns nothing until the others are done too.
    """

    def __init__(
        self,
        num_envs: int = 1,
        render_mode: str | None = None,
        robots: int = 1,
        **options: Unpack[CrowdNavOptions],
    ) -> None:
        super().__init__(crowd_nav_setup(robots, **options), num_envs, render_mode)


def parallel_env(
    render_mode: str | None = None, robots: int = 3, **options: Unpack[CrowdNavOptions]
) -> ParallelLaneEnv:
    """Returns a place in which `robot_0` … drive among people and one another, as a parallel env.

    All but the first begin as people do, near the circle or in the square, on the way to the other side. To a
    robot's senses and in its reward the other robots are bodies as people are. Who arrives or collides has
    terminated and leaves, and is in nobody's way any more.

    robots: 2 to 20. The other arguments, the actions, observations and rewards are `CrowdNavEnv`'s, with
    robots + people − 1 tokens. Raises ValueError for a wrong argument.
    """
    require_number("robots", robots, 2, 20, integer=True)
    return ParallelLaneEnv(crowd_nav_setup(robots, leave=True, **options), "crowd_nav_v0", render_mode)
