"""The board, its coordinates and the pieces of a position, painted anywhere on a picture."""

import numpy as np
import pygame

from quadrivium.envs.board.board_game import BoardGame
from quadrivium.envs.board.render.looks import BOARD_PX, look_of
from quadrivium.envs.core.picture import FAINT, Sketch, stick, text_width, write

Corner = tuple[int, int]
"""Where the top left corner of the board lies, in pixels."""

_TOKEN_PX = 30


class BoardPainter:
    """Paints positions of one game; what is drawn once is kept as sprites.

    Args:
        game: whose positions they are.
        board_px: pixels that the board's longer side may have.

    Attributes:
        look: how the board is drawn, its `size` included.
    """

    def __init__(self, game: BoardGame, board_px: int = BOARD_PX) -> None:
        self.game, self.look = game, look_of(game, board_px)
        self._board: pygame.Surface | None = None
        self._pieces: dict[tuple[int, int], pygame.Surface] = {}
        self._marks: dict[int, pygame.Surface] = {}
        self._tokens: dict[int, pygame.Surface] = {}

    def paint_board(self, picture: pygame.Surface, corner: Corner, label_px: int = 18) -> None:
        """Paints the empty board, and its coordinates around it."""
        if self._board is None:
            sketch = Sketch(self.look.size)
            self.look.paint_board(sketch)
            self._board = sketch.finish()
        left, top = corner
        picture.blit(self._board, corner, special_flags=pygame.BLEND_PREMULTIPLIED)
        for text, (x, y) in self.look.labels():
            at = (round(left + x - text_width(text, label_px) / 2), round(top + y))
            write(picture, text, *at, FAINT, label_px)

    def paint_pieces(self, picture: pygame.Surface, row: np.void, corner: Corner) -> None:
        """Paints the pieces, and the last move's mark under or over them."""
        cells = self.game.cells(row)
        last = self.game.last_cells(row)
        if self.look.marks_below:
            self._paint_marks(picture, cells, last, corner)
        for y, x in np.argwhere(cells != 0):
            key = int(cells[y, x]), int(y)
            if key not in self._pieces:
                self._pieces[key] = self.look.piece_at(*key)
            self._stick(picture, self._pieces[key], (int(y), int(x)), corner)
        if not self.look.marks_below:
            self._paint_marks(picture, cells, last, corner)

    def token(self, value: int) -> pygame.Surface:
        """Returns a small piece on a tile of the board, so that black ones are seen on the dark frame."""
        if value not in self._tokens:
            tile, piece = Sketch((_TOKEN_PX, _TOKEN_PX)), self.look.piece(value)
            tile.box(self.look.ground, 0, 0, (_TOKEN_PX, _TOKEN_PX), 6)
            small = pygame.transform.smoothscale(piece, (_TOKEN_PX, _TOKEN_PX))
            self._tokens[value] = tile.finish()
            stick(self._tokens[value], small, (_TOKEN_PX / 2, _TOKEN_PX / 2))
        return self._tokens[value]

    def _paint_marks(
        self, picture: pygame.Surface, cells: np.ndarray, last: list[tuple[int, int]], corner: Corner
    ) -> None:
        for place in last:
            value = int(cells[place])
            if value not in self._marks:
                self._marks[value] = self.look.mark(value)
            self._stick(picture, self._marks[value], place, corner)

    def _stick(
        self, picture: pygame.Surface, sprite: pygame.Surface, place: tuple[int, int], corner: Corner
    ) -> None:
        x, y = self.look.centre(*place)
        stick(picture, sprite, (corner[0] + x, corner[1] + y))
