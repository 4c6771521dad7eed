"""Many maps as the arrays that a kernel reads, each with some goals and the shortest ways to them."""

import math
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from quadrivium.envs.core.shelf import kept_arrays
from quadrivium.envs.navigation.maps.generate import KINDS
from quadrivium.envs.navigation.maps.geodesic import clearance as clearance_of
from quadrivium.envs.navigation.maps.geodesic import distance_field
from quadrivium.envs.navigation.maps.movingai import Scenarios
from quadrivium.envs.navigation.maps.own import OwnMap, Pose, from_frame

SPARE = 0.05  # m that a way keeps from walls, beyond the robot's radius
_LEAST_FREE = 0.2  # of the cells; a map with a smaller place to drive in is drawn again
_SPLITS = ("train", "test")
_SOURCES = tuple(
    Path(__file__).with_name(f"{name}.py") for name in ("bank", "choice", "generate", "geodesic")
)

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
    origins: tuple[Pose, ...] = ()  # (M,), see `OwnMap`; () where all are (0, 0, 0)
    starts: np.ndarray | None = (
        None  # (M, G, 2) float32, x and y in m, where each goal has a start of its own
    )
    lengths: np.ndarray | None = None  # (M, G) float32, m from those to the goals as published
    files: tuple[tuple[str, str], ...] = ()  # of own maps: the path and the SHA-256 of each file

    def origin(self, number: int) -> Pose:
        """Returns the pose of the corner of cell (0, 0) of a map, in its own frame."""
        return self.origins[number] if self.origins else (0.0, 0.0, 0.0)


class Plan(NamedTuple):
    """A map of one's own, and what a bank is to make of it; places in m from the corner of cell (0, 0)."""

    name: str  # in errors
    cells: bytes  # (H, W) bool, occupied ones
    shape: tuple[int, int]
    resolution: float
    origin: Pose
    start: Place | None = None  # goals are in the place in which it is
    goal: Place | None = None  # the only one
    starts: tuple[Place, ...] = ()  # of pairs, as many as `goals`
    goals: tuple[Place, ...] = ()
    lengths: tuple[float, ...] = ()  # m, of the pairs
    lines: tuple[int, ...] = ()  # of the pairs in their file

    @classmethod
    def of(cls, name: str, own: OwnMap, start: Place | None = None, goal: Place | None = None) -> "Plan":
        """Returns the plan of a map that was read."""
        return cls._of(name, own.occupied, own.resolution, own.origin, start=start, goal=goal)

    @classmethod
    def of_scenarios(cls, name: str, own: OwnMap, pairs: Scenarios) -> "Plan":
        """Returns the plan of a map with pairs of start and goal."""
        places = {
            key: tuple(from_frame(own.origin, *place) for place in getattr(pairs, key))
            for key in ("starts", "goals")
        }
        others = {"lengths": tuple(pairs.lengths), "lines": tuple(pairs.lines)}
        return cls._of(name, own.occupied, own.resolution, own.origin, **places, **others)

    @classmethod
    def _of(cls, name: str, occupied: np.ndarray, resolution: float, origin: Pose, **others: Any) -> "Plan":
        cells = np.ascontiguousarray(occupied, np.bool_).tobytes()
        return cls(name, cells, (occupied.shape[0], occupied.shape[1]), resolution, origin, **others)


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
    return _pack(kept_arrays(made_of, make, _SOURCES), resolution, robot_radius)


def bank_of_plans(plans: Sequence[Plan], robot_radius: float, goals: int, split: str) -> MapBank:
    """Returns maps of one's own as a bank, each at the lower left of the room that the largest takes.

    Their resolutions are the same. goals: of each map, others in each split; where the plans say their goals,
    it is these. Raises ValueError where no robot of this radius can drive, or from a start to its goal.
    """
    return _cached_bank(tuple(plans), robot_radius, goals, split)


def bank_of_map(
    occupied: np.ndarray, resolution: float, robot_radius: float, goals: int, split: str, name: str
) -> MapBank:
    """Returns one map (H, W) bool as a bank; name: what an error calls it."""
    plan = Plan.of(name, OwnMap(occupied, resolution, (0.0, 0.0, 0.0)))
    return bank_of_plans([plan], robot_radius, goals, split)


