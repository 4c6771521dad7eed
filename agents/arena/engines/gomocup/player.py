"""The player `gomocup:COMMAND`: an engine for Gomoku.

Options, after a question mark: `movetime` (milliseconds a move; 1000 without a clock), or a clock for the
whole game, `tc` (60+0.5) with `timemargin` (milliseconds); `timeout` (seconds without an answer after which
it is dead; 60, or the table's limit) and `processes` (games at once, each with a process: as many as there
are cores).
"""

from quadrivium.agents.arena.engines.gomocup.engine import GomocupEngine, GomocupSetup
from quadrivium.agents.arena.engines.player import EnginePlayer
from quadrivium.agents.arena.engines.player_text import check_keys, parse_engine_text, require_game
from quadrivium.agents.arena.players import EngineError, Table
from quadrivium.agents.errors import UserError

KEYS = {"movetime": "1000", "tc": "60+0.5", "timemargin": "50", "timeout": "60", "processes": "2"}
DEFAULT_MOVETIME = 1000


def make_gomocup(argument: str, table: Table) -> EnginePlayer:
    """Returns the engine of `COMMAND?options` as a player; raises UserError where it cannot be."""
    require_game("gomocup", argument, ("Gomoku",), table)
    text = parse_engine_text("gomocup", argument)
    check_keys(text, KEYS)
    control, answer_seconds = text.time_control, text.answer_seconds(table.move_seconds)
    if control is not None and control.moves is not None:
        raise UserError(
            f"player {text.text!r}: Gomocup's clocks are for the whole game; write "
            f"tc={control.seconds:g}, say"
        )
    milliseconds = None if control else int(text.number("movetime", DEFAULT_MOVETIME, whole=True))
    if milliseconds is not None and milliseconds >= 1000 * answer_seconds:
        raise UserError(
            f"player {text.text!r}: movetime is {milliseconds} ms, but moves are lost after "
            f"{answer_seconds:g} s"
        )
    setup = GomocupSetup(
        game=table.game,
        exactly_five=bool(table.options.get("exactly_five", False)),
        move_milliseconds=milliseconds,
        time_control=control,
        answer_seconds=answer_seconds,
        command_seconds=text.command_seconds,
    )

    def connect() -> GomocupEngine:
        return GomocupEngine(text.command, text.program, setup)

    processes = text.processes
    try:
        first = connect()
    except EngineError as error:
        raise text.error(error) from None
    return EnginePlayer(text.text, table.game, connect, first, processes, control)
