"""Positions of a game side by side, with what a network and a search think of the moves drawn on them."""

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import numpy as np
import pygame

from quadrivium.envs.board.ansi import caption, mover_or_winner
from quadrivium.envs.board.board_game import BoardGame
from quadrivium.envs.board.render.annotations import (
    NETWORK,
    PLAYED,
    SEARCH,
    disc_radius,
    draw_arrow,
    draw_brackets,
    draw_disc,
)
from quadrivium.envs.board.render.looks import look_of
from quadrivium.envs.board.render.painter import BoardPainter, Corner
from quadrivium.envs.core.picture import (
    FAINT,
    PANEL,
    TEXT,
    Point,
    Sketch,
    mix,
    pixels,
    stick,
    text_width,
    write,
)

_LAYOUTS = ((4, 272), (3, 384))  # columns, and pixels of a board; the second where cells would be too small
_SMALL_CELL_PX = 24
_MARGIN_PX = 22  # around a tile
_HEADING_PX = 34
_LABELS_PX = 30  # the columns' letters
_BAR_PX = 10
_LINE_PX = 20
_NUMBER_PX = 56  # for the value beside its bar
_BEST = 5  # moves named beneath a board, and arrows on it
_LEGEND_PX = 46
_LEAST = 0.01  # a smaller share is not drawn
_LEAST_ARROW = 0.05  # likewise along an arrow
_NUMBER_HEIGHT_PX = 17  # on a disc, where it and the ring leave room

Place = tuple[int, int]


class Study(Protocol):
    """A position, what is thought of it, and the move that is then played."""

    @property
    def row(self) -> np.void:
        """A record of a pool."""
        ...

    @property
    def policy(self) -> np.ndarray:
        """(A,) the network's, which sums to 1; 0 where there is none."""
        ...

    @property
    def search(self) -> np.ndarray:
        """(A,) the search's, likewise."""
        ...

    @property
    def action(self) -> int:
        """What is played; below 0: nothing."""
        ...

    @property
    def value(self) -> float:
        """The first player's expected outcome, -1 to 1."""
        ...


class Shares(NamedTuple):
    """What two policies give to all the actions that touch the same cells."""

    search: float
    network: float


