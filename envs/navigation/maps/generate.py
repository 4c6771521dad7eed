"""Maps drawn at random: rooms, mazes, and clutter, as occupancy grids (H, W) bool.

Row 0 is at y = 0, and the border is occupied. All sizes here are in cells, and fit a robot of 0.2 m radius on
cells of 0.15 m.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

_SMALLEST_ROOM = 14
_DOOR = (6, 9)  # the narrowest and the widest
_CORRIDOR = 6
_PASSAGE = 5  # kept free around furniture


class _Room(NamedTuple):
    """The free cells [top, bottom) × [left, right)."""

    top: int
    bottom: int
    left: int
    right: int


def rooms(rng: np.random.Generator, size: int) -> np.ndarray:
    """Returns rooms behind walls of one cell, with doors of 6 to 9 cells and some furniture."""
    occupied = _frame(size)
    doors = np.zeros((size, size), np.bool_)  # and the cells before and behind them
    waiting, done = [_Room(1, size - 1, 1, size - 1)], list[_Room]()
    while waiting:
        room = waiting.pop()
        halves = _divide(rng, room, occupied, doors)
        if halves is None:
            done.append(room)
        else:
            waiting.extend(halves)
    for room in done:
        for _ in range(rng.integers(0, 3)):
            _furnish(rng, room, occupied, doors)
    return occupied


def maze(rng: np.random.Generator, size: int) -> np.ndarray:
    """Returns a maze of corridors 6 cells wide, of whose inner walls one in twelve is open as well."""
    pitch = _CORRIDOR + 1
    count = max((size - 1) // pitch, 1)
    lines = np.round(np.linspace(0, size - 1, count + 1)).astype(int)  # of walls
    occupied = _frame(size)
    occupied[lines] = True
    occupied[:, lines] = True
    for k in range(count):
        for q in range(count):
            occupied[lines[k] + 1 : lines[k + 1], lines[q] + 1 : lines[q + 1]] = False
    entered = np.zeros((count, count), np.bool_)
    trail = [(int(rng.integers(count)), int(rng.integers(count)))]
    entered[trail[0]] = True
    while trail:
        k, q = trail[-1]
        ways = [
            (a, b)
            for a, b in ((k - 1, q), (k + 1, q), (k, q - 1), (k, q + 1))
            if 0 <= a < count and 0 <= b < count and not entered[a, b]
        ]
        if not ways:
            trail.pop()
            continue
        a, b = ways[rng.integers(len(ways))]
        _open(occupied, lines, (k, q), (a, b))
        entered[a, b] = True
        trail.append((a, b))
    for k in range(count):
        for q in range(count):
            for a, b in ((k + 1, q), (k, q + 1)):
                if a < count and b < count and rng.random() < 1 / 12:
                    _open(occupied, lines, (k, q), (a, b))
    return occupied


def clutter(rng: np.random.Generator, size: int) -> np.ndarray:
    """Returns an open place with posts on 4 to 12 % of it, or with the lumps of a cellular automaton."""
    occupied = _frame(size)
    if rng.random() < 0.5:
        wanted = rng.uniform(0.04, 0.12) * size * size
        rows, columns = np.mgrid[0:size, 0:size]
        while occupied[1:-1, 1:-1].sum() < wanted:
            i, j = rng.uniform(1, size - 1, 2)
            occupied |= np.hypot(rows + 0.5 - i, columns + 0.5 - j) < rng.uniform(0.8, 2.5)
        return occupied
    from scipy.ndimage import convolve  # see `bank`: not where maps are kept

    lumps = rng.random((size, size)) < rng.uniform(0.28, 0.36)
    kernel = np.ones((3, 3), int)
    for _ in range(3):
        around = convolve(lumps.astype(int), kernel, mode="constant")
        lumps = np.where(lumps, around >= 4, around >= 5)
    return occupied | lumps


KINDS: Mapping[str, Callable[[np.random.Generator, int], np.ndarray]] = {
    "rooms": rooms,
    "maze": maze,
    "clutter": clutter,
}


def _frame(size: int) -> np.ndarray:
    occupied = np.zeros((size, size), np.bool_)
    occupied[[0, -1]] = True
    occupied[:, [0, -1]] = True
    return occupied


def _divide(
    rng: np.random.Generator, room: _Room, occupied: np.ndarray, doors: np.ndarray
) -> tuple[_Room, _Room] | None:
    """Puts a wall with one door or two across a room; None if it is small enough as it is."""
    height, width = room.bottom - room.top, room.right - room.left
    across = width >= height  # the wall is a column
    length, breadth = (width, height) if across else (height, width)
    if length < 2 * _SMALLEST_ROOM + 1 or breadth < _DOOR[1] + 2:
        return None
    if length < 3 * _SMALLEST_ROOM and rng.random() < 0.25:
        return None
    begin = room.left if across else room.top
    for _ in range(20):
        at = begin + int(rng.integers(_SMALLEST_ROOM, length - _SMALLEST_ROOM))
        wall = (slice(room.top, room.bottom), at) if across else (at, slice(room.left, room.right))
        if doors[wall].any():
            continue  # it would stand in a door
        occupied[wall] = True
        for _ in range(1 if breadth < 30 else rng.integers(1, 3)):
            wide = int(rng.integers(_DOOR[0], _DOOR[1] + 1))
            start = (room.top if across else room.left) + int(rng.integers(1, breadth - wide))
            gap = slice(start, start + wide)
            free = slice(max(at - _PASSAGE, 0), at + _PASSAGE + 1)
            occupied[(gap, at) if across else (at, gap)] = False
            doors[(gap, free) if across else (free, gap)] = True
        if across:
            return room._replace(right=at), room._replace(left=at + 1)
        return room._replace(bottom=at), room._replace(top=at + 1)
    return None


def _furnish(rng: np.random.Generator, room: _Room, occupied: np.ndarray, doors: np.ndarray) -> None:
    """Puts a block into a room, if it leaves a passage on all sides."""
    height, width = (int(n) for n in rng.integers(2, 6, 2))
    if room.bottom - room.top < height + 2 * _PASSAGE or room.right - room.left < width + 2 * _PASSAGE:
        return
    i = int(rng.integers(room.top + _PASSAGE, room.bottom - _PASSAGE - height + 1))
    j = int(rng.integers(room.left + _PASSAGE, room.right - _PASSAGE - width + 1))
    around = slice(i - _PASSAGE, i + height + _PASSAGE), slice(j - _PASSAGE, j + width + _PASSAGE)
    if not occupied[around].any() and not doors[i : i + height, j : j + width].any():
        occupied[i : i + height, j : j + width] = True


def _open(occupied: np.ndarray, lines: np.ndarray, one: tuple[int, int], other: tuple[int, int]) -> None:
    """Takes away the wall between two neighbouring chambers of a maze."""
    (k, q), (a, b) = min(one, other), max(one, other)
    if k == a:
        occupied[lines[k] + 1 : lines[k + 1], lines[b]] = False
    else:
        occupied[lines[a], lines[q] + 1 : lines[q + 1]] = False
