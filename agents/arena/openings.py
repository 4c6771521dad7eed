"""The moves that games begin with, so that deterministic players do not play one game again and again."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np

from quadrivium.agents.arena.builtin import mix, pick
from quadrivium.agents.arena.players import TableGame
from quadrivium.agents.errors import UserError, one_line
from quadrivium.agents.search.protocols import Game


class Opening(NamedTuple):
    """What a game begins with.

    Attributes:
        actions: that are played; the game goes on after them.
        start: the position before them, as text in the game's own format; "": the first position.
    """

    actions: tuple[int, ...] = ()
    start: str = ""


MOST_MISSES = 1000  # so many draws in vain: there are no further openings
ROW = np.arange(1)


def random_openings(game: Game, count: int, plies: int, seed: int) -> list[Opening]:
    """Returns `count` openings of `plies` uniformly random legal moves, all different where that many exist.

    The first ones do not depend on `count`. None of them ends the game.

    Raises:
        UserError: no game goes on for so long.
    """
    found: dict[Opening, None] = {}
    attempt = misses = 0
    while len(found) < count and misses < MOST_MISSES:
        opening = _draw(game, plies, seed, attempt)
        attempt += 1
        if opening is None or opening in found:
            misses += 1
        else:
            found[opening] = None
            misses = 0
    if not found:
        raise UserError(f"openings.plies = {plies}: games end before that; use fewer plies")
    return [list(found)[number % len(found)] for number in range(count)]


def _draw(game: Game, plies: int, seed: int, attempt: int) -> Opening | None:
    stream = mix(mix(np.array([seed], np.uint64)) + np.uint64(attempt))
    start, pool = "", game.pool(1, seed)
    if draws_start(game):
        pool = game.pool(1, int(stream[0] >> np.uint64(2)))
        start = cast(TableGame, game).position_text(pool[0])
    opening: list[int] = []
    for ply in range(plies):
        action = pick(game.legal(pool, ROW), mix(stream ^ np.uint64(ply)))
        game.step(pool, ROW, action)
        opening.append(int(action[0]))
        if game.result(pool, ROW).over[0]:
            return None
    return Opening(tuple(opening), start)


def draws_start(game: object) -> bool:
    """Returns whether each game begins at a position of its own: Fischer random chess, backgammon."""
    return getattr(game, "draws_start", False)


def read_openings(game: TableGame, lines: Sequence[str], source: str = "openings.moves") -> list[Opening]:
    """Returns the openings that lines of moves in the game's notation, separated by blanks, describe.

    Numbers such as "1." are passed over. source: of the lines, for errors.

    Raises:
        UserError: a move cannot be read or played, or the game is over after it.
    """
    openings: list[Opening] = []
    if draws_start(game):
        raise UserError(
            f"{source}: moves need to know where they begin, and {game.title} draws that; give openings: "
            "{plies: 4}, or in chess kwargs: {start: 518}, say"
        )
    for number, line in enumerate(lines, 1):
        pool = game.pool(1)
        opening: list[int] = []
        for move in moves_of(line):
            try:
                action = game.parse_move(pool[0], move)
                game.step(pool, ROW, np.array([action]))
            except ValueError as error:
                raise UserError(
                    f"{source}, line {number}, move {len(opening) + 1}: {one_line(error)}"
                ) from None
            opening.append(int(action))
            if game.result(pool, ROW).over[0]:
                raise UserError(f"{source}, line {number}: the game is over after {move}; end it earlier")
        openings.append(Opening(tuple(opening)))
    return openings


def moves_of(line: str) -> list[str]:
    """Returns the moves of a line, without numbers such as "1."."""
    return re.sub(r"(?<!\S)\d+\.+", " ", line).split()


def read_opening_file(game: TableGame, path: Path, plies: int | None) -> list[Opening]:
    """Returns the openings in a file: games in PGN or SGF, positions in FEN or EPD, or lines of moves (.txt).

    plies: no more of each game is played. An opening after which a game is over is left out.

    Raises:
        UserError: the file is not there, of a kind that the game does not read, or nothing to begin with.
    """
    readers: dict[str, Callable[[bytes], list[Opening]]] = {
        ".txt": lambda data: read_openings(game, _lines(data), str(path))
    }
    own = next(iter(game.formats))  # the format of positions
    if own == "fen":
        readers |= {
            ".pgn": lambda data: _of_records(game, cast(Any, game).read_records(data, plies), plies),
            ".fen": lambda data: [Opening(start=_position(game, line)) for line in _lines(data)],
        }
        readers[".epd"] = readers[".fen"]
    elif own == "sgf":
        readers[".sgf"] = lambda data: _of_records(game, cast(Any, game).read_records(data), plies)
    if path.suffix.lower() not in readers:
        raise UserError(
            f"openings.file = {str(path)!r}: {game.title} reads files that end in {', '.join(readers)}; "
            "convert it"
        )
    try:
        openings = readers[path.suffix.lower()](path.read_bytes())
    except OSError as error:
        raise UserError(f"openings.file = {str(path)!r}: {error.strerror}; check the path") from None
    except ValueError as error:
        raise UserError(f"{path}: {one_line(error)}") from None
    going = [
        opening for opening in openings if not game.result(first_position(game, opening.start), ROW).over[0]
    ]
    if not going:
        raise UserError(f"{path} holds no opening after which a game goes on; give another file")
    return going


def first_position(game: TableGame, start: str) -> np.ndarray:
    """Returns a pool (1,) with the position that an opening, or a record, starts from."""
    return game.parse_position(start) if start else game.pool(1)


def _of_records(game: TableGame, records: Sequence[Any], plies: int | None) -> list[Opening]:
    usual = "" if draws_start(game) else game.position_text(game.pool(1)[0])
    openings: list[Opening] = []
    for record in records:
        text, pool = game.position_text(record.start[0]), record.start.copy()
        opening = Opening(tuple(record.actions[:plies]), "" if text == usual else text)
        for action in opening.actions:
            game.step(pool, ROW, np.array([action]))
        if not game.result(pool, ROW).over[0]:
            openings.append(opening)
    return openings


def _position(game: TableGame, line: str) -> str:
    return game.position_text(game.parse_position(line)[0])


def _lines(data: bytes) -> list[str]:
    """Returns the lines of a text that say something; those after # are comments."""
    lines = data.decode("utf-8-sig", errors="replace").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]
