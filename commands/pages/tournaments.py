"""Tournament directories as plain data: who is how strong, who met whom, and every game move by move."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from quadrivium.agents.arena.game_log import GameRecord, from_data
from quadrivium.agents.arena.openings import first_position
from quadrivium.agents.arena.report import to_json
from quadrivium.agents.arena.standings import stand
from quadrivium.agents.errors import UserError
from quadrivium.commands.arena import make_table
from quadrivium.commands.pages import drawing
from quadrivium.configs.tournament import TournamentConfig, load_kept

ROW = np.arange(1)


@dataclass(frozen=True)
class Kept:
    """A tournament's directory.

    Attributes:
        name: that a page asks for it by.
        directory: where it is.
    """

    name: str
    directory: Path

    def config(self) -> TournamentConfig:
        """Returns how it is played; raises UserError."""
        return load_kept(self.directory / "config.yaml")


def find(root: Path, given: Sequence[Path]) -> dict[str, Kept]:
    """Returns the tournaments that were named and those in a folder, by name, those named first.

    Raises:
        UserError: a directory that was named holds no tournament.
    """
    found: dict[str, Kept] = {}
    for directory in given:
        if not (directory / "config.yaml").is_file():
            raise UserError(
                f"--tournament {directory}: no tournament is kept there (no config.yaml); give a directory "
                "such as runs/tournaments/NAME"
            )
        load_kept(directory / "config.yaml")
        name = directory.resolve().name
        while name in found:
            name += "'"
        found[name] = Kept(name, directory)
    for path in sorted(root.glob("*/config.yaml")):
        if path.parent.resolve() not in [kept.directory.resolve() for kept in found.values()]:
            found.setdefault(path.parent.name, Kept(path.parent.name, path.parent))
    return found


def overview(kept: Kept) -> dict[str, Any]:
    """Returns the standings of a tournament, and its games without their moves. Raises UserError."""
    config = kept.config()
    about: dict[str, Any] = {"name": kept.name, "environment": config.env, "kwargs": config.kwargs}
    if not config.is_board_game:
        return {**about, "kind": "scenarios", **_measures(kept)}
    games = read_games(kept.directory / "games.jsonl")
    listed = [
        {
            "first": game.fixture.first,
            "second": game.fixture.second,
            "opening": game.fixture.opening,
            "outcome": game.outcome,
            "reason": game.reason,
            "plies": len(game.actions),
        }
        for game in games
    ]
    table = make_table(config.env, config.kwargs)
    seats = list(table.game.players)
    standings = _standings(kept, config, games)
    return {**about, "kind": "games", "seats": seats, "standings": standings, "games": listed}


def replay(kept: Kept, number: int) -> dict[str, Any]:
    """Returns a game of a tournament position by position; raises UserError, LookupError for no such game."""
    config = kept.config()
    games = read_games(kept.directory / "games.jsonl") if config.is_board_game else []
    if not 0 <= number < len(games):
        raise LookupError(number)
    record, game = games[number], make_table(config.env, config.kwargs).game
    pool = first_position(game, record.start)
    board: Any = game
    frames, names = [drawing.position(board, pool)], list[str]()
    for action in record.actions:
        try:
            names.append(getattr(board, "san", board.move_name)(pool[0], action))
            board.step(pool, ROW, np.array([action]))
        except (ValueError, IndexError, TypeError, OverflowError):
            raise UserError(
                f"{kept.name}, game {number + 1}: move {len(names) + 1} cannot be played; the file is damaged"
            ) from None
        frames.append(drawing.position(board, pool))
    return {
        "board": drawing.board(board),
        "names": [record.fixture.first, record.fixture.second],
        "outcome": record.outcome,
        "reason": record.reason,
        "openingPlies": record.opening_plies,
        "history": names,
        "frames": frames,
    }


def read_games(path: Path) -> list[GameRecord]:
    """Returns the games of a log, which is left as it is: a line that is just being written is not read.

    Raises:
        UserError: a whole line is no game.
    """
    if not path.is_file():
        return []
    data = path.read_bytes()
    found: dict[Any, GameRecord] = {}
    for number, line in enumerate(data[: data.rfind(b"\n") + 1].splitlines(), 1):
        try:
            record = from_data(json.loads(line))
            found[record.fixture] = record
        except (ValueError, KeyError, TypeError, RecursionError):
            raise UserError(f"{path}, line {number}: is no game; restore the file") from None
    return list(found.values())


def _standings(kept: Kept, config: TournamentConfig, games: Sequence[GameRecord]) -> dict[str, Any]:
    """Returns what results.json says if it is of these games, else how they stand now."""
    if not games:
        return {"players": [], "pairs": [], "verdicts": ["no game has been played yet"]}
    try:
        told = json.loads((kept.directory / "results.json").read_text(encoding="utf-8"))
        if told["games"] == len(games) and told["players"] and "pairs" in told and "verdicts" in told:
            return _finite(told)
    except (OSError, ValueError, KeyError, TypeError):
        pass
    names = list(dict.fromkeys(name for game in games for name in (game.fixture.first, game.fixture.second)))
    test = None if config.sprt is None else config.sprt.test()
    return _finite(to_json(stand(names, games, test=test, seed=config.seed), {}))


def _measures(kept: Kept) -> dict[str, Any]:
    """Returns the measures of players who met on scenarios."""
    path = kept.directory / "results.json"
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        return _finite({"players": told["players"], "kinds": told.get("kinds", {})})
    except (OSError, ValueError, KeyError, TypeError):
        return {"players": {}, "kinds": {}}


def _finite(data: Any) -> Any:
    """Returns data whose numbers JSON knows: None stands for what is no finite number."""
    if isinstance(data, Mapping):
        return {key: _finite(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [_finite(value) for value in data]
    return None if isinstance(data, float) and not math.isfinite(data) else data
