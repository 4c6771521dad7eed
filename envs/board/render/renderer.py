"""A board game's position as a picture, or in a window."""

import math

import numpy as np
import pygame

from envs.board import notation
from envs.board.ansi import caption, mover_or_winner
from envs.board.board_game import BoardGame
from envs.board.render.looks import look_of
from envs.core.picture import FAINT, PANEL, Sketch, Window, pixels, stick, text_width, write

MOVES_PER_SECOND = 2  # in the window
_TOP_PX = 48  # the caption
_TOKEN_PX = 30
_SIDE_PX = 36  # room for the coordinates
_SMALLEST_PX = 480
_STEP_PX = 16  # sides are multiples of it, as video codecs want


class BoardRenderer:
    """Draws positions of one game from the first player's side, the last move marked.

    The picture is 480 to 640 pixels wide, above it stands who is to move or how the game ended. It satisfies
    `envs.core.setup.Renderer`.

    Args:
        game: whose positions are drawn.
    """

    def __init__(self, game: BoardGame) -> None:
        self.game = game
        self._look = look_of(game)
        width, height = self._look.size
        self.size = (_whole(max(_SMALLEST_PX, width + 2 * _SIDE_PX)), _whole(height + _TOP_PX + _SIDE_PX))
        self._corner = ((self.size[0] - width) // 2, _TOP_PX)
        self._empty: pygame.Surface | None = None
        self._pieces: dict[int, pygame.Surface] = {}
        self._marks: dict[int, pygame.Surface] = {}
        self._tokens: dict[int, pygame.Surface] = {}
        self._window = Window(game.title)

    def draw(self, row: np.void) -> np.ndarray:
        """Returns the picture of a record, (H, W, 3) uint8."""
        return pixels(self._paint(row))

    def frames_between(self, before: np.void, after: np.void, count: int) -> list[np.ndarray]:
        """Returns the picture of `after` alone: a move is done at once."""
        return [self.draw(after)]

    def show(self, row: np.void) -> None:
        """Shows a record in the window for half a second; the first call opens it.

        Once the user has closed the window, or pressed Escape, this does nothing.
        """
        if not self._window.closed_by_user:
            self._window.show(self._paint(row), MOVES_PER_SECOND)

    def close(self) -> None:
        """Closes the window, if there is one."""
        self._window.close()

    def _paint(self, row: np.void) -> pygame.Surface:
        if self._empty is None:
            self._empty = self._paint_empty()
        picture = self._empty.copy()
        cells, look = self.game.cells(row), self._look
        places = [(int(y), int(x)) for y, x in np.argwhere(cells != 0)]
        last = self.game.last_cells(row)
        if look.marks_below:
            self._paint_marks(picture, cells, last)
        for place in places:
            self._stick(picture, self._piece(int(cells[place])), place)
        if not look.marks_below:
            self._paint_marks(picture, cells, last)
        self._paint_caption(picture, row)
        return picture

    def _paint_marks(self, picture: pygame.Surface, cells: np.ndarray, last: list[tuple[int, int]]) -> None:
        for place in last:
            value = int(cells[place])
            if value not in self._marks:
                self._marks[value] = self._look.mark(value)
            self._stick(picture, self._marks[value], place)

    def _piece(self, value: int) -> pygame.Surface:
        if value not in self._pieces:
            self._pieces[value] = self._look.piece(value)
        return self._pieces[value]

    def _stick(self, picture: pygame.Surface, sprite: pygame.Surface, place: tuple[int, int]) -> None:
        x, y = self._look.centre(*place)
        stick(picture, sprite, (self._corner[0] + x, self._corner[1] + y))

    def _token(self, value: int) -> pygame.Surface:
        """A small piece on a tile of the board, so that black ones are seen on the dark frame."""
        if value not in self._tokens:
            tile, piece = Sketch((_TOKEN_PX, _TOKEN_PX)), self._piece(value)
            tile.box(self._look.ground, 0, 0, (_TOKEN_PX, _TOKEN_PX), 6)
            small = pygame.transform.smoothscale(piece, (_TOKEN_PX, _TOKEN_PX))
            self._tokens[value] = tile.finish()
            stick(self._tokens[value], small, (_TOKEN_PX / 2, _TOKEN_PX / 2))
        return self._tokens[value]

    def _paint_empty(self) -> pygame.Surface:
        """The board without pieces, and its coordinates."""
        picture = pygame.Surface(self.size, depth=32)
        picture.fill(PANEL)
        board = Sketch(self._look.size)
        self._look.paint_board(board)
        left, top = self._corner
        picture.blit(board.finish(), self._corner, special_flags=pygame.BLEND_PREMULTIPLIED)
        game = self.game
        labels = [
            (str(notation.row_number(row, game.height, game.rows_from_top)), self._look.row_label(row))
            for row in range(game.height)
        ]
        labels += [(game.letters[column], self._look.column_label(column)) for column in range(game.width)]
        for text, (x, y) in labels:
            write(picture, text, round(left + x - text_width(text) / 2), round(top + y), FAINT)
        return picture

    def _paint_caption(self, picture: pygame.Surface, row: np.void) -> None:
        """Who is to move, with a small piece, at the left; the game and the number of moves at the right."""
        left, right, y = 20, self.size[0] - 20, _TOP_PX // 2
        seat = mover_or_winner(row)
        if seat is not None:
            stick(picture, self._token(1 if seat == 0 else -1), (left + 14, y))
            left += 40
        write(picture, caption(self.game, row), left, y, height_px=26)
        moves = int(row["ply"])
        said = f"{self.game.title}, {moves} {'move' if moves == 1 else 'moves'}"
        write(picture, said, right - text_width(said), y, FAINT)


def _whole(pixels_needed: float) -> int:
    return math.ceil(pixels_needed / _STEP_PX) * _STEP_PX
