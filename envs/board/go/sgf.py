"""Go games and positions as SGF, through sgfmill. Source: the Smart Game Format, FF[4] (red-bean.com/sgf)."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from sgfmill.sgf import Sgf_game

from quadrivium.envs.board.board_game import BoardGame

COLOURS = ("b", "w")  # sgfmill's names of the two seats
ROW = np.arange(1)


class Record(NamedTuple):
    """A game that was read: pools (1,) at its first and last position, and the actions between them."""

    start: np.ndarray
    actions: list[int]
    end: np.ndarray


def write(
    game: BoardGame,
    start: np.ndarray,
    actions: Sequence[int],
    names: tuple[str, str] | None,
    result: str | None,
    lead: Callable[[np.ndarray], float],
) -> str:
    """Returns a game of Go as SGF: the stones of `start` (1,), the moves, and the result if it has ended.

    lead: by how much the first player has won in a pool (1,) with a game that has ended.
    """
    sgf = Sgf_game(game.height)
    root = sgf.get_root()
    root.set("KM", game.params.komi)
    root.set("RU", "Chinese")  # of the names that programs know, the one that counts area
    for key, name in zip(("PB", "PW"), names or (), strict=False):
        root.set(key, name)
    cells = game.cells(start[0])
    if cells.any() or start["to_move"][0]:
        black, white = ({_point(game, int(c)) for c in np.flatnonzero(cells == value)} for value in (1, -1))
        root.set_setup_stones(black, white)
        root.set("PL", COLOURS[int(start["to_move"][0])])
    end = start.copy()
    for number, action in enumerate(actions, 1):
        node = sgf.extend_main_sequence()
        node.set_move(COLOURS[int(end["to_move"][0])], _point(game, int(action)))
        _play(game, end, int(action), number)
    if result is not None:
        root.set("RE", result)
    elif end["over"][0]:
        points = lead(end)
        root.set("RE", f"{'B' if points > 0 else 'W'}+{abs(points):g}" if points else "0")
    return sgf.serialise().decode()


def read(game: BoardGame, text: str) -> Record:
    """Returns the main line of an SGF game, played by the rules; raises ValueError that names the fault."""
    try:
        sgf = Sgf_game.from_string(text)
        komi, handicap = sgf.get_komi(), sgf.get_handicap() or 0
    except ValueError as error:
        raise ValueError(f"this is no SGF that can be read: {_one_line(error)}") from None
    if sgf.get_size() != game.height:
        raise ValueError(
            f"the SGF has SZ[{sgf.get_size()}], this board {game.height}: use Go(size={sgf.get_size()})"
        )
    if sgf.get_root().has_property("KM") and komi != game.params.komi:
        raise ValueError(f"the SGF has komi {komi:g}, this game {game.params.komi:g}: use Go(komi={komi:g})")
    cells = np.zeros((game.height, game.width), np.int8)
    moves: list[tuple[int, int]] = []
    to_move: int | None = None
    for node in sgf.get_main_sequence():
        try:
            setup, (colour, point) = node.get_setup_stones(), node.get_move()
            turn = node.get("PL") if node.has_property("PL") else None
        except ValueError as error:
            raise ValueError(
                f"after move {len(moves)}, the SGF has a bad property: {_one_line(error)}"
            ) from None
        if (any(setup) or turn) and moves:
            raise ValueError(
                f"the SGF sets up stones or turns after move {len(moves)}: only the first position may be"
            )
        for stones, value in zip(setup, (1, -1, 0), strict=True):
            for row, column in stones:
                cells[game.height - 1 - row, column] = value
        to_move = COLOURS.index(turn) if turn else to_move
        if colour is not None:
            action = game.num_actions - 1
            if point is not None:
                action = (game.height - 1 - point[0]) * game.width + point[1]
            moves.append((COLOURS.index(colour), action))
    if to_move is None:
        to_move = moves[0][0] if moves else int(handicap > 0)
    start = game.set_up(cells, to_move)
    end = start.copy()
    for number, (seat, action) in enumerate(moves, 1):
        if seat != end["to_move"][0]:
            mover, other = game.players[seat], game.players[1 - seat]
            raise ValueError(f"move {number} of the SGF is {mover}'s, but it is {other}'s turn")
        _play(game, end, action, number)
    return Record(start, [action for _, action in moves], end)


def _play(game: BoardGame, pool: np.ndarray, action: int, number: int) -> None:
    try:
        game.step(pool, ROW, np.array([action]))
    except ValueError as error:
        raise ValueError(f"move {number}: {error}") from None


def _point(game: BoardGame, action: int) -> tuple[int, int] | None:
    """Returns sgfmill's (row from the bottom, column) of an action, None for a pass."""
    row, column = divmod(action, game.width)
    return None if row == game.height else (game.height - 1 - row, column)


def _one_line(error: ValueError) -> str:
    return " ".join(str(error).split())
