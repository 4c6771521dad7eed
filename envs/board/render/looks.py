"""The boards under the pieces: where each cell is, what is painted once, which sprite is which piece."""

import math
from abc import ABC, abstractmethod
from typing import ClassVar

import pygame

from quadrivium.envs.board import notation
from quadrivium.envs.board.board_game import BoardGame
from quadrivium.envs.board.render import pieces
from quadrivium.envs.board.render.chessmen import chessman
from quadrivium.envs.board.render.pieces import Paint, paint_of
from quadrivium.envs.core.picture import Colour, Point, Sketch, mix, stick, text_width, write

BOARD_PX = 512  # the longer side of a board, unless another is asked for
_LARGEST_CELL_PX = 128
_HEX_SHARE = 552 / 512  # a rhombus leaves corners empty: it may be a little larger
_RIM_PX = 8
_LAST_TINT = (255, 205, 40, 120)

CHEQUERS: tuple[Colour, Colour] = ((232, 237, 243), (124, 148, 178))
PLAIN: tuple[Colour, Colour] = ((40, 45, 54), (78, 86, 100))
FELT: tuple[Colour, Colour] = ((62, 133, 105), (45, 106, 82))
RACK: Colour = (52, 98, 190)
HOLE: Colour = (27, 30, 36)
WOOD: tuple[Colour, Colour] = ((222, 184, 128), (104, 78, 46))
POINTS: tuple[Colour, Colour] = ((150, 74, 60), (244, 226, 194))
COMB: tuple[Colour, Colour] = ((226, 230, 236), (150, 158, 170))


class Look(ABC):
    """How one game's board is drawn. Coordinates are pixels from the board's top left corner.

    Args:
        game: whose board it is.
        board_px: pixels that the longer side may have.

    Attributes:
        cell: a cell's width, an even number of pixels.
        size: (width, height) of the board with its rim.
    """

    ground: ClassVar[Colour]  # what pieces stand on, for the one beside the caption
    marks_below: ClassVar[bool] = False  # whether the last move's mark lies under the pieces
    rim: ClassVar[int] = 0  # pixels around the cells

    def __init__(self, game: BoardGame, board_px: int = BOARD_PX) -> None:
        self.game, self.board_px = game, board_px
        self.paints = tuple(paint_of(name, seat) for seat, name in enumerate(game.players))
        self.cell = self._cell_px()
        self.size = (game.width * self.cell + 2 * self.rim, game.height * self.cell + 2 * self.rim)

    def centre(self, row: int, column: int) -> Point:
        """Returns the middle of a cell."""
        return self.rim + (column + 0.5) * self.cell, self.rim + (row + 0.5) * self.cell

    def row_label(self, row: int) -> Point:
        """Returns the middle of the row's number."""
        return -18, self.centre(row, 0)[1]

    def column_label(self, column: int) -> Point:
        """Returns the middle of the column's letter."""
        return self.centre(self.game.height - 1, column)[0], self.size[1] + 18

    def labels(self) -> list[tuple[str, Point]]:
        """Returns the coordinates around the board, and the middle of each."""
        game = self.game
        rows = [notation.row_number(row, game.height, game.rows_from_top) for row in range(game.height)]
        found = [(str(number), self.row_label(row)) for row, number in enumerate(rows)]
        return found + [(game.letters[column], self.column_label(column)) for column in range(game.width)]

    @abstractmethod
    def paint_board(self, sketch: Sketch) -> None:
        """Paints the empty board."""

    @abstractmethod
    def piece(self, value: int) -> pygame.Surface:
        """Returns the sprite of a value of `cells` that is not 0."""

    def piece_at(self, value: int, row: int) -> pygame.Surface:
        """Returns the sprite of a value in a row of the board, where that matters."""
        return self.piece(value)

    def mark(self, value: int) -> pygame.Surface:
        """Returns the sprite that marks a cell of the last move, on which `value` stands now."""
        return pieces.ring_mark(self.paint_for(value), self.cell)

    def paint_for(self, value: int) -> Paint:
        """Returns the colours of the piece's owner; an empty cell is taken for the second player's."""
        return self.paints[0 if value > 0 else 1]

    def _cell_px(self) -> int:
        fitting = self.board_px // max(self.game.width, self.game.height)
        return min(_LARGEST_CELL_PX, fitting) // 2 * 2


