"""The games of others that an AlphaZero run learns from: found, read, counted."""

import glob
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, cast

from quadrivium.agents.alphazero.config import AlphaZeroConfig
from quadrivium.agents.alphazero.play.played import PlayedGame
from quadrivium.agents.arena.game_files import read_games
from quadrivium.agents.arena.players import TableGame
from quadrivium.agents.errors import UserError
from quadrivium.commands.build import make_game
from quadrivium.configs.schema import RunConfig
from quadrivium.envs.board.board_game import BoardGame
from quadrivium.envs.core.file_hashes import digest


class Played(NamedTuple):
    """Games, and the SHA-256 of each file that they are from."""

    games: list[PlayedGame]
    files: dict[str, str]


def read_records(config: RunConfig, notify: Callable[[str], object]) -> Played:
    """Returns the games that a run is to learn from, none where its config names none.

    What cannot be learned from is left out, counted and told.

    Raises:
        UserError: a pattern matches no file, a file is not of this game, or no game is left.
    """
    records = config.agent.records if isinstance(config.agent, AlphaZeroConfig) else None
    if records is None:
        return Played([], {})
    game = make_game(config.env.id, config.env.kwargs)
    if not isinstance(game, BoardGame):
        raise UserError(f"agent.records: {config.env.id} is played alone and has no records; leave them out")
    games, faults, files = list[PlayedGame](), list[str](), dict[str, str]()
    for pattern in records.files:
        paths = sorted(glob.glob(str(Path(pattern).expanduser()), recursive=True))
        if not paths:
            raise UserError(f"agent.records.files: {pattern} matches no file; check the path")
        for path in map(Path, paths):
            for one in read_games(cast(TableGame, game), path):
                if isinstance(one, PlayedGame):
                    games.append(one)
                else:
                    faults.append(f"{path}, {one}")
            files[str(path)] = digest(path)
    if not games:
        why = f": {faults[0]}" if faults else "; they are empty"
        raise UserError(f"agent.records.files hold no game of {game.title} to learn from{why}")
    moves = sum(len(one.actions) for one in games)
    left = f"; {len(faults)} left out, the first: {faults[0]}" if faults else ""
    notify(f"{len(games):,} games with {moves:,} moves to learn from{left}")
    return Played(games, files)
