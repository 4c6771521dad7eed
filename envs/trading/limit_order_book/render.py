"""Draws the book: a ladder of prices, each order a bar in its queue, the agents' in colours of their own."""

import numpy as np
import pygame

from quadrivium.envs.core.picture import FAINT, PANEL, TEXT, Colour, Window, pixels, text_width, write
from quadrivium.envs.trading.limit_order_book.ladder import ROWS, rungs

WIDTH, ROW, HEAD = 640, 20, 56
BID: Colour = (58, 110, 165)
ASK: Colour = (168, 84, 74)
OWN: tuple[Colour, ...] = ((240, 190, 70), (120, 200, 120), (200, 130, 220), (110, 210, 220))
LINE: Colour = (48, 53, 62)
SHARE = 14  # pixels a lot


class LadderRenderer:
    """Draws records of the limit order book."""

    def __init__(self, lot: int = 1) -> None:
        self._lot = lot  # shares that are drawn as one
        self._window: Window | None = None

    def draw(self, row: np.void) -> np.ndarray:
        """Returns the picture, (476, 640, 3) uint8."""
        return pixels(self._picture(row))

    def frames_between(self, before: np.void, after: np.void, count: int) -> list[np.ndarray]:
        """Returns the picture of `after` only: a book has no motion between two messages."""
        return [self.draw(after)]

    def show(self, row: np.void) -> None:
        """Shows the picture in a window."""
        if self._window is None:
            self._window = Window("Limit order book")
        self._window.show(self._picture(row), 10)

    def close(self) -> None:
        """Closes the window, if there is one."""
        if self._window is not None:
            self._window.close()
            self._window = None

    def _picture(self, row: np.void) -> pygame.Surface:
        surface = pygame.Surface((WIDTH, HEAD + ROWS * ROW))
        surface.fill(PANEL)
        middle = WIDTH // 2
        for k, (position, nav) in enumerate(zip(row["position"][1:3], row["nav"][:2], strict=True)):
            line = f"inventory {int(position):+d}   NAV {float(nav):+.1f} ticks × shares"
            write(surface, line, 14, 18 + 20 * k, OWN[k], 20)
        step = f"decision {int(row['step'])}"
        write(surface, step, WIDTH - 14 - text_width(step, 18), 18, FAINT, 18)
        for k, rung in enumerate(rungs(row)):
            top = HEAD + k * ROW
            pygame.draw.line(surface, LINE, (0, top), (WIDTH, top))
            price = str(rung.price)
            at = middle - text_width(price, 18) // 2
            write(surface, price, at, top + ROW // 2, TEXT if rung.side else FAINT, 18)
            reach = 30.0  # pixels from the middle: bids grow to the left, asks to the right
            for owner, size in rung.orders:
                length = SHARE * size / self._lot
                width = min(length, middle - reach) - 2
                if width < 2:
                    break
                colour = OWN[(owner - 1) % len(OWN)] if owner else (BID if rung.side > 0 else ASK)
                left = middle - reach - width if rung.side > 0 else middle + reach
                pygame.draw.rect(surface, colour, (round(left), top + 3, round(width), ROW - 5), 0, 2)
                reach += length
        return surface
