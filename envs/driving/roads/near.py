"""Which lanes are near: a grid of cells over a network, so that kernels look at few of them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from quadrivium.envs.driving.roads.network import Lane

MARGIN_M = 1.0
"""How far beside a lane's edge a driver still counts a car to it."""
END_M = 5.0
"""How far before its start and beyond its end a lane still counts."""
CELL_M = 8.0

_SAMPLES_M = 2.5

Near = tuple[np.ndarray, np.ndarray, tuple[float, float, int, int]]


def near_all(lanes: Sequence[Lane]) -> Near:
    """Returns where the lanes near a cell begin in a list of lanes, that list, and the cells of all.

    The cells: x and y of the first one's corner (m), columns, rows. The lanes are those that can be a car's
    nearest, or hold it.

    The nearest by distance and heading: a lane is left out where another one is nearer by more than the
    headings can make up for (π) everywhere in the cell. Distances are sampled, with a slack for what lies
    between the samples; a test compares the choice with that among all lanes.
    """
    ends = [lane.point(np.linspace(0, lane.length, 33)) for lane in lanes]
    x, y = (np.concatenate([end[axis] for end in ends]) for axis in (0, 1))
    left, top = float(x.min()) - 24.0, float(y.min()) - 24.0
    columns = math.ceil((float(x.max()) + 24.0 - left) / CELL_M)
    rows = math.ceil((float(y.max()) + 24.0 - top) / CELL_M)
    steps = np.linspace(0.0, CELL_M, 5)
    px = left + CELL_M * np.arange(columns)[:, None] + steps  # (columns, 5)
    py = top + CELL_M * np.arange(rows)[:, None] + steps
    places_x = np.broadcast_to(px[None, :, None, :], (rows, columns, 5, 5)).reshape(rows * columns, 25)
    places_y = np.broadcast_to(py[:, None, :, None], (rows, columns, 5, 5)).reshape(rows * columns, 25)
    low, high, held = [], [], []
    for lane in lanes:
        s, d = lane.coordinates(places_x, places_y)
        distance = np.abs(d) + np.maximum(s - lane.length, 0) + np.maximum(-s, 0)
        low.append(distance.min(1))
        high.append(distance.max(1))
        beside = (np.abs(d) <= lane.width / 2 + MARGIN_M + 3.0) & (s >= -END_M - 3.0)
        held.append((beside & (s <= lane.length + END_M + 3.0)).any(1))
    slack = 3.0
    chosen = np.array(low) - slack <= (np.array(high).min(0) + slack + math.pi)
    chosen |= np.array(held)  # (L, cells)
    cells = np.concatenate([[0], np.cumsum(chosen.sum(0))]).astype(np.int32)
    near = np.nonzero(chosen.T)[1].astype(np.int32)
    return cells, near, (left, top, columns, rows)


def near_roads(lanes: Sequence[Lane]) -> Near:
    """Returns, as `near_all`, the lanes that hold a car in a cell or can be the nearest of one on a road.

    They are those whose centres, sampled every 2.5 m, come as near as that.
    """
    places, which, reach = [], [], []
    for k, lane in enumerate(lanes):
        if lane.knots is not None and lane.spacing <= _SAMPLES_M:
            at = lane.knots[: lane.pieces + 1, :2]
        else:
            s = np.linspace(0.0, lane.length, max(2, math.ceil(lane.length / _SAMPLES_M) + 1))
            at = np.stack(lane.point(s), -1)
        places.append(at)
        which.append(np.full(len(at), k))
        reach.append(np.full(len(at), min(max(6.5, lane.width / 2 + 4.5), CELL_M)))
    at, lane_of, around = np.concatenate(places), np.concatenate(which), np.concatenate(reach)
    left, top = (float(v) for v in at.min(0) - CELL_M)
    columns, rows = (int(v) for v in np.ceil((at.max(0) + CELL_M - (left, top)) / CELL_M))
    keys = []
    for dx, dy in itertools.product((-1, 0, 1), repeat=2):
        column = ((at[:, 0] + dx * around - left) / CELL_M).astype(np.int64)
        row = ((at[:, 1] + dy * around - top) / CELL_M).astype(np.int64)
        inside = (column >= 0) & (row >= 0) & (column < columns) & (row < rows)
        keys.append(((row * columns + column) * len(lanes) + lane_of)[inside])
    chosen = np.unique(np.concatenate(keys))
    counts = np.bincount(chosen // len(lanes), minlength=rows * columns)
    cells = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    return cells, (chosen % len(lanes)).astype(np.int32), (left, top, columns, rows)
