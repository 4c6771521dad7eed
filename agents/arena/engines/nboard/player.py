"""The player `nboard:COMMAND`: an engine for Othello.

Options, after a question mark: `depth` (of its search), `timeout` (seconds without an answer after which it
is dead; 60, or the table's limit) and `processes` (games at once, each with a process: as many as there are
cores).
"""

from quadrivium.agents.arena.engines.nboard.engine import NBoardEngine, NBoardSetup
from quadrivium.agents.arena.engines.player import EnginePlayer
from quadrivium.agents.arena.engines.player_text import check_keys, parse_engine_text, require_game
from quadrivium.agents.arena.players import EngineError, Table

KEYS = {"depth": "8", "timeout": "60", "processes": "2"}


def make_nboard(argument: str, table: Table) -> EnginePlayer:
    """Returns the engine of `COMMAND?options` as a player; raises UserError where it cannot be."""
    require_game("nboard", argument, ("Othello",), table)
    text = parse_engine_text("nboard", argument)
    check_keys(text, KEYS)
    setup = NBoardSetup(
        game=table.game,
        depth=int(text.number("depth", 0, whole=True)) if "depth" in text.options else None,
        answer_seconds=text.answer_seconds(table.move_seconds),
        command_seconds=text.command_seconds,
    )

    def connect() -> NBoardEngine:
        return NBoardEngine(text.command, text.program, setup)

    processes = text.processes
    try:
        first = connect()
    except EngineError as error:
        raise text.error(error) from None
    return EnginePlayer(text.text, table.game, connect, first, processes)
