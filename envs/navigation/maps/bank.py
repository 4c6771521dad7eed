"""Many maps as the arrays that a kernel reads, each with some goals and the shortest ways to them."""

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy.ndimage import label

from quadrivium.envs.navigation.maps.generate import KINDS
from quadrivium.envs.navigation.maps.geodesic import clearance as clearance_of
from quadrivium.envs.navigation.maps.geodesic import distance_field
from quadrivium.envs.navigation.maps.shelf import kept_arrays

SPARE = 0.05  # m that a way keeps from walls, beyond the robot's radius
_LEAST_FREE = 0.2  # of the cells; a map with a smaller place to drive in is drawn again
_SPLITS = ("train", "test")

Place = tuple[float, float]


class MapBank(NamedTuple):
    """M maps of H × W cells with G goals each; all arrays are read-only.

    Cell (i, j) is [j, j + 1) × [i, i + 1) cells in x and y from the corner (0, 0) m.
    """

    occupied: np.ndarray  # (M, H, W) uint8
    clearance: np.ndarray  # (M, H, W) float32, m from cells' centres to the nearest occupied cell
    goals: np.ndarray  # (M, G, 2) float32, x and y in m, cells' centres
    geodesic: np.ndarray  # (M, G, H, W) float32, m from cells' centres to the goals, inf: no way
    resolution: float  # m, a cell
    robot_radius: float  # m, of the disc for which the ways are
    origin: tuple[float, float, float] = (0.0, 0.0, 0.0)  # m, m, rad: see `RosMap`


@lru_cache(maxsize=8)
def generate_bank(
    kinds: tuple[str, ...],
    split: str,
    count: int,
    size: int,
    resolution: float,
    robot_radius: float,
    goals: int,
) -> MapBank:
    """Returns maps drawn at random.

    Args:
        kinds: of `KINDS`, taken in turn.
        split: "train" or "test": map k of a split has a seed of its own, whatever the count.
        count: M.
        size: H and W.
        resolution: m, a cell.
        robot_radius: m.
        goals: G, in the largest place of a map that hangs together.

    Raises:
        ValueError: no robot of this radius can drive in such maps.
    """

    def make() -> tuple[np.ndarray, ...]:
        maps = [
            _draw(kinds[k % len(kinds)], (_SPLITS.index(split), k), size, resolution, robot_radius, goals)
            for k in range(count)
        ]
        return _stack(maps)

    made_of = repr((kinds, split, count, size, resolution, robot_radius, goals)).encode()
    return _pack(kept_arrays(made_of, make), resolution, robot_radius)


@lru_cache(maxsize=8)
def _cached_bank(
    cells: bytes,
    shape: tuple[int, int],
    resolution: float,
    robot_radius: float,
    goals: int,
    split: str,
    name: str,
    start: Place | None,
    goal: Place | None,
) -> MapBank:
    occupied = np.frombuffer(cells, np.bool_).reshape(shape)

    def make() -> tuple[np.ndarray, ...]:
        near = clearance_of(occupied, resolution)
        wide = near > robot_radius + SPARE
        at = goal or start
        free = _hanging_together(wide, None if at is None else _cell(name, at, wide, resolution))
        if start is not None and goal is not None and not free[_cell(name, start, wide, resolution)]:
            raise ValueError(
                f"{name}: no way leads from the start to the goal for a robot of {robot_radius} m radius: "
                "choose places in one room, or a smaller robot_radius"
            )
        if free.sum() < 2:
            raise ValueError(
                f"{name} has no room for a robot of {robot_radius} m radius on cells of {resolution} m: "
                "give a smaller robot_radius, or a map with more free cells"
            )
        if goal is not None:
            return _stack([_with_goals_at(occupied, near, free, resolution, [goal])])
        rng = np.random.default_rng([_SPLITS.index(split)])
        return _stack([_with_goals(rng, occupied, near, free, resolution, goals)])

    made_of = repr((shape, resolution, robot_radius, goals, split, start, goal)).encode() + cells
    return _pack(kept_arrays(made_of, make), resolution, robot_radius)


