"""Whether an engine that speaks GTP plays by the rules of the table's game: it is asked before any game."""

from itertools import zip_longest
from typing import Any, Protocol, cast

import numpy as np

from quadrivium.agents.arena.engines.gtp.engine import (
    COLOURS,
    GtpEngine,
    GtpRefusal,
    parse_score,
    score_text,
)
from quadrivium.agents.arena.players import TableGame

LETTERS = "ABCDEFGHJKLMNOPQRST"  # of the columns in GTP
ROW = np.arange(1)


class RulesDiffer(Exception):
    """The engine plays by other rules than the game; the text is one line that says how to mend it."""


class GoGame(TableGame, Protocol):
    """What is asked of Go beyond what every game has."""

    @property
    def params(self) -> Any:
        """Has `komi`."""
        ...

    def score(self, pool: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Returns black's area less white's and less komi (n,) float32."""
        ...


def check_othello(engine: GtpEngine, game: TableGame) -> None:
    """Raises RulesDiffer if the engine plays another game, on another board, or from another start."""
    size = game.observation_shape[1]
    if engine.knows("list_games"):
        games = engine.ask("list_games").split()
        if games and "othello" not in [name.lower() for name in games]:
            raise RulesDiffer(f"{engine.name} plays {', '.join(games)}, not Othello")
    try:
        engine.begin(0)
    except GtpRefusal as error:
        raise RulesDiffer(f"{error}; this game is Othello {size}x{size}: choose what both play") from None
    pool = game.pool(1)
    first = game.move_name(pool[0], int(np.flatnonzero(game.legal(pool, ROW)[0])[0]))
    try:
        engine.ask(f"play {COLOURS[0]} {first}")
    except GtpRefusal:
        raise RulesDiffer(
            f"{engine.name} does not let Black begin on {first}, so its discs stand otherwise at first"
        ) from None


def check_go(engine: GtpEngine, table_game: TableGame) -> None:
    """Raises RulesDiffer if the engine's board, komi, superko or count is not the game's.

    The engine hears two lines of play and is asked what it makes of them; one that cannot score is believed.
    """
    game = cast(GoGame, table_game)
    try:
        engine.begin(0)
    except GtpRefusal as error:
        raise RulesDiffer(f"{error}; this game is {_board(game)}: choose what both play") from None
    size = game.observation_shape[1]
    faults = [
        _superko_fault(engine, game, size) if size >= 5 else "",
        _score_fault(engine, game, size) if size >= 5 and engine.knows("final_score") else "",
    ]
    if any(faults):
        raise RulesDiffer(f"{engine.name} {', and '.join(filter(None, faults))}")


def _superko_fault(engine: GtpEngine, game: GoGame, size: int) -> str:
    """Returns what is wrong, "" if nothing is.

    Sending two stones to get one back: White's next move makes an earlier position again, with the other to
    move (no simple ko, nor situational superko); after Black passes the next one with the same to move.
    """
    corner = LETTERS[size - 1]
    pool = _play(engine, game, f"A2 C2 B2 D1 {corner}{size} B1 {corner}{size - 1} A1 C1".split())
    for number, move in enumerate(("B1", "pass", "A1"), 1):
        if game.result(pool, ROW).over[0]:
            return ""
        action = game.parse_move(pool[0], move)
        ours = bool(game.legal(pool, ROW)[0, action])
        try:
            engine.ask(f"play {COLOURS[number % 2]} {move}")
            theirs = True
        except GtpRefusal:
            theirs = False
        if ours != theirs:
            return _superko_differs(game, ours)
        if not ours:
            return ""
        game.step(pool, ROW, np.array([action]))
    return ""


def _superko_differs(game: GoGame, ours_allows: bool) -> str:
    superko = "simple" if game.params.ko_memory == 2 else "situational" if game.params.turn else "positional"
    if not ours_allows:
        return (
            "lets a stone make an earlier position again, which this game's superko forbids: "
            f"give it that rule (GNU Go: --{superko}-superko) or the game superko=simple"
        )
    rule, flag = (
        ("simple ko", "--simple-ko")
        if superko == "simple"
        else (f"{superko} superko", f"--{superko}-superko")
    )
    return (
        "forbids by superko what this game allows: "
        f"give it {rule} (GNU Go: {flag}) or the game superko=positional"
    )


def _score_fault(engine: GtpEngine, game: GoGame, size: int) -> str:
    """Returns what is wrong, "" if nothing is.

    The board is full but for two eyes of each side, and black has more of it: so there is more area, as much
    territory, and nothing to judge.
    """
    black = [f"{LETTERS[c]}{r}" for c in range(size // 2 + 1) for r in range(1, size + 1)]
    white = [f"{LETTERS[c]}{r}" for c in range(size - 1, size // 2, -1) for r in range(1, size + 1)]
    for stones in (black, white):  # each from its edge, so that every stone has a liberty
        del stones[size - 1], stones[0]  # the corners, which stay eyes
    line = [move for pair in zip_longest(black, white, fillvalue="pass") for move in pair]
    pool = _play(engine, game, line)
    if game.result(pool, ROW).over[0]:
        return ""
    ours = float(game.score(pool, ROW)[0])
    try:
        answer = engine.ask("final_score")
        theirs = parse_score(answer)
    except GtpRefusal:
        return ""
    except ValueError as error:
        return f"answers 'final_score' with {error}"
    if abs(theirs - ours) > 0.01:
        return (
            f"scores {answer} what this game scores {score_text(ours)}: "
            "let it count area, as this game does (GNU Go: --chinese-rules)"
        )
    return ""


def _play(engine: GtpEngine, game: GoGame, moves: list[str]) -> np.ndarray:
    """Plays moves by turns in both; returns the pool (1,) after them, or at the end by the limit on moves."""
    pool = game.pool(1)
    engine.ask("clear_board")
    for number, move in enumerate(moves):
        if game.result(pool, ROW).over[0]:
            break
        engine.ask(f"play {COLOURS[number % 2]} {move}")
        game.step(pool, ROW, np.array([game.parse_move(pool[0], move)]))
    return pool


def _board(game: GoGame) -> str:
    size = game.observation_shape[1]
    return f"Go {size}x{size} with komi {game.params.komi:g}"