@lru_cache(maxsize=8)
def _cached_bank(plans: tuple[Plan, ...], robot_radius: float, goals: int, split: str) -> MapBank:
    rows, columns = (max(plan.shape[axis] for plan in plans) for axis in (0, 1))

    def make() -> tuple[np.ndarray, ...]:
        return _stack([_in_room(_map_of(plan, robot_radius, goals, split), rows, columns) for plan in plans])

    made_of = repr([plan._replace(cells=b"", name="") for plan in plans] + [robot_radius, goals, split])
    arrays = kept_arrays(made_of.encode() + b"".join(plan.cells for plan in plans), make, _SOURCES)
    bank = _pack(arrays, plans[0].resolution, robot_radius)
    starts, lengths = (
        _read_only([getattr(plan, name) for plan in plans]) if plans[0].starts else None
        for name in ("starts", "lengths")
    )
    return bank._replace(origins=tuple(plan.origin for plan in plans), starts=starts, lengths=lengths)


def _map_of(plan: Plan, robot_radius: float, goals: int, split: str) -> "_Map":
    name, resolution = plan.name, plan.resolution
    occupied = np.frombuffer(plan.cells, np.bool_).reshape(plan.shape)
    near = clearance_of(occupied, resolution)
    wide = near > robot_radius + SPARE
    if plan.starts:
        _require_ways(plan, wide, robot_radius)
        return _with_goals_at(occupied, near, wide, resolution, plan.goals)
    at = plan.goal or plan.start
    free = _hanging_together(wide, None if at is None else _cell(name, at, wide, resolution))
    if (
        plan.start is not None
        and plan.goal is not None
        and not free[_cell(name, plan.start, wide, resolution)]
    ):
        raise ValueError(
            f"{name}: no way leads from the start to the goal for a robot of {robot_radius} m radius: "
            "choose places in one room, or a smaller robot_radius"
        )
    if free.sum() < 2:
        raise ValueError(
            f"{name} has no room for a robot of {robot_radius} m radius on cells of {resolution} m: "
            "give a smaller robot_radius, or a map with more free cells"
        )
    if plan.goal is not None:
        return _with_goals_at(occupied, near, free, resolution, [plan.goal])
    rng = np.random.default_rng([_SPLITS.index(split)])
    return _with_goals(rng, occupied, near, free, resolution, goals)


def _require_ways(plan: Plan, wide: np.ndarray, robot_radius: float) -> None:
    """Raises ValueError for the first pair without a way from start to goal."""
    parts = _parts(wide)
    for line, *places in zip(plan.lines, plan.starts, plan.goals, strict=True):
        start, goal = (parts[int(y / plan.resolution), int(x / plan.resolution)] for x, y in places)
        if start != goal or start == 0:
            enough = math.ceil(20 * (robot_radius + SPARE) + 1) / 10  # a cell in which the robot has room
            raise ValueError(
                f"{plan.name}, line {line}: no way leads from start to goal for a robot of {robot_radius} m "
                f"radius on cells of {plan.resolution} m; give wider cells, such as resolution={enough}, "
                "or a smaller robot_radius"
            )


def _in_room(one: "_Map", rows: int, columns: int) -> "_Map":
    """Returns a map in the corner of a larger one, around which all is occupied."""
    height, width = one[0].shape
    if (height, width) == (rows, columns):
        return one
    more = ((0, rows - height), (0, columns - width))
    occupied, near, places, fields = one
    return (
        np.pad(occupied, more, constant_values=1),
        np.pad(near, more),
        places,
        np.pad(fields, ((0, 0), *more), constant_values=np.inf),
    )


def _read_only(rows: Any) -> np.ndarray:
    array = np.array(rows, np.float32)
    array.flags.writeable = False
    return array


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
    parts = _parts(wide)
    if cell is not None:
        return parts == parts[cell]
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    return (parts == sizes.argmax()) & (parts > 0)


def _parts(wide: np.ndarray) -> np.ndarray:
    """Returns the cells (H, W) with a number for each set that hangs together, 0 where they are not wide."""
    from scipy.ndimage import label  # takes as long as all else of a start whose maps are kept

    return label(wide)[0]  # pyright: ignore[reportIndexIssue, reportReturnType]


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
    cells = np.flatnonzero(free)
    chosen = cells[rng.choice(len(cells), goals, replace=len(cells) < goals)]
    rows, columns = np.divmod(chosen, free.shape[1])
    places = [((j + 0.5) * resolution, (i + 0.5) * resolution) for i, j in zip(rows, columns, strict=True)]
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
