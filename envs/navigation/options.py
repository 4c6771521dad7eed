"""What the worlds in which a robot drives through a map take: the arguments that they share."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from gymnasium.spaces import Box, Discrete

from quadrivium.envs.core.options import Options, integer, number
from quadrivium.envs.core.validation import steps_of
from quadrivium.envs.navigation import moves
from quadrivium.envs.navigation.maps.bank import MapBank
from quadrivium.envs.navigation.maps.choice import choose_bank, require_maps


@dataclass(frozen=True, kw_only=True)
class RobotOptions(Options):
    """The arguments of a world in which a robot with a lidar drives through a map."""

    maps: str | Path | Sequence[str | Path] = "rooms"
    """"rooms", "maze", "clutter", "mixed", or maps of your own: the path of a `.yaml`, `.map`, `.scen` or
    `.world`, a folder, a pattern, or a list of these
    """
    map_count: int = integer(200, 1, 10_000)
    """maps a split"""
    map_size: int = integer(64, 16, 512)
    """cells along a side"""
    resolution: float = number(0.15, 0.0, 10.0, above=True)
    """m, a cell, also of a `.map`"""
    drive: Literal["differential", "holonomic", "ackermann"] = "differential"
    """how the robot moves"""
    robot_radius: float = number(0.2, 0.0, 5.0, above=True)
    """m"""
    max_speed: float = number(1.0, 0.0, 20.0, above=True)
    """m/s"""
    max_turn: float = number(1.0, 0.0, 10.0, above=True)
    """rad/s"""
    acceleration: float = number(1.0, 0.0, 100.0, above=True)
    """m/s²"""
    turn_acceleration: float = number(2.0, 0.0, 100.0, above=True)
    """rad/s²; Ackermann: of the steering angle, rad/s"""
    collisions: Literal["end", "stop"] = "end"
    """what they do: end the episode, or stop the robot"""
    actions: Literal["continuous", "discrete"] = "continuous"
    """the kind of actions"""
    actuation_noise: float = number(0.0, 0.0, 1.0)
    """share, standard deviation"""
    odometry_noise: float = number(0.0, 0.0, 1.0)
    """share, standard deviation"""
    beams: int = integer(64, 4, 1024)
    """of the lidar"""
    lidar_range: float = number(6.0, 0.0, 1000.0, above=True)
    """m"""
    lidar_noise: float = number(0.0, 0.0, 10.0)
    """m, standard deviation"""
    guide: bool = False
    """whether the robot plans in its own map, and is told where the plan leads"""
    patch_cells: int = integer(32, 4, 128)
    """V, along a side of the egocentric grid"""
    patch_cell: float = number(0.3, 0.0, 10.0, above=True)
    """m, of the grid"""
    collision_penalty: float = number(4.0, 0.0, 1000.0)
    """for touching anything"""
    time_penalty: float = number(0.01, 0.0, 1000.0)
    """a step"""
    time_step: float = number(0.1, 0.01, 1.0)
    """s"""
    time_limit: float = number(50.0, 0.0, 10_000.0, above=True)
    """s"""

    def check(self) -> None:
        """The maps are named; a file is read when the environment is made."""
        require_maps(self.maps)

    def bank(self, goals: int, **others: Any) -> MapBank:
        """Returns the maps, with `goals` places each at least to go to; others: as in `choose_bank`."""
        return choose_bank(
            self.maps,
            split=self.split,
            count=self.map_count,
            size=self.map_size,
            resolution=self.resolution,
            robot_radius=self.robot_radius,
            goals=goals,
            **others,
        )

    def derived(self, bank: MapBank) -> dict[str, Any]:
        """Returns the parameters of the rules that follow from these options in the same way everywhere."""
        return {
            "dt": self.time_step,
            "max_steps": steps_of(self.time_limit / self.time_step),
            "occupied": bank.occupied,
            "clearance": bank.clearance,
            "resolution": bank.resolution,
            "radius": self.robot_radius,
            "bump": self.collisions == "stop",
            "discrete": self.actions == "discrete",
            "moves": moves.coarse(self.drive == "holonomic"),
            "collision": self.collision_penalty,
            "time": self.time_penalty,
            "directions": moves.directions_of(self.beams),
            "margin": math.ceil(self.robot_radius / bank.resolution - 0.5),
            "patch": self.patch_cells,
        }


def action_space(params: Any) -> Discrete | Box:
    """Returns the space of one robot's actions: the moves, or two numbers."""
    return Discrete(len(params.moves)) if params.discrete else Box(-1.0, 1.0, (2,), np.float32)


def names_of(robots: int) -> tuple[str, ...]:
    """Returns the agents' names of a world with so many robots."""
    return ("robot",) if robots == 1 else tuple(f"robot_{r}" for r in range(robots))