def bank_of_map(
    occupied: np.ndarray,
    resolution: float,
    robot_radius: float,
    goals: int,
    split: str,
    name: str,
    start: Place | None = None,
    goal: Place | None = None,
) -> MapBank:
    """Returns one map (H, W) bool as a bank; its goals differ between the splits.

    name: what an error calls the map. start, goal: x and y in m; the goals are in the place in which the
    start is, or a single one is `goal`. Raises ValueError where no robot of this radius can drive.
    """
    shape = (occupied.shape[0], occupied.shape[1])
    cells = np.ascontiguousarray(occupied, np.bool_).tobytes()
    return _cached_bank(cells, shape, resolution, robot_radius, goals, split, name, start, goal)


_Map = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]  # a row of each of the bank's arrays


def _draw(
    kind: str, seed: tuple[int, int], size: int, resolution: float, robot_radius: float, goals: int
) -> _Map:
    rng = np.random.default_rng([*seed, sorted(KINDS).index(kind)])
    for _ in range(100):
        occupied = KINDS[kind](rng, size)
        free, near = _place(occupied, resolution, robot_radius)
        if free.mean() >= _LEAST_FREE:
            return _with_goals(rng, occupied, near, free, resolution, goals)
    raise ValueError(
        f"no {kind} map of {size} x {size} cells of {resolution} m has room for a robot of {robot_radius} m "
        "radius: use smaller robots, or cells of 0.75 radii"
    )


def _place(occupied: np.ndarray, resolution: float, robot_radius: float) -> tuple[np.ndarray, np.ndarray]:
    """Returns the largest set of cells (H, W) bool between which ways lead, and all cells' clearance."""
    near = clearance_of(occupied, resolution)
    return _hanging_together(near > robot_radius + SPARE), near


def _hanging_together(wide: np.ndarray, cell: tuple[int, int] | None = None) -> np.ndarray:
    """Returns the set of cells (H, W) bool that hang together with `cell`, or the largest there is."""
    parts, _ = label(wide)  # pyright: ignore[reportGeneralTypeIssues]
    if cell is not None:
        return parts == parts[cell]
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    return (parts == sizes.argmax()) & (parts > 0)


def _cell(name: str, place: Place, wide: np.ndarray, resolution: float) -> tuple[int, int]:
    column, row = (math.floor(n / resolution) for n in place)
    inside = 0 <= row < wide.shape[0] and 0 <= column < wide.shape[1]
    if not inside or not wide[row, column]:
        what = "a start or goal is " + ("too near to a wall, or unknown" if inside else "outside the map")
        raise ValueError(f"{name}: {what}; choose a place where the robot can stand, {SPARE} m from walls")
    return row, column


def _with_goals(
    rng: np.random.Generator,
    occupied: np.ndarray,
    near: np.ndarray,
    free: np.ndarray,
    resolution: float,
    goals: int,
) -> _Map:
    cells = np.argwhere(free)
    chosen = cells[rng.choice(len(cells), goals, replace=len(cells) < goals)]
    places = [((j + 0.5) * resolution, (i + 0.5) * resolution) for i, j in chosen.tolist()]
    return _with_goals_at(occupied, near, free, resolution, places)


def _with_goals_at(
    occupied: np.ndarray, near: np.ndarray, free: np.ndarray, resolution: float, goals: Sequence[Place]
) -> _Map:
    cells = [(int(y / resolution), int(x / resolution)) for x, y in goals]
    fields = [distance_field(free, i, j, resolution)[0] for i, j in cells]
    places = np.array(goals)
    return occupied.astype(np.uint8), near, places.astype(np.float32), np.stack(fields)


def _stack(maps: list[_Map]) -> tuple[np.ndarray, ...]:
    return tuple(np.stack(rows) for rows in zip(*maps, strict=True))


def _pack(arrays: tuple[np.ndarray, ...], resolution: float, robot_radius: float) -> MapBank:
    occupied, near, places, fields = arrays
    return MapBank(occupied, near, places, fields, resolution, robot_radius)
