"""The player `gtp:COMMAND`: an engine for Go or Othello, whose rules are compared with ours before any game.

Options, after a question mark: `movetime` (milliseconds a move, told as GTP's time settings, which count
whole seconds), or a clock, `tc` (40/60) with `timemargin` (milliseconds); `timeout` (seconds without an
answer after which it is dead; 60, or the table's limit) and `processes` (games at once, each with a process:
as many as there are cores).
"""

from typing import Any, cast

from quadrivium.agents.arena.engines.gtp.engine import GtpEngine, GtpSetup
from quadrivium.agents.arena.engines.gtp.rules import RulesDiffer, check_go, check_othello
from quadrivium.agents.arena.engines.player import EnginePlayer
from quadrivium.agents.arena.engines.player_text import check_keys, parse_engine_text, require_game
from quadrivium.agents.arena.players import EngineError, Table
from quadrivium.agents.errors import UserError

KEYS = {"movetime": "1000", "tc": "40/60", "timemargin": "50", "timeout": "60", "processes": "2"}
CHECKS = {"Go": check_go, "Othello": check_othello}


def make_gtp(argument: str, table: Table) -> EnginePlayer:
    """Returns the engine of `COMMAND?options` as a player.

    Raises UserError where it cannot be: another game, an option that is none, a program that is not
    installed, is no GTP engine, or plays by other rules.
    """
    require_game("gtp", argument, tuple(CHECKS), table)
    game = table.game
    text = parse_engine_text("gtp", argument)
    check_keys(text, KEYS)
    answer_seconds = text.answer_seconds(table.move_seconds)
    movetime = text.number("movetime", 0) / 1000
    if movetime >= answer_seconds:
        raise UserError(
            f"player {text.text!r}: movetime is {movetime:g} s, but moves are lost after {answer_seconds:g} s"
        )
    setup = GtpSetup(
        size=game.observation_shape[1],
        komi=float(cast(Any, game).params.komi) if table.name == "Go" else None,
        answer_seconds=answer_seconds,
        command_seconds=text.command_seconds,
        seconds_a_move=movetime or None,
        time_control=text.time_control,
    )
    processes = text.processes

    def connect() -> GtpEngine:
        return GtpEngine(text.command, text.program, setup)

    try:
        first = connect()
        try:
            CHECKS[table.name](first, game)
        except Exception:
            first.close()
            raise
    except (EngineError, RulesDiffer) as error:
        raise text.error(error) from None
    return EnginePlayer(text.text, game, connect, first, processes, text.time_control)
