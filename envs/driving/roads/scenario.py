"""What makes a scenario: a network, who begins where on it, what is paid, and what an environment takes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from gymnasium.spaces import Box, Discrete

from quadrivium.envs.core.lane import World
from quadrivium.envs.core.options import Options, integer, number, params_of
from quadrivium.envs.core.setup import Setup
from quadrivium.envs.core.validation import steps_of
from quadrivium.envs.driving.roads import kernel, observations
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
        slow, speed_step: m/s: the least target speed and the step between the three.
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
    slow: float = 20.0
    speed_step: float = 5.0
    observed: tuple[float, float, float] = (200.0, 8.0, 80.0)
    own_x0: float = 0.0
    bound: float = 1.0
    absolute: bool = False
    columns: tuple[str, ...] = field(default=observations.PLAIN_COLUMNS)


@dataclass(frozen=True, kw_only=True)
class RoadsOptions(Options):
    """The arguments that all scenarios on networks of roads have."""

    duration: float = number(60, 0, 10_000, above=True)
    """s"""
    simulation_frequency: int = integer(15, 1, 120)
    """frames a second, a multiple of `decision_frequency`"""
    decision_frequency: int = integer(1, 1, 120)
    """decisions a second"""
    traffic: Literal["cautious", "conventional"] = "cautious"
    """how others drive"""
    observed_vehicles: int = integer(5, 1, 100)
    """rows of the observation, the ego's included"""
    actions: Literal["meta", "continuous"] = "meta"
    """the kind of actions"""
    reward: Literal["safe", "classic"] = "safe"
    """the kind of reward"""

    def check(self) -> None:
        """A decision holds for a whole number of frames."""
        simulation, decision = self.simulation_frequency, self.decision_frequency
        if simulation % decision:
            raise ValueError(
                f"simulation_frequency={simulation} is no multiple of decision_frequency={decision}; "
                f"try simulation_frequency={decision * math.ceil(simulation / decision)}"
            )


def roads_setup(
    options: RoadsOptions, scenario: Scenario, baselines: Mapping[str, Callable[..., np.ndarray]]
) -> Setup:
    """Returns the world of a scenario with its parameters chosen."""
    simulation, decision = options.simulation_frequency, options.decision_frequency
    shape = (options.observed_vehicles, len(scenario.columns))
    spawns = np.array([spawn.row() for spawn in scenario.spawns], SPAWN_DTYPE)
    obstacles = np.array(list(scenario.obstacles), OBSTACLE_DTYPE)
    params = params_of(
        RoadsParams,
        options,
        **scenario.roads.arrays._asdict(),
        destinations=scenario.roads.destinations,
        spawns=spawns,
        obstacles=obstacles,
        weights=np.array([scenario.weights], WEIGHTS_DTYPE),
        goals=np.array(scenario.goals, np.int32),
        goal_s=scenario.goal_s,
        arrival_ends=scenario.arrival_ends or options.reward == "safe",
        frames=simulation // decision,
        dt=1.0 / simulation,
        max_steps=steps_of(options.duration * decision),
        think_frames=think_frames(1.0 / simulation),
        slow=scenario.slow,
        speed_step=scenario.speed_step,
        cautious=options.traffic == "cautious",
        continuous=options.actions == "continuous",
        safe=options.reward == "safe",
        obs_rows=options.observed_vehicles,
        obs_columns=len(scenario.columns),
        obs_absolute=scenario.absolute,
        obs_x=scenario.observed[0],
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
        render_fps=decision,
        baselines=baselines,
        columns={"observation": scenario.columns},
        source=scenario,
    )


def think_frames(dt: float) -> int:
    """Returns the frames between two thoughts of changing lane: while a clock in float64 is within 1 s."""
    clock, frames = 0.0, 0
    while clock <= 1.0:
        clock, frames = clock + dt, frames + 1
    return frames
