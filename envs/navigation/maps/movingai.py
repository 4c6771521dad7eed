"""Grid maps and scenarios of the MovingAI benchmarks: `.map`, and `.scen` with its pairs of start and goal.

Sturtevant 2012, "Benchmarks for grid-based pathfinding". The format has no unit: a cell is as wide as who
loads it says. Here (0, 0) m is the lower left corner of the map, and y points up: the first line is on top.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from quadrivium.envs.navigation.maps.own import OwnMap, framed

_FREE, _CELLS = ".GS", ".GSW@OT"  # swamp is walked through; water, trees and what is outside are not
_HEADER = ("type", "height", "width")
_FIELDS = ("bucket", "map", "width", "height", "start x", "start y", "goal x", "goal y", "length")


class Scenarios(NamedTuple):
    """The pairs of a `.scen`, in its order; places are the centres of cells, in the map's own frame."""

    starts: list[tuple[float, float]]  # (P,) x and y in m
    goals: list[tuple[float, float]]
    lengths: list[float]  # m, of the shortest ways in eight directions, as published
    lines: list[int]  # of the file, from 1


def load_movingai_map(path: str | Path, resolution: float) -> OwnMap:
    """Reads a `.map`; resolution: m, a cell. Raises ValueError with the file, the line and a remedy."""
    file = Path(path)
    return framed(file, _free_cells(file)[::-1], resolution, (0.0, 0.0, 0.0))


def load_scenarios(path: str | Path, resolution: float) -> tuple[OwnMap, Scenarios]:
    """Reads a `.scen` and its `.map`, which lies beside it or where the file says.

    Raises:
        ValueError: the file, the line and a remedy, in one line.
    """
    file = Path(path)
    rows = [
        (number, line.split("\t") if "\t" in line else line.split())
        for number, line in enumerate(_lines(file)[1:], 2)
        if line.strip()
    ]
    if not rows:
        raise ValueError(f"{file} holds no pairs of start and goal; give a .map, or a .scen with lines below")
    names = {row[1] for _, row in rows if len(row) > 1}
    if len(names) != 1:
        raise ValueError(f"{file} is about {len(names)} maps; give a .scen for each map")
    place = _map_of(file, names.pop())
    free = _free_cells(place)
    height, width = free.shape
    found = Scenarios([], [], [], [])
    for number, row in rows:
        numbers = _numbers(row)
        if numbers is None:
            raise ValueError(f"{file}, line {number}: {' '.join(row)[:60]!r} is not {', '.join(_FIELDS)}")
        columns, lines, start_x, start_y, goal_x, goal_y = (int(n) for n in numbers[:6])
        if (columns, lines) != (width, height):
            raise ValueError(
                f"{file}, line {number}: the map is {columns} x {lines} there, and {width} x {height} in "
                f"{place}; give the map that the scenarios were made in"
            )
        for x, y in ((start_x, start_y), (goal_x, goal_y)):
            if not (0 <= x < width and 0 <= y < height and free[y, x]):
                raise ValueError(
                    f"{file}, line {number}: nobody can stand in cell ({x}, {y}) of {place}; give the map "
                    "that the scenarios were made in, or take the line out"
                )
        found.starts.append(((start_x + 0.5) * resolution, (height - start_y - 0.5) * resolution))
        found.goals.append(((goal_x + 0.5) * resolution, (height - goal_y - 0.5) * resolution))
        found.lengths.append(numbers[6] * resolution)
        found.lines.append(number)
    return framed(place, free[::-1], resolution, (0.0, 0.0, 0.0), file), found


def _map_of(file: Path, name: str) -> Path:
    """Returns the map of a `.scen`: beside it, where its name leads from there, or as the file is called."""
    bare = name.replace("\\", "/").rpartition("/")[2]
    places = [file.parent / bare, file.parent / name, file.with_suffix("")]
    for place in places:
        if place.suffix.lower() == ".map" and place.is_file():
            return place
    raise ValueError(f"{file} needs the map {name!r}, which is not beside it; put it there")


def _numbers(row: list[str]) -> list[float] | None:
    """Returns the width, height, start, goal and length of a line; None if it is none."""
    try:
        numbers = [float(cell) for cell in row[2:]]
    except ValueError:
        return None
    sane = len(row) == len(_FIELDS) and all(0 <= n < 1e9 for n in numbers)
    return numbers if sane and all(n.is_integer() for n in numbers[:6]) else None


def _free_cells(file: Path) -> np.ndarray:
    """Returns the cells (H, W) bool of a `.map` that can be walked on, its first line first."""
    lines, header = _lines(file, "type"), dict[str, str]()
    for number, line in enumerate(lines, 1):
        key, _, value = line.strip().partition(" ")
        if key == "map" and not value:
            break
        if key not in _HEADER:
            raise ValueError(
                f"{file}, line {number}: {line[:40]!r} is none of type, height, width and map, with which a "
                "MovingAI map begins; mend it there"
            )
        header[key] = value.strip()
    else:
        raise ValueError(f"{file} has no line 'map' before its cells; give a whole MovingAI map")
    try:
        height, width = (int(header.get(key, "")) for key in ("height", "width"))
    except ValueError:
        raise ValueError(f"{file} says no height and width in cells; add 'height 32' and the like") from None
    cells = lines[number:]
    while cells and not cells[-1].strip():
        cells.pop()
    if len(cells) != height or height < 1:
        raise ValueError(f"{file} has {len(cells)} lines of cells, and says height {height}; mend either")
    for k, line in enumerate(cells):
        if len(line) != width:
            raise ValueError(
                f"{file}, line {number + k + 1}: {len(line)} cells, where {width} are said; mend it there"
            )
        if odd := set(line) - set(_CELLS):
            raise ValueError(
                f"{file}, line {number + k + 1}: {min(odd)!r} is no cell; a cell is one of {' '.join(_CELLS)}"
            )
    codes = np.frombuffer("".join(cells).encode("latin-1"), np.uint8).reshape(height, width)
    free = np.isin(codes, list(_FREE.encode()))
    if not free.any():
        raise ValueError(f"{file}: no cell is free; free ones are {' '.join(_FREE)}")
    return free


def _lines(file: Path, first: str = "version") -> list[str]:
    """Returns the lines of a file whose first word is `first`."""
    try:
        lines = file.read_text(encoding="latin-1").splitlines()
    except OSError as error:
        raise ValueError(f"{file} cannot be read ({error.strerror}); give a file that is there") from None
    if not lines or lines[0].split(maxsplit=1)[:1] != [first]:
        kind = "map" if first == "type" else "scen"
        raise ValueError(f"{file} does not begin with {first!r}; give a MovingAI .{kind}")
    return lines
