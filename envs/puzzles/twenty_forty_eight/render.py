"""A board of sixteen tiles. Imported only when something is drawn."""

import numpy as np
import pygame

from quadrivium.envs.core.picture import (
    FAINT,
    PANEL,
    Colour,
    Sketch,
    mix,
    stick,
    text_width,
    write,
)
from quadrivium.envs.core.still_renderer import StillRenderer
from quadrivium.envs.puzzles.twenty_forty_eight.pushes import tiles

MOVES_PER_SECOND = 8  # in the window
CELL, GAP, TOP = 92, 10, 44
SIZE = (4 * CELL + 5 * GAP, TOP + 4 * CELL + 5 * GAP)
_BOARD, _HOLE, _NEW = (44, 50, 60), (58, 65, 77), (240, 244, 248)
_LOW, _MIDDLE, _HIGH = (96, 125, 160), (232, 158, 62), (214, 62, 84)  # a 2, a 128, a 8192 and more
_DARK, _LIGHT = (22, 26, 32), (250, 250, 250)


class TwentyFortyEightRenderer(StillRenderer):
    """Draws records as a picture of 418 x 462 pixels; the newest tile has a rim.

    It satisfies `quadrivium.envs.core.setup.Renderer`.
    """

    def __init__(self) -> None:
        super().__init__("2048", MOVES_PER_SECOND)

    def _paint(self, row: np.void) -> pygame.Surface:
        picture = pygame.Surface(SIZE, depth=32)
        picture.fill(PANEL)
        cells, board = tiles(row["board"]), Sketch(SIZE)
        board.box(_BOARD, 0, TOP, (SIZE[0], SIZE[1] - TOP), 12)
        for cell in range(16):
            left, top = _corner(cell)
            tile = int(cells[cell // 4, cell % 4])
            if tile and cell == int(row["new_cell"]):
                board.box(_NEW, left - 3, top - 3, (CELL + 6, CELL + 6), 11)
            board.box(_colour(tile), left, top, (CELL, CELL), 9)
        stick(picture, board.finish(), (SIZE[0] / 2, SIZE[1] / 2))
        for cell in range(16):
            tile = int(cells[cell // 4, cell % 4])
            if tile:
                left, top = _corner(cell)
                height, label = (46, 46, 46, 42, 34)[len(str(tile)) - 1], str(tile)
                ink = _LIGHT if tile < 16 or tile > 256 else _DARK
                at = round(left + (CELL - text_width(label, height)) / 2)
                write(picture, label, at, round(top + CELL / 2), ink, height)
        write(picture, f"{int(row['score']):,} points", GAP, 22, height_px=26)
        moves = f"{int(row['moves']):,} moves"
        write(picture, moves, SIZE[0] - GAP - text_width(moves), 22, FAINT)
        return picture


def _corner(cell: int) -> tuple[float, float]:
    row, column = divmod(cell, 4)
    return GAP + column * (CELL + GAP), TOP + GAP + row * (CELL + GAP)


def _colour(tile: int) -> Colour:
    if not tile:
        return _HOLE
    share = min((tile.bit_length() - 2) / 12, 1.0)  # 0 for a 2, 1 for a 8192
    return mix(_LOW, _MIDDLE, 2 * share) if share < 0.5 else mix(_MIDDLE, _HIGH, 2 * share - 1)
