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
class LidarOptions(Options):
    """The arguments of a lidar."""

    beams: int = integer(64, 4, 1024)
    """of the lidar"""
    field_of_view: float = number(360.0, 1.0, 360.0)
    """degrees, about straight ahead, over which the beams are spread"""
    least_range: float = number(0.0, 0.0, 100.0)
    """m; what is nearer returns nothing"""
    dropped_beams: float = number(0.0, 0.0, 1.0)
    """share of the beams that return nothing, drawn anew in every scan"""
    lidar_noise: float = number(0.0, 0.0, 10.0)
    """m, standard deviation"""

    def require_range(self, name: str) -> None:
        """Raises ValueError unless the lidar reaches, by the argument `name`, farther than `least_range`."""
        reach = getattr(self, name)
        if self.least_range >= reach:
            raise ValueError(f"least_range={self.least_range} is not below {name}={reach}: use a smaller one")


@dataclass(frozen=True, kw_only=True)
class RobotOptions(LidarOptions):
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
    footprint: Sequence[Sequence[float]] | None = None
    """[[x, y], …], m: the corners of a convex outline about the robot's centre, x ahead, in turn; None: the
    disc of `robot_radius`
    """
    max_speed: float = number(1.0, 0.0, 20.0, above=True)
    """m/s"""
    max_reverse: float = number(0.0, 0.0, 20.0)
    """m/s, backwards; at most `max_speed`"""
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
    lidar_range: float = number(6.0, 0.0, 1000.0, above=True)
    """m"""
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
        self.require_range("lidar_range")
        if self.max_reverse > self.max_speed:
            raise ValueError(
                f"max_reverse={self.max_reverse} is above max_speed={self.max_speed}: use at most that"
            )
        if self.max_reverse > 0 and self.drive == "holonomic":
            raise ValueError(
                f"max_reverse={self.max_reverse}, and a holonomic robot goes everywhere: leave it out"
            )
        self.sides()

    def sides(self) -> np.ndarray:
        """Returns the footprint, (K, 5) float32 as `quadrivium.envs.navigation.footprint` has it; (0, 5): a
        disc.
        """
        return np.zeros((0, 5), np.float32) if self.footprint is None else sides_of(self.footprint)

    def radius(self) -> float:
        """Returns the radius in m of the disc that the robot is, or of the one around its footprint."""
        sides = self.sides()
        return float(np.hypot(sides[:, 0], sides[:, 1]).max()) if len(sides) else self.robot_radius

    def bank(self, goals: int, **others: Any) -> MapBank:
        """Returns the maps, with `goals` places each at least to go to; others: as in `choose_bank`."""
        return choose_bank(
            self.maps,
            split=self.split,
            count=self.map_count,
            size=self.map_size,
            resolution=self.resolution,
            robot_radius=self.radius(),
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
            "radius": self.radius(),
            "footprint": moves.read_only(self.sides()),
            "bump": self.collisions == "stop",
            "discrete": self.actions == "discrete",
            "moves": moves.coarse(self.drive == "holonomic", self.max_reverse / self.max_speed),
            "collision": self.collision_penalty,
            "time": self.time_penalty,
            "directions": moves.directions_of(self.beams, self.field_of_view),
            "margin": math.ceil(self.radius() / bank.resolution - 0.5),
            "patch": self.patch_cells,
        }


def sides_of(corners: object) -> np.ndarray:
    """Returns the corners and sides (K, 5) float32 of a footprint; ValueError for what is none."""
    form = "give 3 to 16 corners in turn, such as [[0.3, 0.2], [-0.3, 0.2], [-0.3, -0.2], [0.3, -0.2]]"
    try:
        places = np.array(corners, np.float64)
    except (TypeError, ValueError):
        places = np.zeros(0)
    if places.shape[1:] != (2,) or not 3 <= len(places) <= 16 or not np.isfinite(places).all():
        raise ValueError(f"footprint={corners!r} is no list of corners in m: {form}")
    if np.abs(places).max() > 5:
        raise ValueError(f"footprint={corners!r} reaches beyond 5 m: {form}")
    along = np.roll(places, -1, axis=0) - places
    after = np.roll(along, -1, axis=0)
    turns = np.arctan2(along[:, 0] * after[:, 1] - along[:, 1] * after[:, 0], (along * after).sum(axis=1))
    if turns.sum() < 0:  # clockwise
        return sides_of(places[::-1].tolist())
    lengths = np.hypot(along[:, 0], along[:, 1])
    normals = np.stack([along[:, 1], -along[:, 0]], axis=1) / np.maximum(lengths, 1e-12)[:, None]
    away = (normals * places).sum(axis=1)
    once = turns.sum() < 3 * math.pi  # round, not as a star
    if (lengths < 1e-3).any() or (turns <= 0).any() or (away <= 1e-3).any() or not once:
        raise ValueError(f"footprint={corners!r} is no convex outline around (0, 0): {form}")
    return np.hstack([places, normals, away[:, None]]).astype(np.float32)


def action_space(params: Any) -> Discrete | Box:
    """Returns the space of one robot's actions: the moves, or two numbers."""
    return Discrete(len(params.moves)) if params.discrete else Box(-1.0, 1.0, (2,), np.float32)


def names_of(robots: int) -> tuple[str, ...]:
    """Returns the agents' names of a world with so many robots."""
    return ("robot",) if robots == 1 else tuple(f"robot_{r}" for r in range(robots))