class Squares(Look):
    """Chequered squares: chessmen if there are six kinds, else pawns."""

    ground = CHEQUERS[1]
    marks_below = True

    def paint_board(self, sketch: Sketch) -> None:
        """Light and dark in turn, the corner at the first player's right hand light."""
        for row in range(self.game.height):
            for column in range(self.game.width):
                dark = (self.game.height - 1 - row + self.game.width - 1 - column) % 2
                x, y = column * self.cell, row * self.cell
                sketch.box(CHEQUERS[dark], x, y, (self.cell, self.cell))

    def piece(self, value: int) -> pygame.Surface:
        """A chessman by the letter in the game's glyphs."""
        kind = self.game.glyphs[abs(value)].upper()
        return chessman(kind if max(self.game.glyphs) == 6 else "P", self.paint_for(value), self.cell)

    def mark(self, value: int) -> pygame.Surface:
        """A tint over the square."""
        sketch = Sketch((self.cell, self.cell))
        sketch.box(_LAST_TINT, 0, 0, (self.cell, self.cell))
        return sketch.finish()


class Marks(Look):
    """Plain squares between lines: crosses and noughts."""

    ground = PLAIN[0]
    marks_below = True

    def paint_board(self, sketch: Sketch) -> None:
        """Only the lines between the cells."""
        inset = 0.06 * self.cell
        sketch.box(PLAIN[0], 0, 0, self.size, 10)
        for k in range(1, self.game.width):
            sketch.path(PLAIN[1], [(k * self.cell, inset), (k * self.cell, self.size[1] - inset)], 4)
        for k in range(1, self.game.height):
            sketch.path(PLAIN[1], [(inset, k * self.cell), (self.size[0] - inset, k * self.cell)], 4)

    def piece(self, value: int) -> pygame.Surface:
        """A cross for the first player, a nought for the second."""
        return (pieces.cross if value > 0 else pieces.nought)(self.paint_for(value), self.cell)

    def mark(self, value: int) -> pygame.Surface:
        """A lighter square."""
        side = self.cell - 16
        sketch = Sketch((side, side))
        sketch.box((255, 255, 255, 28), 0, 0, (side, side), 8)
        return sketch.finish()


class Discs(Look):
    """Discs on green squares."""

    ground = FELT[0]

    def paint_board(self, sketch: Sketch) -> None:
        """Felt with lines, and a dot two lines in from each corner."""
        sketch.box(FELT[0], 0, 0, self.size, 6)
        width, height = self.game.width, self.game.height
        for k in range(1, width):
            sketch.box(FELT[1], k * self.cell - 1, 0, (2, self.size[1]))
        for k in range(1, height):
            sketch.box(FELT[1], 0, k * self.cell - 1, (self.size[0], 2))
        for x in (2, width - 2):
            for y in (2, height - 2):
                sketch.disc(FELT[1], (x * self.cell, y * self.cell), 4.5)

    def piece(self, value: int) -> pygame.Surface:
        """A disc."""
        return pieces.disc(self.paint_for(value), self.cell)


class Holes(Look):
    """An upright rack with round holes."""

    ground = RACK
    rim = _RIM_PX

    def paint_board(self, sketch: Sketch) -> None:
        """The rack, and through its holes what is behind it."""
        sketch.box(RACK, 0, 0, self.size, 16)
        for row in range(self.game.height):
            for column in range(self.game.width):
                centre = self.centre(row, column)
                sketch.disc(mix(RACK, pieces.INK, 0.25), centre, 0.43 * self.cell)
                sketch.disc(HOLE, centre, 0.40 * self.cell)

    def piece(self, value: int) -> pygame.Surface:
        """A token."""
        return pieces.token(self.paint_for(value), self.cell)

    def mark(self, value: int) -> pygame.Surface:
        """A dot within the token's ring."""
        side = self.cell // 2 * 2
        sketch = Sketch((side, side))
        sketch.disc(self.paint_for(value).contrast, (side / 2, side / 2), 0.12 * self.cell)
        return sketch.finish()


