"""How hard a way through a map is, in figures that need no robot to drive it."""

import math
from typing import NamedTuple

import numpy as np

from quadrivium.envs.core.validation import require_number
from quadrivium.envs.navigation.maps.bank import SPARE
from quadrivium.envs.navigation.maps.geodesic import clearance, distance_field, way_to_goal


class Difficulty(NamedTuple):
    """Figures of the shortest way between two places."""

    planner_time: (
        float  # s, of a robot that drives it at its highest speed and turns on the spot at its corners
    )
    narrowest: float  # m, twice the least distance between the way and a wall
    density: float  # the share of the map's cells that is occupied
    detour: float  # the way's length by the straight line's, at least 1


def difficulty(
    occupied: np.ndarray,
    resolution: float,
    robot_radius: float,
    start: tuple[float, float],
    goal: tuple[float, float],
    max_speed: float,
    max_turn_rate: float,
) -> Difficulty:
    """Returns the figures for a robot that goes from one place of a map to another.

    Args:
        occupied: (H, W) bool or uint8.
        resolution: m, a cell.
        robot_radius: m; the way keeps `SPARE` more from walls.
        start: x and y in m; the way begins at the centre of its cell.
        goal: x and y in m, likewise.
        max_speed: m/s.
        max_turn_rate: rad/s. The turn from the robot's first heading is not counted.

    Raises:
        ValueError: a speed is not positive, a place is outside the map or too near to a wall, or no way joins
            the two.
    """
    require_number("max_speed", max_speed, 0.0, 100.0, open_low=True)
    require_number("max_turn_rate", max_turn_rate, 0.0, 100.0, open_low=True)
    walls = np.asarray(occupied, np.bool_)
    free = clearance(walls, resolution) > robot_radius + SPARE
    first = _free_cell("start", start, free, resolution)
    last = _free_cell("goal", goal, free, resolution)
    field, parents = distance_field(free, *last, resolution)
    way = way_to_goal(parents, *first, resolution).astype(np.float64)
    legs = np.diff(way, axis=0)
    turns = np.diff(np.unwrap(np.arctan2(legs[:, 1], legs[:, 0])))
    length, straight = float(field[first]), resolution * math.dist(first, last)
    return Difficulty(
        planner_time=length / max_speed + float(np.abs(turns).sum()) / max_turn_rate,
        narrowest=2 * _nearest_wall(way, walls, resolution),
        density=float(walls.mean()),
        detour=max(length / straight, 1.0) if straight > 0 else 1.0,  # the field is in float32
    )


def _free_cell(name: str, place: tuple[float, float], free: np.ndarray, resolution: float) -> tuple[int, int]:
    column, row = (math.floor(n / resolution) for n in place)
    inside = 0 <= row < free.shape[0] and 0 <= column < free.shape[1]
    if not inside or not free[row, column]:
        where = "too near to a wall" if inside else "outside the map"
        raise ValueError(f"{name}={place} is {where}: choose a place where the robot can stand")
    return row, column


def _nearest_wall(way: np.ndarray, walls: np.ndarray, resolution: float) -> float:
    """Returns the least distance in m between a way (K, 2) and the occupied cells' squares, inf without any.

    Exact: a segment that meets no square is nearest to it at an end of its own or at a corner of the square.
    """
    squares = np.argwhere(walls)[:, ::-1] * resolution  # (N, 2), lower left corners
    if not len(squares):
        return math.inf
    beyond = np.maximum(squares - way[:, None], way[:, None] - squares - resolution)  # (K, N, 2)
    nearest = float(np.hypot(*np.moveaxis(np.maximum(beyond, 0.0), -1, 0)).min())
    steps = resolution * np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    corners = (squares[:, None] + steps).reshape(-1, 2)
    for begin, leg in zip(way[:-1], np.diff(way, axis=0), strict=True):
        along = np.clip((corners - begin) @ leg / (leg @ leg), 0.0, 1.0)
        nearest = min(nearest, float(np.hypot(*(corners - begin - along[:, None] * leg).T).min()))
    return nearest
