"""The games of a tournament as people and programs read them: PGN for chess, SGF for Go, else plain moves."""

import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from quadrivium.agents.arena.game_log import GameRecord
from quadrivium.agents.arena.match import ABANDONED, MOVE_LIMIT, RESIGNED, RULES, TIME
from quadrivium.agents.arena.openings import first_position
from quadrivium.agents.arena.players import TableGame
from quadrivium.agents.arena.referee.adjudication import ADJUDICATION

ROW = np.arange(1)
RESULTS = {1: "1-0", 0: "1/2-1/2", -1: "0-1"}


def transcript(
    game: TableGame, records: Sequence[GameRecord], event: str, clocks: Mapping[str, str] | None = None
) -> tuple[str, str]:
    """Returns the games as text, and the ending of a file for it: "pgn", "sgf" or "txt".

    clocks: the time control of each player who has one, by name.
    """
    if hasattr(game, "san"):
        return "".join(_pgn(game, record, event, clocks or {}) for record in records), "pgn"
    if hasattr(game, "game_record"):
        return "".join(_sgf(game, record) + "\n" for record in records), "sgf"
    return "".join(_plain(game, record) for record in records), "txt"


def _moves(game: TableGame, record: GameRecord, name: Callable[[np.void, int], str]) -> list[str]:
    """Returns the moves by name, with the number before each turn of the first player's, and any dice."""
    pool, moves, before = first_position(game, record.start), list[str](), -1
    turns = int(pool["ply"][0]) // 2 + int(pool["to_move"][0])
    roll = getattr(game, "roll", None)
    for action in record.actions:
        seat, number = int(pool["to_move"][0]), ""
        if seat != before:
            turns += seat == 0
            number = f"{turns}. " if seat == 0 else "" if moves else f"{turns}... "
            number += f"{dice}: " if roll is not None and (dice := roll(pool[0])) else ""
        moves.append(number + name(pool[0], action))
        game.step(pool, ROW, np.array([action]))
        before = seat
    return moves


def _plain(game: TableGame, record: GameRecord) -> str:
    fixture = record.fixture
    head = f"{fixture.first} ({game.players[0]}) – {fixture.second} ({game.players[1]})"
    head += f", round {fixture.round}, opening {fixture.opening}: {RESULTS[record.outcome]} ({record.reason})"
    moves = _moves(game, record, game.move_name)
    return f"{head}\n{_wrapped(' '.join(moves))}\n\n"


def _pgn(game: Any, record: GameRecord, event: str, clocks: Mapping[str, str]) -> str:
    """Source: Portable Game Notation, 1994 (export format: the seven tags, 80 columns)."""
    fixture, result = record.fixture, RESULTS[record.outcome]
    kind = record.reason.partition(":")[0]
    chess960 = getattr(game, "chess960", False)
    start = record.start or (game.position_text(game.pool(1)[0]) if chess960 else "")
    words = {
        RULES: "normal",
        RESIGNED: "normal",
        MOVE_LIMIT: ADJUDICATION,
        ADJUDICATION: ADJUDICATION,
        TIME: TIME,
        ABANDONED: ABANDONED,
    }
    tags = {
        "Event": event,
        "Site": "?",
        "Date": "????.??.??",
        "Round": f"{fixture.round}.{fixture.opening + 1}",
        "White": fixture.first,
        "Black": fixture.second,
        "Result": result,
        **({"Variant": "Chess960"} if chess960 else {}),
        **({"SetUp": "1", "FEN": start} if start else {}),
        "PlyCount": str(len(record.actions)),
        **_time_controls(clocks.get(fixture.first), clocks.get(fixture.second)),
        "Termination": words.get(kind, "rules infraction"),
    }
    head = "".join(f'[{tag} "{_quoted(value)}"]\n' for tag, value in tags.items())
    moves, first = _moves(game, record, game.san), int(first_position(game, record.start)["ply"][0])
    if record.opening_plies:
        moves.insert(record.opening_plies, "{end of the opening}")
        after, ply = record.opening_plies + 1, record.opening_plies + first
        if after < len(moves) and ply % 2:  # a move of Black after a comment is numbered
            moves[after] = f"{ply // 2 + 1}... {moves[after]}"
    if record.reason != RULES:
        moves.append("{" + record.reason.replace("}", ")") + "}")
    return f"{head}\n{_wrapped(' '.join([*moves, result]))}\n\n"


def _time_controls(white: str | None, black: str | None) -> dict[str, str]:
    """Returns the tags for both clocks: PGN has one; where they differ, cutechess's."""
    if white == black:
        return {} if white is None else {"TimeControl": white}
    return {"WhiteTimeControl": white or "-", "BlackTimeControl": black or "-"}


def _sgf(game: Any, record: GameRecord) -> str:
    names = (record.fixture.first, record.fixture.second)
    result = comment = None  # the score of a game that has ended
    if record.reason != RULES:
        how = {RESIGNED: "R", TIME: "T", ADJUDICATION: ""}.get(record.reason.partition(":")[0], "F")
        result = {1: f"B+{how}", 0: "0", -1: f"W+{how}"}[record.outcome]
        comment = record.reason
    start = first_position(game, record.start)
    text: str = game.game_record(
        list(record.actions), start=start, names=names, result=result, comment=comment
    )
    return text.strip()


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _wrapped(text: str) -> str:
    return textwrap.fill(text, 79, break_long_words=False, break_on_hyphens=False)
