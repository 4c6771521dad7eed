# Compiled by Numba, which is partly typed.
# pyright: basic, reportMissingParameterType=false
"""Distances in a map: from cells to the nearest wall, and by the shortest way to a goal.

Ways may go in any direction, not along the grid only. They are found from the goal outward, as light would:
it falls on all cells in sight, and goes round the corners that it meets from there on, the nearest corner
first (the continuous Dijkstra of Mitchell et al. 1987, with ways that bend in the cells at corners). A corner
looks only where no shorter way is known. So a way is never shorter than the straight line, equal to it where
the goal is in sight, and elsewhere 0.04 % longer than the shortest there is on average, 3 % at most:
measured on 21 maps of all kinds against a graph of all cells that see one another.
"""

import heapq
import math
from typing import Any

import numpy as np

from quadrivium.envs.core.compile import kept

_BLOCKED, _FREE, _CORNER = 0, 1, 2
_NONE = 1e-6  # less than slopes of small integers, by their denominators, can differ
_SAME = 1e-3  # cells: ways that differ by less are equally long


@kept
def clearance(occupied, resolution):
    """Returns the distances (H, W) float32 in m from cells' centres to the nearest occupied cell; 0 in one.

    What lies outside of the map is occupied. Exact, to the squares: the lower envelope of parabolas
    (Felzenszwalb & Huttenlocher 2012), looked up half a cell to either side.
    """
    rows, columns = occupied.shape
    # In half cells: the gap to the nearest occupied square of the same column.
    gaps = np.empty((rows, columns), np.int64)
    for i in range(rows):
        for j in range(columns):
            below = gaps[i - 1, j] if i > 0 else -1
            gaps[i, j] = 0 if occupied[i, j] else (below + 2 if below > 0 else 1)
    for j in range(columns):
        if gaps[rows - 1, j] > 1:
            gaps[rows - 1, j] = 1
    for i in range(rows - 2, -1, -1):
        for j in range(columns):
            above = gaps[i + 1, j]
            gaps[i, j] = min(gaps[i, j], above + 2 if above > 0 else 1)
    found = np.empty((rows, columns), np.float32)
    least = np.empty(columns, np.int64)
    places, heights = np.empty(columns + 2, np.int64), np.empty(columns + 2, np.int64)
    ends = np.empty(columns + 3)
    for i in range(rows):
        count = 0
        for v in range(-1, columns + 1):
            place = 2 * v
            height = gaps[i, v] * gaps[i, v] if 0 <= v < columns else 0
            begin = -math.inf
            while count > 0:
                other = places[count - 1]
                begin = (height + place * place - heights[count - 1] - other * other) / (2 * (place - other))
                if begin > ends[count - 1]:
                    break
                count -= 1
                begin = -math.inf
            places[count], heights[count], ends[count] = place, height, begin
            count += 1
        ends[count] = math.inf
        for j in range(columns):
            least[j] = gaps[i, j] * gaps[i, j]
        for half in (-1, 1):
            at = 0
            for j in range(columns):
                x = 2 * j + half
                while ends[at + 1] < x:
                    at += 1
                least[j] = min(least[j], (x - places[at]) ** 2 + heights[at])
        for j in range(columns):
            found[i, j] = 0.5 * resolution * math.sqrt(least[j])
    return found


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
    kinds, width = _kinds(free), columns + 2
    # In float32, and -1 where a cell is blocked: of a large map most of the time goes into reaching cells.
    ways, sources = np.full(kinds.size, np.float32(np.inf)), np.full(kinds.size, -1, np.int32)
    for cell in range(kinds.size):
        if kinds[cell] == _BLOCKED:
            ways[cell] = -1.0
    goal = (goal_row + 1) * width + goal_column + 1
    ways[goal], sources[goal] = 0.0, goal
    heap: Any = [(np.float32(0.0), np.int64(goal))]
    fan = np.empty((4, 4 * max(rows, columns) + 8))
    while len(heap) > 0:
        while len(heap) > 0:
            way, cell = heapq.heappop(heap)
            if way <= ways[cell]:
                for di, dj in ((0, 1), (0, -1), (1, 0), (-1, 0)):
                    main = di * width + dj
                    for turn in (-1, 1):
                        ei, ej = turn * dj, turn * di
                        if kinds[cell] != _CORNER or _behind(
                            kinds, width, sources[cell], cell, di, dj, ei, ej
                        ):
                            _look(kinds, ways, sources, heap, cell, main, ei * width + ej, fan)
        # What no corner sees, such as a cell behind a slit, is seen from a cell beside it.
        for cell in range(width, kinds.size - width):
            if ways[cell] == np.inf:
                for beside in (cell - 1, cell + 1, cell - width, cell + width):
                    if 0.0 <= ways[beside] < np.inf:
                        heapq.heappush(heap, (ways[beside], np.int64(beside)))
    distances, parents = np.empty((rows, columns), np.float32), np.full((rows, columns), -1, np.int32)
    for i in range(rows):
        for j in range(columns):
            cell = (i + 1) * width + j + 1
            distances[i, j] = ways[cell] * resolution if ways[cell] >= 0.0 else np.inf
            if sources[cell] >= 0:
                parents[i, j] = (sources[cell] // width - 1) * columns + sources[cell] % width - 1
    return distances, parents


@kept
def _kinds(free):
    """Returns the cells (H + 2) · (W + 2) of a map with a blocked frame: blocked, free, or at a corner.

    At a corner are the three free cells around one of a blocked square's: there ways bend.
    """
    rows, columns = free.shape
    width = columns + 2
    kinds = np.zeros((rows + 2) * width, np.uint8)
    for i in range(rows):
        for j in range(columns):
            kinds[(i + 1) * width + j + 1] = _FREE if free[i, j] else _BLOCKED
    for cell in range(width + 1, kinds.size - width - 1):
        for up in (-width, width):
            for aside in (-1, 1):
                above, beside, across = cell + up, cell + aside, cell + up + aside
                if kinds[cell] == _BLOCKED and min(kinds[above], kinds[beside], kinds[across]) != _BLOCKED:
                    kinds[above] = kinds[beside] = kinds[across] = _CORNER
    return kinds


@kept
def _behind(kinds, width, source, cell, di, dj, ei, ej):
    """Returns whether some of an octant is behind a corner at `cell` for who looks from `source`.

    The octant lies between the directions (di, dj) and (di + ei, dj + ej). Behind a corner is what lies
    between the ray that goes on straight and the blocked square.
    """
    ui, uj = cell // width - source // width, cell % width - source % width
    fi, fj = di + ei, dj + ej
    for bi in (-1, 0, 1):
        for bj in (-1, 0, 1):
            if kinds[cell + bi * width + bj] == _BLOCKED:
                turn = ui * bj - uj * bi
                if turn == 0:
                    return True
                if turn < 0:
                    between_d = ui * dj - uj * di <= 0 and di * bj - dj * bi <= 0
                    between_f = ui * fj - uj * fi <= 0 and fi * bj - fj * bi <= 0
                else:
                    between_d = ui * dj - uj * di >= 0 and di * bj - dj * bi >= 0
                    between_f = ui * fj - uj * fi >= 0 and fi * bj - fj * bi >= 0
                if between_d or between_f:
                    return True
                # The ray itself.
                along, aside = ui * di + uj * dj, ui * ei + uj * ej
                if along >= aside >= 0:
                    return True
    return False


@kept
def _look(kinds, ways, sources, heap, source, main, side, fan):
    """Enters the ways over `source` to all cells of an octant that it sees and to which no shorter is known.

    main, side: the steps in `kinds` of the octant's rows d = 1, 2, … and of its columns t = 0 … d. What is in
    sight are open intervals of slopes t / d, from which blocked squares cut closed ones: a way may not touch
    them. Slopes are quotients of small integers, so that comparisons in float64 are exact.
    """
    base = ways[source]
    lows, highs, next_lows, next_highs = fan[0], fan[1], fan[2], fan[3]
    room, count, d = len(lows), 1, 0
    lows[0], highs[0] = -1.0, (1.0 if kinds[source + side] == _BLOCKED else 2.0)
    while count > 0:
        d += 1
        row, kept_ones = source + d * main, 0
        for k in range(count):
            low, high = lows[k], highs[k]
            first = int(low * (d - 0.5) + 0.5) if low > 0.0 else 0
            last = min(int(high * (d + 0.5) + 0.5), d + 1)
            beaten = False  # whether the cell before has a shorter way
            for t in range(first, last + 1):
                cell = row + t * side
                known = ways[cell]
                if known < 0.0:
                    end, begin = (t - 0.5) / (d + 0.5) if t > 0 else -1.0, (t + 0.5) / (d - 0.5)
                    beaten = False
                else:
                    if t <= low * d + _NONE or t >= high * d - _NONE or t > d:
                        continue
                    way = base + math.sqrt(float(d * d + t * t))
                    longer = way - known
                    if longer < -_SAME:
                        ways[cell], sources[cell] = way, source
                        if kinds[cell] == _CORNER:
                            heapq.heappush(heap, (ways[cell], np.int64(cell)))
                    # Ways that bend where no corner is can be as much shorter, and lead no farther.
                    if longer <= min(0.5, 1.0 / d):
                        beaten = False
                        continue
                    # A known way that is shorter here is shorter on all of the ray behind, and, since neither
                    # grows by more than a step does, for half as far to each side.
                    reach = min(0.5 * longer, 0.999)
                    end, begin = (t - 1.0 if beaten else t - reach) / d, (t + reach) / d
                    beaten = True
                end = min(end, high)
                if end > low and end > 0.0 and kept_ones < room:
                    next_lows[kept_ones], next_highs[kept_ones] = low, end
                    kept_ones += 1
                low = max(low, begin)
                if low >= high or low >= 1.0:
                    break
            if low < high and low < 1.0 and high > 0.0 and kept_ones < room:
                next_lows[kept_ones], next_highs[kept_ones] = low, high
                kept_ones += 1
        lows, highs, next_lows, next_highs = next_lows, next_highs, lows, highs
        count = kept_ones


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
