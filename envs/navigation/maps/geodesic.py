# Compiled by Numba, which is partly typed.
# pyright: basic, reportMissingParameterType=false
"""Distances in a map: from cells to the nearest wall, and by the shortest way to a goal.

Ways may go in any direction, not along the grid only: a search from the goal outward, in which a cell's
predecessor is the farthest one in sight (Nash et al. 2007, "Theta*"). So a way is never shorter than the
straight line, equal to it where the goal is in sight, and elsewhere 0.4 % longer than the shortest there is
on average, 7 % at most: measured on 60 maps of all kinds against a graph of all cells that see one another.
"""

import heapq
import math
from typing import Any

import numpy as np
from scipy.ndimage import distance_transform_edt

from quadrivium.envs.core.compile import kept


def clearance(occupied: np.ndarray, resolution: float) -> np.ndarray:
    """Returns the distances (H, W) float32 in m from cells' centres to the nearest occupied cell; 0 in one.

    What lies outside of the map is occupied. Exact: on the lattice of half a cell, on which the nearest point
    of every square lies, its corners and the middles of its sides included.
    """
    rows, columns = occupied.shape
    lattice = np.zeros((2 * rows + 1, 2 * columns + 1), np.bool_)
    for di in range(3):
        for dj in range(3):
            lattice[di : di + 2 * rows : 2, dj : dj + 2 * columns : 2] |= occupied
    lattice[[0, -1]] = lattice[:, [0, -1]] = True
    distances = distance_transform_edt(~lattice)
    assert isinstance(distances, np.ndarray)
    return (0.5 * resolution * distances[1::2, 1::2]).astype(np.float32)


@kept
def distance_field(free, goal_row, goal_column, resolution):
    """Returns the shortest ways to a goal, and where they lead.

    Args:
        free: (H, W) bool, where a way may go.
        goal_row: of the goal's cell.
        goal_column: of the goal's cell.
        resolution: m, a cell.

    Returns:
        distances (H, W) float32 in m between cells' centres, inf where there is no way; and parents (H, W)
        int32, the cell (row · W + column) to which the way goes straight; the goal is its own, −1: no way.
    """
    rows, columns = free.shape
    cells = np.full((rows, columns), np.inf)
    parents = np.full((rows, columns), -1, np.int32)
    closed = np.zeros((rows, columns), np.bool_)
    cells[goal_row, goal_column] = 0.0
    parents[goal_row, goal_column] = goal_row * columns + goal_column
    heap: Any = [(0.0, np.int64(goal_row * columns + goal_column))]
    # Cells that see the goal through a slit, while their neighbours do not, would not find it by themselves.
    for u in range(rows):
        for v in range(columns):
            if free[u, v] and in_sight(free, goal_row, goal_column, u, v):
                cells[u, v] = math.sqrt((goal_row - u) ** 2 + (goal_column - v) ** 2)
                parents[u, v] = goal_row * columns + goal_column
                heapq.heappush(heap, (cells[u, v], np.int64(u * columns + v)))
    while len(heap) > 0:
        _, cell = heapq.heappop(heap)
        i, j = cell // columns, cell % columns
        if closed[i, j]:
            continue
        closed[i, j] = True
        pi, pj = parents[i, j] // columns, parents[i, j] % columns
        for di in range(-1, 2):
            for dj in range(-1, 2):
                u, v = i + di, j + dj
                if u < 0 or v < 0 or u >= rows or v >= columns or not free[u, v] or closed[u, v]:
                    continue
                if di != 0 and dj != 0 and not (free[i, v] and free[u, j]):
                    continue
                way = cells[pi, pj] + math.sqrt((pi - u) ** 2 + (pj - v) ** 2)
                if way < cells[u, v] and in_sight(free, pi, pj, u, v):
                    cells[u, v], parents[u, v] = way, pi * columns + pj
                    heapq.heappush(heap, (way, np.int64(u * columns + v)))
                way = cells[i, j] + math.sqrt(di * di + dj * dj)
                if way < cells[u, v]:
                    cells[u, v], parents[u, v] = way, i * columns + j
                    heapq.heappush(heap, (way, np.int64(u * columns + v)))
    return (cells * resolution).astype(np.float32), parents


@kept
def in_sight(free, i, j, u, v):
    """Returns whether the straight line between two cells' centres crosses free cells only.

    Through a corner it passes where both cells beside the corner are free.
    """
    di, dj = abs(u - i), abs(v - j)
    step_i, step_j = (1 if u > i else -1), (1 if v > j else -1)
    # Twice the signed area tells on which side of the line the next corner is.
    error = di - dj
    row, column = i, j
    for _ in range(di + dj):
        if error > 0:
            row += step_i
            error -= 2 * dj
        elif error < 0:
            column += step_j
            error += 2 * di
        else:
            if not (free[row + step_i, column] and free[row, column + step_j]):
                return False
            row += step_i
            column += step_j
            error += 2 * (di - dj)
        if not free[row, column]:
            return False
        if row == u and column == v:
            return True
    return True


def way_to_goal(parents: np.ndarray, row: int, column: int, resolution: float) -> np.ndarray:
    """Returns the corners (K, 2) float32 of the way from a cell to the goal of `parents`, x and y in m.

    Raises:
        ValueError: there is no way.
    """
    columns = parents.shape[1]
    if parents[row, column] < 0:
        raise ValueError(f"no way leads from cell ({row}, {column}) to the goal: choose a free cell")
    corners = [(row, column)]
    while (parent := int(parents[corners[-1]])) != corners[-1][0] * columns + corners[-1][1]:
        corners.append((parent // columns, parent % columns))
    return ((np.array(corners, np.float32) + 0.5) * resolution)[:, ::-1].astype(np.float32)
