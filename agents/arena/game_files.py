"""Games in files to learn from: PGN, SGF, tournaments' games.jsonl, WTHOR, Piskvorky, lines of moves."""

import json
import re
import struct
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from quadrivium.agents.alphazero.play.played import PlayedGame
from quadrivium.agents.arena.game_log import from_data
from quadrivium.agents.arena.openings import first_position, moves_of
from quadrivium.agents.arena.players import TableGame
from quadrivium.agents.errors import UserError, one_line

Found = Iterator[PlayedGame | ValueError]
ROW = np.arange(1)
_WTHOR_HEAD, _WTHOR_GAME, _WTHOR_MOVES = 16, 68, 8  # bytes: of the head, of a game, in it before the moves


def read_games(game: TableGame, path: Path) -> Found:
    """Yields each game of a file, or what keeps it from being learned from: no result, an illegal move.

    Raises:
        UserError: the file cannot be read, or its kind holds no games of this sort.
    """
    readers = _readers(game)
    if path.suffix.lower() not in readers:
        raise UserError(
            f"{path}: {game.title} is read from files that end in {', '.join(readers)}; convert it"
        )
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}; check the path") from None
    return readers[path.suffix.lower()](game, data)


def _readers(game: TableGame) -> dict[str, Callable[[Any, bytes], Found]]:
    readers: dict[str, Callable[[Any, bytes], Found]] = {".jsonl": _tournament, ".txt": _lines}
    own = next(iter(game.formats))  # the format of positions
    if own in ("fen", "sgf"):
        readers[".pgn" if own == "fen" else ".sgf"] = _records
    if game.title == "Othello":
        readers[".wtb"] = _wthor
    if game.title == "Gomoku":
        readers[".psq"] = _piskvorky
    return readers


def _records(game: Any, data: bytes) -> Found:
    """Games that the game itself reads: PGN of chess, SGF of Go."""
    for record in game.each_record(data):
        try:
            if isinstance(record, ValueError):
                raise record
            yield _judged(game, record.start, record.actions, record.end, record.result)
        except ValueError as error:
            yield error


def _tournament(game: TableGame, data: bytes) -> Found:
    """A tournament's own log, a game a line."""
    for number, line in enumerate(data.splitlines(), 1):
        try:
            record = from_data(json.loads(line))
            start = first_position(game, record.start)
            yield _judged(game, start, record.actions, _replayed(game, start, record.actions), record.outcome)
        except (ValueError, KeyError, TypeError) as error:
            yield ValueError(f"line {number}: {one_line(error)}")


def _lines(game: TableGame, data: bytes) -> Found:
    """A game a line, its moves in the game's notation; whoever won is told by the rules.

    Numbers such as "1." are passed over, and so are empty lines and what follows a #.
    """
    for number, line in enumerate(data.decode("utf-8-sig", errors="replace").splitlines(), 1):
        words = moves_of(line.partition("#")[0])
        if len(words) == 1 and re.fullmatch(r"([a-zA-Z]\d)+", words[0]):  # as Othello's are written: f5d6c3
            words = re.findall(r"[a-zA-Z]\d", words[0])
        if words:
            yield _named(game, words, f"line {number}")


def _wthor(game: TableGame, data: bytes) -> Found:
    """The archive of the French Othello federation: 16 bytes, then 68 a game, its squares from the ninth on.

    A square is 10 times its row and its column, both from 1; 0 is none. Passes are not written.
    Source: ffothello.org, "Format de la base WTHOR".
    """
    size = data[12] if len(data) > 12 else 0
    count = struct.unpack_from("<i", data, 4)[0] if len(data) >= _WTHOR_HEAD else -1
    if count < 0 or len(data) < _WTHOR_HEAD + count * _WTHOR_GAME:
        yield ValueError(f"{len(data)} bytes are no WTHOR archive, or a part of one")
        return
    side = int(np.sqrt(game.num_actions - 1))
    if size not in (0, 8) or side != 8:
        yield ValueError(f"it is of boards of {size or 8}, this game of {side}; use Othello(size=8)")
        return
    for number in range(count):
        first = _WTHOR_HEAD + number * _WTHOR_GAME + _WTHOR_MOVES
        squares = [square for square in data[first : first + 60] if square]
        words = ["abcdefgh"[square % 10 - 1 : square % 10] + str(square // 10) for square in squares]
        yield _named(game, words, f"game {number + 1}")


def _piskvorky(game: TableGame, data: bytes) -> Found:
    """A game of the Gomocup manager: a head such as "Piskvorky 15x15, 11:11, 0", then x,y,time a move."""
    head, *lines = data.decode("latin-1").splitlines() or [""]
    found = re.match(r"Piskvorky (\d+)x(\d+),", head)
    if found is None:
        yield ValueError(f"it begins with {head[:40]!r}, not with Piskvorky and the board's size")
        return
    side = round(np.sqrt(game.num_actions))
    if (int(found[1]), int(found[2])) != (side, side):
        yield ValueError(f"it is of a board of {found[1]}x{found[2]}, this game of {side}x{side}")
        return
    words, empty = list[str](), game.pool(1)[0]
    for line in lines:
        move = re.fullmatch(r"\s*(\d+),(\d+),\d+\s*", line)
        if move is None:
            break  # the players' names
        column, row = int(move[1]) - 1, int(move[2]) - 1
        if column not in range(side) or row not in range(side):
            yield ValueError(f"move {len(words) + 1}: {line.strip()!r} is beside the board")
            return
        words.append(game.move_name(empty, row * side + column))
    yield _named(game, words, "the game")


def _named(game: TableGame, words: Sequence[str], where: str) -> PlayedGame | ValueError:
    """Returns a game from the first position; who has to pass does so unwritten. The rules say who won."""
    pool, actions = game.pool(1), list[int]()
    start = pool.copy()
    for number, word in enumerate(words, 1):
        try:
            legal = np.flatnonzero(game.legal(pool, ROW)[0])
            if len(legal) == 1 and not _names(game, pool[0], word, int(legal[0])):
                actions.append(int(legal[0]))
                game.step(pool, ROW, legal)
            action = game.parse_move(pool[0], word)
            game.step(pool, ROW, np.array([action]))
        except ValueError as error:
            return ValueError(f"{where}, move {number}: {one_line(error)}")
        actions.append(action)
    try:
        return _judged(game, start, actions, pool, None)
    except ValueError as error:
        return ValueError(f"{where}: {one_line(error)}")


def _names(game: TableGame, row: np.void, word: str, action: int) -> bool:
    try:
        return game.parse_move(row, word) == action
    except ValueError:
        return False


def _replayed(game: TableGame, start: np.ndarray, actions: Sequence[int]) -> np.ndarray:
    pool = start.copy()
    for number, action in enumerate(actions, 1):
        try:
            game.step(pool, ROW, np.array([action]))
        except ValueError as error:
            raise ValueError(f"move {number}: {one_line(error)}") from None
    return pool


def _judged(
    game: TableGame, start: np.ndarray, actions: Sequence[int], end: np.ndarray, told: int | None
) -> PlayedGame:
    """Returns a game, won by whom it is told, or else by the rules; raises ValueError for neither."""
    result = game.result(end, ROW)
    ruled = int(np.sign(result.returns[0, 0])) if result.over[0] else None
    outcome = ruled if told is None else told
    if outcome is None:
        raise ValueError("it has no result, and is not over")
    if not actions:
        raise ValueError("it has no moves")
    return PlayedGame(start, tuple(actions), outcome, settled=ruled == outcome)
