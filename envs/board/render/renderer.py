"""A board game's position as a picture, or in a window."""

import math
from collections.abc import Mapping

import numpy as np
import pygame

from quadrivium.envs.board.ansi import caption, mover_or_winner
from quadrivium.envs.board.board_game import BoardGame
from quadrivium.envs.board.render.painter import BoardPainter
from quadrivium.envs.core.picture import FAINT, PANEL, Window, pixels, stick, text_width, write

MOVES_PER_SECOND = 2  # in the window
_TOP_PX = 48  # the caption
_SIDE_PX = 36  # room for the coordinates
_SMALLEST_PX = 480
_STEP_PX = 16  # sides are multiples of it, as video codecs want


class BoardRenderer:
    """Draws positions of one game from the first player's side, the last move marked.

    The picture is 480 to 640 pixels wide, above it stands who is to move or how the game ended. It satisfies
    `quadrivium.envs.core.setup.Renderer`.

    Args:
        game: whose positions are drawn.
    """

    def __init__(self, game: BoardGame) -> None:
        self.game = game
        self._painter = BoardPainter(game)
        width, height = self._painter.look.size
        self.size = (_whole(max(_SMALLEST_PX, width + 2 * _SIDE_PX)), _whole(height + _TOP_PX + _SIDE_PX))
        self._corner = ((self.size[0] - width) // 2, _TOP_PX)
        self._empty: pygame.Surface | None = None
        self._window = Window(game.title)

    def draw(self, row: np.void) -> np.ndarray:
        """Returns the picture of a record, (H, W, 3) uint8."""
        return pixels(self._paint(row))

    def places(self, row: np.void, parts: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Returns where the cells of the planes lie, as who is to move sees them: (H, W, 2) pixels."""
        game, look = self.game, self._painter.look
        centres = np.array([[look.centre(y, x) for x in range(game.width)] for y in range(game.height)])
        return {"observation": game.as_seen(centres + self._corner, int(row["to_move"]))}

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
            self._empty = pygame.Surface(self.size, depth=32)
            self._empty.fill(PANEL)
            self._painter.paint_board(self._empty, self._corner)
        picture = self._empty.copy()
        self._painter.paint_pieces(picture, row, self._corner)
        self._paint_caption(picture, row)
        return picture

    def _paint_caption(self, picture: pygame.Surface, row: np.void) -> None:
        """Who is to move, with a small piece, at the left; the game and the number of moves at the right."""
        left, right, y = 20, self.size[0] - 20, _TOP_PX // 2
        seat = mover_or_winner(row)
        if seat is not None:
            stick(picture, self._painter.token(1 if seat == 0 else -1), (left + 14, y))
            left += 40
        write(picture, caption(self.game, row), left, y, height_px=26)
        moves = int(row["ply"])
        said = f"{self.game.title}, {moves} {'move' if moves == 1 else 'moves'}"
        write(picture, said, right - text_width(said), y, FAINT)


def _whole(pixels_needed: float) -> int:
    return math.ceil(pixels_needed / _STEP_PX) * _STEP_PX
