"""Positions as text for a terminal: the game's diagram with colours and the last move marked."""

import numpy as np

from quadrivium.envs.board import notation
from quadrivium.envs.board.board_game import BoardGame
from quadrivium.envs.core.rules import NO_MOVE

_RESET = "\x1b[0m"
_FAINT = "\x1b[2m"
_MARK = "\x1b[93m"
_COLOURS = {
    "white": "\x1b[1;97m",
    "black": "\x1b[1;94m",  # black itself cannot be seen on a dark terminal
    "red": "\x1b[1;91m",
    "yellow": "\x1b[1;93m",
    "blue": "\x1b[1;94m",
}
_BY_SEAT = ("\x1b[1;96m", "\x1b[1;95m")  # for other names


def ansi(game: BoardGame, row: np.void, *, colours: bool = True) -> str:
    """Returns the board with coordinates and, as the last line, who is to move or how the game ended.

    The cells that the last move touched stand in brackets, "[x]"; two beside each other as "[x|o]".

    Args:
        game: whose position it is.
        row: a record of its state.
        colours: whether to colour the text with ANSI escapes; without, it says the same.
    """
    cells, last = game.cells(row), set(game.last_cells(row))
    shown = notation.diagram(cells, game.glyphs, "", game.letters, game.slant, game.rows_from_top)
    diagram = shown.splitlines()
    inked = _ink if colours else _plain
    lines: list[str] = []
    for r in range(game.height):
        line = inked(_FAINT, diagram[r][: -2 * game.width])  # the row's number; then blank, glyph, ...
        for c in range(game.width):
            line += inked(_MARK, _gap((r, c - 1) in last, (r, c) in last)) + inked(
                _piece_colour(game, int(cells[r, c])), game.glyphs[int(cells[r, c])]
            )
        lines.append((line + inked(_MARK, _gap((r, game.width - 1) in last, False))).rstrip())
    lines.append(inked(_FAINT, diagram[game.height]))
    seat = mover_or_winner(row)
    lines.append(caption(game, row) if seat is None else inked(_seat_colour(game, seat), caption(game, row)))
    return "\n".join(lines)


def caption(game: BoardGame, row: np.void) -> str:
    """Returns who is to move, or how the game ended: "White to move", "White to move with 3-1",
    "Black has won", "Draw".
    """
    seat = mover_or_winner(row)
    if seat is None:
        return "Draw"
    if row["over"]:
        return f"{game.players[seat].capitalize()} has won"
    passed, roll = row["last_move"] != NO_MOVE and not game.last_cells(row), game.roll(row)
    by = f" with {roll}" if roll else ""
    return f"{game.players[seat].capitalize()} to move{by}{' after a pass' if passed else ''}"


def mover_or_winner(row: np.void) -> int | None:
    """Returns the seat to move, or of an ended game the winner's; None in a draw."""
    if not row["over"]:
        return int(row["to_move"])
    winner = int(row["winner"])
    return winner if winner >= 0 else None


def _gap(after_last: bool, before_last: bool) -> str:
    if after_last and before_last:
        return "|"
    return "]" if after_last else "[" if before_last else " "


def _piece_colour(game: BoardGame, value: int) -> str:
    return _FAINT if value == 0 else _seat_colour(game, 0 if value > 0 else 1)


def _seat_colour(game: BoardGame, seat: int) -> str:
    return _COLOURS.get(game.players[seat], _BY_SEAT[seat])


def _ink(colour: str, text: str) -> str:
    return text if text.isspace() or not text else f"{colour}{text}{_RESET}"


def _plain(colour: str, text: str) -> str:
    return text
