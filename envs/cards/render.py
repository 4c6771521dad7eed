"""A table with two hands, the shared card and the chips. Imported only when something is drawn."""

import numpy as np
import pygame

from quadrivium.envs.cards.card_game import PLAYERS, RANKS, CardGame
from quadrivium.envs.core.picture import FAINT, PANEL, Sketch, stick, text_width, write
from quadrivium.envs.core.still_renderer import StillRenderer

MOVES_PER_SECOND = 2  # in the window
SIZE = (480, 320)
_FELT, _RIM = (24, 94, 72), (16, 66, 52)
_PAPER, _INK = (244, 241, 232), (38, 44, 58)
_CHIP, _EDGE = (206, 74, 62), (250, 232, 214)
_CARD = (64, 88)
_ROWS = (104, 244)  # where the hands lie: the second player's, the first one's
_SHOWN = 12  # chips of a stack


class CardRenderer(StillRenderer):
    """Draws games as who looks on sees them, with all hands open: the first player sits below.

    The picture is 480 x 320 pixels; above the table stands who is to move or how the game ended. It satisfies
    `quadrivium.envs.core.setup.Renderer`.

    Args:
        game: whose records are drawn.
    """

    def __init__(self, game: CardGame) -> None:
        self.game = game
        super().__init__(game.title, MOVES_PER_SECOND)

    def _paint(self, row: np.void) -> pygame.Surface:
        width, height = SIZE
        picture = pygame.Surface(SIZE, depth=32)
        picture.fill(PANEL)
        table = Sketch(SIZE)
        table.box(_RIM, 16, 44, (width - 32, height - 60), 60)
        table.box(_FELT, 24, 52, (width - 48, height - 76), 52)
        for seat, y in zip((1, 0), _ROWS, strict=True):
            _card(table, (96, y))
            for k in range(min(int(row["paid"][seat]), _SHOWN)):
                table.disc(_EDGE, (156 + 14 * k, y + 26), 12)
                table.disc(_CHIP, (156 + 14 * k, y + 26), 10)
        shared = self.game.shared_card(row)
        if shared is not None:
            _card(table, (400, (_ROWS[0] + _ROWS[1]) // 2))
        stick(picture, table.finish(), (width / 2, height / 2))
        for seat, y in zip((1, 0), _ROWS, strict=True):
            _rank(picture, int(row["cards"][seat]), (96, y))
            write(picture, f"{PLAYERS[seat]} player, {int(row['paid'][seat])} paid", 146, y - 18)
        if shared is not None:
            _rank(picture, shared, (400, (_ROWS[0] + _ROWS[1]) // 2))
        write(picture, self.game.told(row), 146, (_ROWS[0] + _ROWS[1]) // 2, FAINT)
        write(picture, self.game.caption(row), 20, 22, height_px=24)
        title = self.game.title
        write(picture, title, width - 20 - text_width(title), 22, FAINT)
        return picture


def _card(table: Sketch, centre: tuple[int, int]) -> None:
    width, height = _CARD
    left, top = centre[0] - width / 2, centre[1] - height / 2
    table.box(_RIM, left + 2, top + 3, _CARD, 8)
    table.box(_PAPER, left, top, _CARD, 8)


def _rank(picture: pygame.Surface, rank: int, centre: tuple[int, int]) -> None:
    letter = RANKS[rank]
    write(picture, letter, centre[0] - text_width(letter, 56) // 2, centre[1], _INK, 56)
