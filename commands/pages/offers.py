"""What a page may choose from: boards, the opponents on each, and their strengths. The one place that says.

A browser sends the numbers of what it was offered, so that no text of its own is ever read as a player.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from quadrivium.agents.arena.engines.process import engine_command
from quadrivium.agents.arena.engines.serve import with_simulations
from quadrivium.agents.arena.players import Table, TableGame, Thinker
from quadrivium.agents.errors import UserError, did_you_mean
from quadrivium.commands.arena import Notify, make_table, make_table_player
from quadrivium.commands.build import open_run, trained_directory
from quadrivium.commands.pages import ladder
from quadrivium.commands.serve_engine import options_of_run
from quadrivium.envs import BOARD_GAMES, board_game_name, module_name

ADVISER = "mcts:400"
ADVISER_SIMULATIONS = 200  # of a network's search
RUN_SIMULATIONS = (16, 64, 200, 800)

# The boards beside each game's usual one.
_OTHERS: dict[str, tuple[dict[str, Any], ...]] = {
    "Chess": ({"chess960": True},),
    "Go": ({"size": 13}, {"size": 19}),
    "Gomoku": ({"size": 9},),
    "Hex": ({"size": 7}, {"size": 11, "swap": True}),
    "Othello": ({"size": 6},),
}
# Programs that are offered where they are installed.
_GNUGO = "gtp:gnugo --mode gtp --level {} --chinese-rules --positional-superko"
_STOCKFISH = "uci:stockfish?UCI_LimitStrength=true&UCI_Elo={}&movetime=100"
_ENGINES = {
    "Go": ("gnugo", "GNU Go", {f"level {level}": _GNUGO.format(level) for level in (1, 5, 10)}),
    "Chess": (
        "stockfish",
        "Stockfish",
        {f"Elo {elo}": _STOCKFISH.format(elo) for elo in (1350, 1700, 2100, 2500)},
    ),
}


@dataclass(frozen=True)
class Opponent:
    """Who may be played against.

    Attributes:
        name: that the page shows.
        strengths: a player's text by what the page shows, the weakest first.
        default: the number of the strength that is chosen at first.
        adviser: text of the player that says what it thinks, in games against this one.
        rated: whether the strengths are the levels of a ladder.
    """

    name: str
    strengths: Mapping[str, str]
    default: int = 0
    adviser: str = ADVISER
    rated: bool = False


@dataclass(frozen=True)
class Board:
    """A game with its options, and who may be met on it.

    Attributes:
        key: names it in addresses.
        title: for people.
        game: its registered name.
        options: of the game.
        opponents: the built-in search first.
    """

    key: str
    title: str
    game: str
    options: Mapping[str, Any] = field(default_factory=dict)
    opponents: tuple[Opponent, ...] = ()

    def table(self) -> Table:
        """Returns a table at which it is played."""
        return make_table(f"quadrivium/{self.game}-v0", self.options)


def boards(
    game: str | None, options: Mapping[str, Any], given: Sequence[str], notify: Notify
) -> tuple[Board, ...]:
    """Returns all boards, the one that was asked for first.

    game: its name, such as "connect_four"; None: that of the first run among `given`, or connect four.
    options: of that game. given: texts of further players, for that board.

    Raises:
        UserError: there is no such game, or a player cannot play it.
    """
    name = game_name(game) if game is not None else _game_of(given)
    runs = [text for text in given if trained_directory(text) is not None]
    chosen = {**(options_of_run(runs[0], name) if runs else {}), **options}
    found = [_board(name, chosen, [_given(text, name, chosen, notify) for text in given])]
    for other in BOARD_GAMES:
        variants = ({}, *_OTHERS.get(other, ()))
        found += [_board(other, variant, []) for variant in variants if (other, variant) != (name, chosen)]
    return tuple(found)


def game_name(text: str) -> str:
    """Returns "ConnectFour" for "connect_four", "ConnectFour" or an id; raises UserError."""
    plain = text.removeprefix("quadrivium/").removesuffix("-v0")
    names = {name.lower(): name for name in BOARD_GAMES}
    found = names.get(plain.replace("_", "").replace("-", "").lower())
    if found is None:
        games = [_snake(name) for name in BOARD_GAMES]
        raise UserError(
            f"game {text!r} is unknown{did_you_mean(plain.lower(), games)}; there are {', '.join(games)}"
        )
    return found


def _snake(name: str) -> str:
    return module_name(name).removesuffix("_v0")


def _game_of(given: Sequence[str]) -> str:
    """Returns the game of the first run; raises UserError where players are given and none tells the game."""
    for text in given:
        directory = trained_directory(text)
        if directory is None:
            continue
        if (name := board_game_name(open_run(directory).env.id)) is not None:
            return name
        raise UserError(f"--opponent {text}: it was not trained on a board game; name one that was")
    if given:
        raise UserError(f"--opponent {given[0]}: which game does it play? Write: play connect_four, say")
    return "ConnectFour"


def _board(name: str, options: Mapping[str, Any], given: Sequence[Opponent]) -> Board:
    game = make_table(f"quadrivium/{name}-v0", options).game
    told = [_told(name, key, value) for key, value in options.items()]
    if name == "Go" and "size" not in options:
        told.insert(0, "9 × 9")
    parts = [_snake(name), *(f"{key}-{value}" for key, value in options.items())]
    adviser = next((one.adviser for one in given if one.adviser != ADVISER), _judging(game, ADVISER))
    rated = not options and bool(ladder.measured(name))
    levels = {f"{k + 1}": _judging(game, text) for k, text in enumerate(ladder.LEVELS)}
    search = Opponent("Search", levels, ladder.DEFAULT, adviser, rated)
    opponents = (search, *given, *_engines(name, options, adviser))
    return Board("-".join(parts).lower(), ", ".join([game.title, *told]), name, dict(options), opponents)


def _judging(game: TableGame, text: str) -> str:
    """Returns a search as a player; where the game has a rule of thumb it goes by that.

    Random games tell little of backgammon: their players hardly bring their checkers home.
    """
    if not getattr(game, "has_estimate", False):
        return text
    return f"{text}{'&' if '?' in text else '?'}leaf=estimate"


def _told(name: str, key: str, value: Any) -> str:
    if key == "size":
        return f"{value} × {value}"
    if key == "chess960":
        return "Fischer random"
    if key == "swap":
        return "pie rule"
    return f"{key} {value}"


def _given(text: str, name: str, options: Mapping[str, Any], notify: Notify) -> Opponent:
    """Returns a player of the command line as an opponent; it is made once, to see that it can be."""
    player = make_table_player(text, make_table(f"quadrivium/{name}-v0", options), notify)
    thinks = isinstance(player, Thinker)
    player.close()
    strengths = {"as given": text}
    if trained_directory(text) is None or not thinks:
        return Opponent(player.name, strengths)
    strengths |= {f"{count} simulations": with_simulations(text, count) for count in RUN_SIMULATIONS}
    return Opponent(player.name, strengths, 0, with_simulations(text, ADVISER_SIMULATIONS))


def _engines(name: str, options: Mapping[str, Any], adviser: str) -> list[Opponent]:
    if name not in _ENGINES or not _plays(name, options):
        return []
    program, title, strengths = _ENGINES[name]
    try:
        engine_command(program)
    except UserError:
        return []
    return [Opponent(title, strengths, 0, adviser)]


def _plays(name: str, options: Mapping[str, Any]) -> bool:
    """Returns whether the installed program's rules are those of the board: of other options nobody asked."""
    return set(options) <= ({"size"} if name == "Go" else {"chess960"})
