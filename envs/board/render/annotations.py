"""Moves drawn over a board: how much two policies give to each, and which is played."""

import math

from quadrivium.envs.core.picture import Colour, Point, Sketch

SEARCH: Colour = (160, 74, 222)
NETWORK: Colour = (94, 220, 255)
PLAYED: Colour = (255, 205, 40)
_DARK: Colour = (18, 20, 26)
_OPACITY = 225  # of 255
_ARROW_PX = 1.2  # its least width


def disc_radius(share: float, cell: float) -> float:
    """Returns the radius of the disc whose area is `share` of the largest that a cell holds."""
    return 0.43 * cell * math.sqrt(share)


def draw_disc(sketch: Sketch, centre: Point, cell: float, search: float, network: float) -> None:
    """Draws the search's share of a move as a disc on its cell, and the network's as a ring."""
    if search > 0:
        sketch.disc((*SEARCH, _OPACITY), centre, disc_radius(search, cell))
    if network > 0:
        radius, width = disc_radius(network, cell), max(1.6, 0.05 * cell)
        sketch.ring(_DARK, centre, radius + 0.7, width + 1.4)
        sketch.ring(NETWORK, centre, radius, width)


def draw_brackets(sketch: Sketch, centre: Point, cell: float) -> None:
    """Draws four golden corners around a cell."""
    reach, arm, width = 0.42 * cell, 0.17 * cell, max(2.0, 0.07 * cell)
    for colour, wide in ((_DARK, width + 1.8), (PLAYED, width)):
        for x in (-1, 1):
            for y in (-1, 1):
                corner = (centre[0] + x * reach, centre[1] + y * reach)
                ends = [(corner[0] - x * arm, corner[1]), corner, (corner[0], corner[1] - y * arm)]
                sketch.path(colour, ends, wide)


def draw_arrow(sketch: Sketch, start: Point, end: Point, cell: float, search: float, network: float) -> None:
    """Draws a move between the middles of two cells: arrows whose widths go with the roots of its shares."""
    for colour, share, thick in (((*SEARCH, _OPACITY), search, 0.42), (NETWORK, network, 0.11)):
        if share > 0:
            width = max(_ARROW_PX, thick * cell * math.sqrt(share))
            sketch.polygon(_DARK, _arrow(start, end, cell, width), 0.7)
            sketch.polygon(colour, _arrow(start, end, cell, width))


def _arrow(start: Point, end: Point, cell: float, width: float) -> list[Point]:
    """Returns the corners; the shaft begins off the middle of its cell, so that the piece is seen."""
    length = math.hypot(end[0] - start[0], end[1] - start[1])
    along = ((end[0] - start[0]) / length, (end[1] - start[1]) / length)
    head, half = 0.16 * cell + 0.8 * width, 0.08 * cell + 0.8 * width
    first, last = 0.22 * cell, length + 0.16 * cell

    def at(forward: float, aside: float) -> Point:
        return (
            start[0] + along[0] * forward - along[1] * aside,
            start[1] + along[1] * forward + along[0] * aside,
        )

    return [
        at(first, -width / 2),
        at(last - head, -width / 2),
        at(last - head, -half),
        at(last, 0),
        at(last - head, half),
        at(last - head, width / 2),
        at(first, width / 2),
    ]
