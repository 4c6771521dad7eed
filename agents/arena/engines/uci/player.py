"""The player `uci:COMMAND`: a chess engine with its options.

Options, after a question mark: `movetime` (milliseconds; 100 if no limit is given), `nodes`, `depth` are what
it searches with, or a clock, `tc` (40/60+0.5) with `timemargin` (milliseconds); `timeout` (seconds without
an answer after which it is dead; 60, or the table's limit) and `processes` (games at once, each with a
process: as many as there are cores) are ours; all others are the engine's own, by the names it offers, in
letters of either case.
"""

from dataclasses import replace
from typing import Any

from quadrivium.agents.arena.engines.player import EnginePlayer
from quadrivium.agents.arena.engines.player_text import EngineText, parse_engine_text, require_game
from quadrivium.agents.arena.engines.uci.engine import LIMITS, UciEngine, UciOption, UciSetup
from quadrivium.agents.arena.players import EngineError, Table
from quadrivium.agents.errors import UserError

OWN = (*LIMITS, "tc", "timemargin", "timeout", "processes")
CHESS960 = "UCI_Chess960"
DEFAULT_MOVETIME = 100
PROBE_SECONDS = 5.0  # an engine's first move, before any game, shows whether it keeps its limit


def make_uci(argument: str, table: Table) -> EnginePlayer:
    """Returns the engine of `COMMAND?options` as a player.

    Raises UserError where it cannot be: another game, an option that the engine does not offer or a value
    that it cannot have, a program that is not installed or is no UCI engine, or does not keep its limit.
    """
    require_game("uci", argument, ("Chess",), table)
    text = parse_engine_text("uci", argument)
    limits = {key: int(text.number(key, 0, whole=True)) for key in LIMITS if key in text.options}
    if text.time_control is None:
        limits = limits or {"movetime": DEFAULT_MOVETIME}
    answer_seconds = text.answer_seconds(table.move_seconds)
    if limits.get("movetime", 0) >= 1000 * answer_seconds:
        raise UserError(
            f"player {text.text!r}: movetime is {limits['movetime']} ms, but moves are lost after "
            f"{answer_seconds:g} s"
        )
    setup = UciSetup(
        options={},
        limits=limits,
        answer_seconds=answer_seconds,
        command_seconds=text.command_seconds,
        time_control=text.time_control,
        start=_start_of(table),
    )
    processes = text.processes
    try:
        first = UciEngine(text.command, text.program, setup)
        try:
            options = chosen_options(text, first.offers)
            if getattr(table.game, "chess960", False):
                options |= _chess960(text, first.offers)
            setup = replace(setup, options=options)
            first.configure(setup.options)
            seconds = min(text.command_seconds, PROBE_SECONDS + limits.get("movetime", 0) / 1000)
            if fault := first.limits_fault(seconds):
                raise EngineError(f"{text.program} {fault}")
        except Exception:
            first.close()
            raise
    except EngineError as error:
        raise text.error(error) from None
    return EnginePlayer(
        text.text,
        table.game,
        lambda: UciEngine(text.command, text.program, setup),
        first,
        processes,
        text.time_control,
    )


def _start_of(table: Table) -> str:
    """Returns where games begin, if the table says nothing else at their beginning."""
    game: Any = table.game
    if not getattr(game, "chess960", False) or game.draws_start:
        return "startpos"
    return f"fen {game.position_text(game.pool(1)[0], 'fen')}"


def _chess960(text: EngineText, offers: dict[str, UciOption]) -> dict[str, str]:
    """Returns the option that lets an engine play chess960; raises UserError where it has none."""
    if CHESS960 not in offers:
        raise UserError(f"player {text.text!r}: it does not play chess960, for it offers no {CHESS960}")
    return {CHESS960: "true"}


def chosen_options(text: EngineText, offers: dict[str, UciOption]) -> dict[str, str]:
    """Returns the engine's options that a player's text sets, by the engine's spelling.

    Raises UserError for one that it does not offer, for a wrong value, and for a strength that has no effect.
    """
    names = {name.lower(): name for name in offers}
    chosen: dict[str, str] = {}
    for key, value in text.options.items():
        if key in OWN:
            continue
        if key.lower() not in names:
            raise text.unknown(key, [*OWN, *offers])
        option = offers[names[key.lower()]]
        value = value.lower() if option.kind == "check" else value
        if fault := option.fault(value):
            raise UserError(f"player {text.text!r}: {option.name}={value}: {fault}")
        chosen[option.name] = value
    if "UCI_Elo" in chosen and "UCI_LimitStrength" in offers and chosen.get("UCI_LimitStrength") != "true":
        raise UserError(
            f"player {text.text!r}: UCI_Elo has no effect without UCI_LimitStrength=true; add that"
        )
    return chosen