class StudyRenderer:
    """Draws positions of one game in a grid, each with two policies, the move played and a value.

    On the square of a move the violet area is the search's share and the light blue ring the network's; where
    moves lead from square to square, the widths of two arrows. The move played is in golden brackets.
    Beneath stand the value as a bar of the players' colours, and the best moves in per cent.

    Args:
        game: whose positions are drawn.
    """

    def __init__(self, game: BoardGame) -> None:
        self.game = game
        self._columns, board_px = _LAYOUTS[0]
        if look_of(game, board_px).cell < _SMALL_CELL_PX:
            self._columns, board_px = _LAYOUTS[1]
        self._painter = BoardPainter(game, board_px)
        width, height = self._painter.look.size
        self._corner: Corner = (_MARGIN_PX + 12, _HEADING_PX)
        self._tile = (
            max(board_px, width) + 2 * _MARGIN_PX + 4,
            _HEADING_PX + height + _LABELS_PX + _BAR_PX + 2 * _LINE_PX + 8,
        )

    def __call__(self, studies: Sequence[Study]) -> np.ndarray:
        """Returns the picture of all `studies` (H, W, 3) uint8, row by row of the grid."""
        columns = min(self._columns, max(len(studies), 1))
        width, height = self._tile
        size = (columns * width + _MARGIN_PX, math.ceil(len(studies) / columns) * height + _LEGEND_PX)
        picture = pygame.Surface(size, depth=32)
        picture.fill(PANEL)
        self._paint_legend(picture)
        for k, study in enumerate(studies):
            at = (_MARGIN_PX // 2 + k % columns * width, _LEGEND_PX + k // columns * height)
            picture.blit(self._paint(study), at)
        return pixels(picture)

    # ---- one position

    def _paint(self, study: Study) -> pygame.Surface:
        tile = pygame.Surface(self._tile, depth=32)
        tile.fill(PANEL)
        self._paint_heading(tile, study)
        self._painter.paint_board(tile, self._corner, label_px=15)
        self._painter.paint_pieces(tile, study.row, self._corner)
        if study.action >= 0:
            self._paint_moves(tile, study)
        top = self._corner[1] + self._painter.look.size[1] + _LABELS_PX
        self._paint_value(tile, study.value, top)
        self._paint_best(tile, study, top + _BAR_PX + 18)
        return tile

    def _paint_heading(self, tile: pygame.Surface, study: Study) -> None:
        """Who moves, or how it ended; and at the right what is played."""
        left, y = self._corner[0], _HEADING_PX // 2
        seat, ply = mover_or_winner(study.row), int(study.row["ply"])
        if seat is not None:
            token = pygame.transform.smoothscale(self._painter.token(1 if seat == 0 else -1), (22, 22))
            tile.blit(token, (left, y - 11))
            left += 30
        if study.action < 0:
            write(tile, f"{caption(self.game, study.row)}, {ply} moves", left, y, height_px=21)
            return
        left = write(tile, f"move {ply + 1}", left, y, FAINT, 19) + 8
        write(tile, self._name(study, study.action), left, y, PLAYED, 22)

    def _paint_moves(self, tile: pygame.Surface, study: Study) -> None:
        """The shares of the moves on their squares, or along arrows; then what is played."""
        cell, sketch = self._painter.look.cell, Sketch(tile.get_size())
        shares, played = self._shares(study), self._touched(study.row, study.action)
        numbers: list[tuple[Point, str]] = []
        for places, share in sorted(shares.items(), key=lambda item: item[1]):
            points = [self._at(place) for place in places]
            if len(points) == 2:
                draw_arrow(sketch, points[0], points[1], cell, *share)
                continue
            draw_disc(sketch, points[0], cell, *share)
            text = f"{100 * share.search:.0f}"
            if disc_radius(min(share), cell) >= text_width(text.rjust(2, "0"), _NUMBER_HEIGHT_PX) / 2 + 1:
                numbers.append((points[0], text))
        if played:
            draw_brackets(sketch, self._at(played[-1]), cell)
        tile.blit(sketch.finish(), (0, 0), special_flags=pygame.BLEND_PREMULTIPLIED)
        for (x, y), text in numbers:
            at = (round(x - text_width(text, _NUMBER_HEIGHT_PX) / 2), round(y))
            write(tile, text, *at, height_px=_NUMBER_HEIGHT_PX)

    def _at(self, place: Place) -> Point:
        x, y = self._painter.look.centre(*place)
        return self._corner[0] + x, self._corner[1] + y

    def _shares(self, study: Study) -> dict[tuple[Place, ...], Shares]:
        """Returns what both policies give to the actions, by the cells that these touch."""
        shares: defaultdict[tuple[Place, ...], Shares] = defaultdict(lambda: Shares(0.0, 0.0))
        worth = (study.search >= _LEAST) | (study.policy >= _LEAST)
        worth[study.action] = True
        for action in np.flatnonzero(worth):
            places = self._touched(study.row, int(action))
            search, network = shares[places]
            shares[places] = Shares(
                search + float(study.search[action]), network + float(study.policy[action])
            )
        shares.pop((), None)  # a pass
        played = self._touched(study.row, study.action)
        for places, share in list(shares.items()):
            if len(places) == 2 and max(share) < _LEAST_ARROW and places != played:
                del shares[places]
        return shares

    def _touched(self, row: np.void, action: int) -> tuple[Place, ...]:
        """Returns the cells of a move: one, or from where to where."""
        after = np.array([row])
        self.game.step(after, np.arange(1), np.array([action]))
        return tuple(self.game.last_cells(after[0]))

    def _paint_value(self, tile: pygame.Surface, value: float, top: int) -> None:
        """A bar, the first player's part at the left, a tick in its middle; and the number."""
        width = self._painter.look.size[0] - _NUMBER_PX
        first, second = (mix(paint.fill, PANEL, 0.08) for paint in self._painter.look.paints)
        sketch = Sketch((width, _BAR_PX))
        part = width * (1 + value) / 2
        sketch.box(second, 0, 0, (width, _BAR_PX), 3)
        sketch.box(first, 0, 0, (part, _BAR_PX), min(3.0, part / 2))
        tile.blit(sketch.finish(), (self._corner[0], top), special_flags=pygame.BLEND_PREMULTIPLIED)
        tick = (self._corner[0] + width // 2 - 1, top - 3, 2, _BAR_PX + 6)
        pygame.draw.rect(tile, FAINT, tick)
        text = f"{round(value, 2) + 0.0:+.2f}"  # never -0.00
        right = self._corner[0] + self._painter.look.size[0]
        write(tile, text, right - text_width(text, 20), top + _BAR_PX // 2, height_px=20)

    def _paint_best(self, tile: pygame.Surface, study: Study, y: int) -> None:
        """The search's best moves by name with both shares in per cent, as many as there is room for."""
        order = np.argsort(-study.search, kind="stable")[:_BEST]
        left = self._corner[0]
        for action in order[study.search[order] >= _LEAST]:
            texts = [
                (self._name(study, int(action)), TEXT),
                (f" {100 * study.search[action]:.0f}", mix(SEARCH, TEXT, 0.4)),
                (f"/{100 * study.policy[action]:.0f}", NETWORK),
            ]
            if left + sum(text_width(text) for text, _ in texts) > self._tile[0] - _MARGIN_PX:
                break
            for text, colour in texts:
                left = write(tile, text, left, y, colour)
            left += 10

    def _name(self, study: Study, action: int) -> str:
        return str(getattr(self.game, "san", self.game.move_name)(study.row, action))

    def _paint_legend(self, picture: pygame.Surface) -> None:
        """What the colours mean."""
        y, left = _LEGEND_PX // 2, _MARGIN_PX // 2 + self._corner[0]
        samples: list[tuple[str, Callable[[Sketch, Point], None]]] = [
            ("search", lambda sketch, at: draw_disc(sketch, at, 30, 0.8, 0.0)),
            ("network", lambda sketch, at: draw_disc(sketch, at, 30, 0.0, 0.8)),
            ("played", lambda sketch, at: draw_brackets(sketch, at, 30)),
        ]
        for text, draw in samples:
            sketch = Sketch((36, 36))
            draw(sketch, (18, 18))
            stick(picture, sketch.finish(), (left + 14, y))
            left = write(picture, text, left + 36, y, FAINT, 19) + 26
        write(picture, f"bar: value for {self.game.players[0]}", left, y, FAINT, 19)