class Stones(Look):
    """Stones on the crossings of lines."""

    ground = WOOD[0]

    def paint_board(self, sketch: Sketch) -> None:
        """Wood, one line a row and a column, and the star points."""
        sketch.box(WOOD[0], 0, 0, self.size, 6)
        wide = max(1.0, 0.035 * self.cell)
        bottom, right = self.game.height - 1, self.game.width - 1
        for row in range(self.game.height):
            (x0, y), (x1, _) = self.centre(row, 0), self.centre(row, right)
            sketch.box(WOOD[1], x0 - wide / 2, y - wide / 2, (x1 - x0 + wide, wide))
        for column in range(self.game.width):
            (x, y0), (_, y1) = self.centre(0, column), self.centre(bottom, column)
            sketch.box(WOOD[1], x - wide / 2, y0 - wide / 2, (wide, y1 - y0 + wide))
        for row, column in star_points(self.game.height, self.game.width):
            sketch.disc(WOOD[1], self.centre(row, column), max(2.5, 0.09 * self.cell))

    def piece(self, value: int) -> pygame.Surface:
        """A stone."""
        return pieces.stone(self.paint_for(value), self.cell)


class Hexagons(Look):
    """Stones on a rhombus of hexagons; each player's two sides have the player's colour."""

    ground = COMB[0]
    rim = _RIM_PX

    def __init__(self, game: BoardGame, board_px: int = BOARD_PX) -> None:
        super().__init__(game, board_px)
        rows, radius = game.height, self.cell / math.sqrt(3)
        self.size = (
            round((game.width + (rows - 1) / 2) * self.cell + 2 * self.rim),
            2 * round((1.5 * (rows - 1) + 2) * radius / 2 + self.rim),
        )

    def _cell_px(self) -> int:
        fitting = int(round(self.board_px * _HEX_SHARE) / (self.game.width + (self.game.height - 1) / 2))
        return min(_LARGEST_CELL_PX * 3 // 4, fitting) // 2 * 2

    def centre(self, row: int, column: int) -> Point:
        """Returns the middle of a hexagon; each row stands half a cell to the right of the one above."""
        from_middle = (row - (self.game.height - 1) / 2) * 1.5 * self.cell / math.sqrt(3)
        return self.rim + (column + 0.5 + row / 2) * self.cell, self.size[1] / 2 + from_middle

    def row_label(self, row: int) -> Point:
        """To the left of the row, which slants."""
        x, y = self.centre(row, 0)
        return x - self.cell / 2 - 18, y

    def paint_board(self, sketch: Sketch) -> None:
        """The hexagons, and under the outer ones a band in the colour of the side's owner."""
        bottom, right = self.game.height - 1, self.game.width - 1
        first, second = (paint.fill for paint in self.paints)
        for column in range(self.game.width):
            self._band(sketch, first, 0, column, (5, 0, 1))
            self._band(sketch, first, bottom, column, (2, 3, 4))
        for row in range(self.game.height):
            self._band(sketch, second, row, 0, (3, 4, 5) if row < bottom else (4, 5))
            self._band(sketch, second, row, right, (0, 1, 2) if row else (1, 2))
        for row in range(self.game.height):
            for column in range(self.game.width):
                corners = pieces.hexagon(self.centre(row, column), self.cell)
                sketch.polygon(COMB[1], corners, 0.75)
                sketch.polygon(COMB[0], pieces.hexagon(self.centre(row, column), self.cell - 2.5))

    def _band(self, sketch: Sketch, colour: Colour, row: int, column: int, corners: tuple[int, ...]) -> None:
        """Paints along a hexagon's sides between some of its corners, outwards."""
        places = pieces.hexagon(self.centre(row, column), self.cell)
        sketch.path(colour, [places[k] for k in corners], 2 * self.rim - 4)

    def piece(self, value: int) -> pygame.Surface:
        """A stone."""
        return pieces.peg(self.paint_for(value), self.cell)


class Points(Look):
    """Stacks of checkers on the triangles of a backgammon board, from the rim inwards."""

    ground = WOOD[0]
    _SHOWN = 5  # checkers of a stack; of a higher one the last says how many there are
    _PITCH = 0.84  # of a cell, between two of them

    def __init__(self, game: BoardGame, board_px: int = BOARD_PX) -> None:
        super().__init__(game, board_px)
        self.size = (game.width * self.cell, round(2 * (self._SHOWN + 0.7) * self.cell * self._PITCH))
        self._asides = (game.width // 2 - 1, game.width - 1)  # columns of the bar, and of what is off

    def centre(self, row: int, column: int) -> Point:
        """Returns the middle of a point's first checker, at the rim."""
        return (column + 0.5) * self.cell, self.cell / 2 if row == 0 else self.size[1] - self.cell / 2

    def labels(self) -> list[tuple[str, Point]]:
        """Returns the numbers of the points, as the first player counts, at their tips."""
        places = [column for column in range(self.game.width) if column not in self._asides]
        middle, aside = self.size[1] / 2, 0.3 * self.cell
        above = [
            (str(13 + k), (self.centre(0, column)[0], middle - aside)) for k, column in enumerate(places)
        ]
        below = [
            (str(12 - k), (self.centre(1, column)[0], middle + aside)) for k, column in enumerate(places)
        ]
        return above + below

    def paint_board(self, sketch: Sketch) -> None:
        """The triangles, in two colours in turn, the bar, and the tray of those that are off."""
        cell, height = self.cell, self.size[1]
        sketch.box(WOOD[0], 0, 0, self.size, 6)
        places = [column for column in range(self.game.width) if column not in self._asides]
        for k, column in enumerate(places):
            left, right, reach = column * cell, (column + 1) * cell, self._SHOWN * cell * self._PITCH
            middle = (left + right) / 2
            for rim, tip in ((0.0, reach), (height, height - reach)):
                sketch.polygon(POINTS[k % 2], [(left + 1, rim), (right - 1, rim), (middle, tip)])
        for column in self._asides:
            sketch.box(WOOD[1], column * cell, 0, (cell, height))

    def piece(self, value: int) -> pygame.Surface:
        """A checker, with the number of those in its stack where there are several."""
        checker = pieces.disc(self.paint_for(value), self.cell)
        return self._numbered(checker, value) if abs(value) > 1 else checker

    def piece_at(self, value: int, row: int) -> pygame.Surface:
        """The stack, about the middle of its first checker."""
        shown, pitch = min(abs(value), self._SHOWN), self.cell * self._PITCH
        side = 2 * round(0.55 * self.cell)
        stack = pygame.Surface((side, side + 2 * round((shown - 1) * pitch)), pygame.SRCALPHA, 32)
        checker = pieces.disc(self.paint_for(value), self.cell)
        for k in range(shown):
            last = k == shown - 1 and abs(value) > shown
            inwards = k * pitch if row == 0 else -k * pitch
            sprite = self._numbered(checker, value) if last else checker
            stick(stack, sprite, (side / 2, stack.get_height() / 2 + inwards))
        return stack

    def _numbered(self, checker: pygame.Surface, value: int) -> pygame.Surface:
        sprite, text, height = checker.copy(), str(abs(value)), max(9, round(0.5 * self.cell))
        middle = sprite.get_width() / 2
        left = round(middle - text_width(text, height) / 2)
        write(sprite, text, left, round(middle), self.paint_for(value).contrast, height)
        return sprite


def star_points(height: int, width: int) -> list[tuple[int, int]]:
    """Returns the crossings that boards of these sizes mark: four, five or nine; none on small boards."""
    if height != width or height < 7:
        return []
    edge = 2 if height < 12 else 3
    lines = [edge, height - 1 - edge]
    corners = [(row, column) for row in lines for column in lines]
    if height % 2 == 0:
        return corners
    middle = height // 2
    sides = [(edge, middle), (middle, edge), (middle, lines[1]), (lines[1], middle)]
    return [*corners, (middle, middle), *(sides if height >= 19 else [])]


_LOOKS: dict[str, type[Look]] = {
    "squares": Squares,
    "discs": Discs,
    "holes": Holes,
    "stones": Stones,
    "hexagons": Hexagons,
    "points": Points,
}


def look_of(game: BoardGame, board_px: int = BOARD_PX) -> Look:
    """Returns how a game is drawn: by its `look`, but players called x and o have crosses and noughts."""
    if game.players == ("x", "o"):
        return Marks(game, board_px)
    return _LOOKS[game.look](game, board_px)
