"""Backgammon for people: its documentation page, its notation, positions."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

import numpy as np

from quadrivium.envs.board import notation, symmetries
from quadrivium.envs.board.backgammon import kernel
from quadrivium.envs.board.backgammon.estimate import estimate_one
from quadrivium.envs.board.backgammon.greedy import greedy
from quadrivium.envs.board.backgammon.kernel import (
    ACTIONS,
    BAR,
    CELLS,
    CHECKERS,
    FACES,
    HOME,
    MOST_MOVES,
    OFF,
    PASS,
    SOURCES,
    WIDTH,
)
from quadrivium.envs.board.board_game import BoardGame, Look
from quadrivium.envs.core.chance import CHANCE, Chance
from quadrivium.envs.core.game import Result
from quadrivium.envs.core.opponent import Script
from quadrivium.envs.core.rules import NO_MOVE, Rules
from quadrivium.envs.core.validation import require_flag

_CELLS = np.array(
    [kernel.cell_of.py_func(point) for point in range(BAR + 1)]
)  # of a seat's points, as it sees
_SEATS = "wb"
_EMPTY = "-"


RULES = Rules(
    name="backgammon",
    params=kernel.BackgammonParams,
    start=kernel.start_one,
    play=kernel.play_one,
    legal=kernel.legal_one,
    random_action=kernel.random_action_one,
    observe=kernel.observe_one,
    payoff=kernel.payoff_one,
    chance=Chance(kernel.OUTCOMES, kernel.decide_one, kernel.weigh_one, kernel.settle_one),
    estimate=estimate_one,
    ranges=kernel.ranges_of,
    consistent=kernel.is_consistent,
)


class Backgammon(BoardGame):
    """Players race fifteen checkers home and off the board by dice, and hit each other's blots on the way.

    A die moves a checker towards home by as many points, onto any point where the other has not two or more;
    one alone there, a blot, is hit and must enter from the bar before its owner moves anything else. A double
    is played four times. All dice must be played that can be: both where that is possible, and of two of
    which only one can be, the larger. Once all are home they are borne off: by the die that fits, or by a
    larger one from the rearmost point. Who has borne off all fifteen wins.

    There is no doubling cube. A game counts 1; with `gammons` one in which the loser bore none off, a gammon,
    counts 2, and 3 if one of the loser's checkers is still on the bar or in the winner's home, a backgammon.

    Who wins the opening roll has the first seat, and plays it: it is no double. Later dice are drawn as the
    game goes on, from its random stream, and a search weighs what they may be.

    Options: `gammons`.

    Actions: one checker's move by one die, so a turn is one to four actions of the same player: number
    25 (d - 1) + p - 1 moves by a die of d from the player's point p, 1 to 24, or the bar, 25; number 150
    passes, which is legal where nothing else is. A turn whose other dice cannot be played ends by itself.

    Notation: "13/8" from the player's own 13-point to the 8-point, "bar/22", "6/off", "3/off(5)" where a
    larger die bears off, "8/5*" for a hit, "pass".

    Planes, over the board in two rows of 14, the player's points 13 to 18, the other's bar, 19 to 24, the
    other's that are off, and below 12 to 7, the own bar, 6 to 1, the own that are off: own checkers, 1 or
    more, 2 or more, 3 or more, and how many beyond 3, halved (Tesauro 1995); the other's likewise; for each
    face how many dice of it are yet to be played, 0 if it is the other's turn.

    Sources: the rules are those of the US Backgammon Federation; Tesauro 1995, "Temporal difference learning
    and TD-Gammon", and Sutton & Barto 2018, section 16.1, for the planes.
    """

    title = "Backgammon"
    players = ("white", "black")
    glyphs: ClassVar[Mapping[int, str]] = (
        {0: "."}
        | {count: chr(ord("A") + count - 1) for count in range(1, CHECKERS + 1)}
        | {-count: chr(ord("a") + count - 1) for count in range(1, CHECKERS + 1)}
    )
    look: ClassVar[Look] = "points"
    stacks = True
    draws_start = True

    def __init__(self, gammons: bool = False) -> None:
        require_flag("gammons", gammons)
        self.gammons = gammons
        kinds = ("1 or more", "2 or more", "3 or more", "beyond 3, halved")
        super().__init__(
            RULES,
            kernel.BackgammonParams(gammons=int(gammons)),
            kernel.STATE,
            shape=(2, WIDTH),
            num_actions=ACTIONS,
            planes=(
                *(f"{side} {kind}" for side in ("own", "other") for kind in kinds),
                *(f"dice of {face} to be played" for face in range(1, FACES + 1)),
            ),
            symmetries=symmetries.identity(2, WIDTH, ACTIONS),
            observation_range=(0.0, (CHECKERS - 3) / 2),
        )

    @property
    def scripts(self) -> Mapping[str, Script]:
        """The scripted player `greedy`."""
        return {"greedy": greedy}

    # ---- what a game pays

    def result(self, pool: np.ndarray, rows: np.ndarray) -> Result:
        """Returns who is to move, whether the games are over, and what each seat has won."""
        return self._staked(pool, rows, super().result(pool, rows))

    def branch(
        self, pool: np.ndarray, sources: np.ndarray, targets: np.ndarray, actions: np.ndarray
    ) -> Result:
        """As in every game; with `gammons` the returns are up to 3."""
        return self._staked(pool, targets, super().branch(pool, sources, targets, actions))

    def _staked(self, pool: np.ndarray, rows: np.ndarray, result: Result) -> Result:
        if not self.gammons or not result.over.any():
            return result
        won = np.flatnonzero(result.over)
        points, winners = pool["points"][np.asarray(rows)[won]], pool["winner"][np.asarray(rows)[won]]
        losers = points[np.arange(len(won)), 1 - winners]
        bore_none = (losers[:, OFF] == 0) & (points[np.arange(len(won)), winners, OFF] == CHECKERS)
        result.returns[won] *= (1 + bore_none * (1 + (losers[:, BAR - HOME :] > 0).any(axis=1)))[:, None]
        return result

    # ---- the board

    def cells(self, row: np.void) -> np.ndarray:
        """Returns how many checkers stand where (2, 14) int8: white's, and black's as negative numbers.

        Above white's points 13 to 18, black's on the bar, 19 to 24, black's that are off; below 12 to 7,
        white's on the bar, 6 to 1, white's that are off.
        """
        cells = np.zeros(CELLS, np.int8)
        cells[_CELLS] += row["points"][0]
        cells[(_CELLS + WIDTH) % CELLS] -= row["points"][1]
        return cells.reshape(2, WIDTH)

    def as_seen(self, cells: np.ndarray, player: int) -> np.ndarray:
        """Returns the board with its two rows exchanged for black."""
        return cells[::-1] if player else cells

    def set_up(self, cells: np.ndarray, to_move: int, dice: Sequence[int] = ()) -> np.ndarray:
        """Returns a pool (1,) with the checkers of cells (2, 14); raises ValueError if none stand so.

        dice: the faces yet to be played, one to four; none once a player has borne off all.
        """
        if cells.shape != (2, WIDTH) or cells.dtype.kind not in "iu":
            raise ValueError(
                f"cells are {cells.dtype} of shape {cells.shape}; this board needs integers of (2, {WIDTH})"
            )
        flat = cells.ravel().astype(np.int64)
        points = np.array([flat[_CELLS], -flat[(_CELLS + WIDTH) % CELLS]])
        for seat, name in enumerate(self.players):
            if points[seat][[OFF, BAR]].min() < 0:
                raise ValueError(f"the other's checkers lie where only {name}'s are on the bar or off")
        points = np.maximum(points, 0)
        for name, count in zip(self.players, points.sum(axis=1).tolist(), strict=True):
            if count != CHECKERS:
                raise ValueError(
                    f"{name} has {count} checkers; each player has {CHECKERS}, on the bar or off too"
                )
        finished = np.flatnonzero(points[:, OFF] == CHECKERS)
        pool = self.new_row(to_move, 0)
        pool["points"], pool["moves"] = points, 0
        pool["occupied"], pool["blocked"] = kernel.bits_of(points[None])
        if len(finished):
            if len(finished) == 2 or int(finished[0]) == to_move:
                raise ValueError(f"{self.players[to_move]} has borne off all and cannot be to move")
            if dice:
                raise ValueError("the game is over: leave out the dice")
            pool["over"], pool["winner"] = 1, 1 - to_move
            pool["dice"], pool["left"], pool["moves"] = 0, 0, 0
            return pool
        return self._thrown(pool, dice)

    def _thrown(self, pool: np.ndarray, dice: Sequence[int]) -> np.ndarray:
        """Returns a pool (1,) with dice before the player to move of `pool`."""
        faces = sorted(dice, reverse=True)
        if (
            not faces
            or len(faces) > 4
            or faces[0] > FACES
            or faces[-1] < 1
            or len(set(faces)) > min(2, 5 - len(faces))
        ):
            raise ValueError(
                f"the dice {' '.join(map(str, dice)) or 'are missing'}: give the faces yet to be played, 1 "
                f"to {FACES}: one, two, or up to four that are alike"
            )
        if len(set(faces)) == 2 or len(faces) == 4:  # a whole roll, as chance would bring it
            both = np.concatenate([pool, pool])
            both["to_move"][0] += CHANCE
            outcome = kernel.outcome_of.py_func(faces[0], faces[1])
            self.branch(both, np.array([0]), np.array([1]), np.array([outcome]))
            return both[1:]
        seat = int(pool["to_move"][0])
        occupied, blocked = np.uint64(pool["occupied"][0, seat]), np.uint64(pool["blocked"][0, seat])
        pool["dice"], pool["left"] = (faces[0], 0), len(faces)
        pool["moves"][0, 0] = kernel.sources.py_func(occupied, blocked, faces[0])
        return pool

    def roll(self, row: np.void) -> str:
        """Returns the faces yet to be played, such as "3-1" or "2-2-2"; "" once the game is over."""
        return "-".join(map(str, _faces(row)))

    # ---- moves

    def move_name(self, row: np.void, action: int) -> str:
        """Returns a checker's move in the player's own count, such as "13/8", "bar/22" or "6/off", or "pass".

        A hit ends with a star; a die that is larger than it takes stands in brackets: "3/off(5)".
        """
        if action == PASS:
            return "pass"
        face, source = 1 + action // SOURCES, 1 + action % SOURCES
        name = f"{'bar' if source == BAR else source}/{source - face if source > face else 'off'}"
        if source < face:
            return f"{name}({face})"
        seat = int(row["to_move"])
        hits = source > face and row["points"][1 - seat, BAR - (source - face)] == 1
        return name + "*" * int(hits)

    def parse_move(self, row: np.void, text: str) -> int:
        """Returns the action that "13/8", "bar/22", "6/off", "3/off(5)" or "pass" names; raises ValueError.

        The star of a hit may be left out.
        """
        said = text.strip().lower()
        if said == "pass":
            return PASS
        found = re.fullmatch(r"(bar|[0-9]{1,2})/(off|[0-9]{1,2})(?:\(([1-6])\)|\*)?", said, re.ASCII)
        if found:
            source = BAR if found[1] == "bar" else int(found[1])
            target = OFF if found[2] == "off" else int(found[2])
            face = int(found[3] or source - target)
            fits = target == source - face or (target == OFF and source < face)
            if 1 <= source <= BAR and 1 <= face <= FACES and fits and (target > OFF or found[2] == "off"):
                return SOURCES * (face - 1) + source - 1
        raise ValueError(
            f"{text!r} is no move: write the points that a checker leaves and lands on, such as 13/8, "
            "bar/22, 6/off, 3/off(5), or pass"
        )

    def last_cells(self, row: np.void) -> list[tuple[int, int]]:
        """Returns where the last checker came from and went to; none after a pass."""
        action = int(row["last_move"])
        if action in (NO_MOVE, PASS):
            return []
        face, source = 1 + action // SOURCES, 1 + action % SOURCES
        # With a whole roll on the table the turn has passed to the other.
        passed = bool(row["over"]) or int(row["dice"][1]) > 0 or int(row["left"]) == MOST_MOVES
        seat = int(row["to_move"]) ^ passed
        cells = (_CELLS[[source, max(source - face, OFF)]] + WIDTH * seat) % CELLS
        return [divmod(int(cell), WIDTH) for cell in cells]

    # ---- positions

    @property
    def formats(self) -> dict[str, tuple[Callable[[np.void], str], Callable[[str], np.ndarray]]]:
        """The formats "position", a line, and "ascii", a diagram.

        The line has the board, who is to move (w, b), the dice yet to be played (- once over) and, to go on
        with the same dice, the random stream: "-b----E-C---eE---c-e----B- w 31 8f5c3f0a91d2e477". The
        board's letters are those of XGID: from black's bar over white's points 1 to 24 to white's bar, A to
        O for 1 to 15 of white's checkers, a to o for black's, - for none.
        """
        return {"position": (self._line, self._parse_line), "ascii": (self._diagram, self._parse_diagram)}

    def _line(self, row: np.void) -> str:
        white, black = row["points"].astype(int)
        counts = [-black[BAR], *(white[1:BAR] - black[BAR - 1 : 0 : -1]), white[BAR]]
        board = "".join(self.glyphs[count] if count else _EMPTY for count in counts)
        dice = "".join(map(str, _faces(row))) or _EMPTY
        return f"{board} {_SEATS[int(row['to_move'])]} {dice} {int(row['rng']):016x}"

    def _parse_line(self, text: str) -> np.ndarray:
        found = re.fullmatch(
            r"([-a-oA-O]{26}) ([wb]) (-|[1-6]{1,4})(?: ([0-9a-f]{16}))?", text.strip(), re.ASCII
        )
        if not found:
            raise ValueError(
                f"{text!r} is no position: write 26 letters, who is to move and the dice, such as "
                f"{self._line(self.pool(1)[0])!r}"
            )
        values = {glyph: count for count, glyph in self.glyphs.items()} | {_EMPTY: 0}
        counts = np.array([values[glyph] for glyph in found[1]])
        white, black = np.maximum(counts, 0), np.maximum(-counts, 0)[::-1]
        if white[OFF] or black[OFF]:
            raise ValueError(
                f"{found[1]!r} has checkers on the other's bar; white's is at the end, black's first"
            )
        for points, name in ((white, self.players[0]), (black, self.players[1])):
            if points.sum() > CHECKERS:
                raise ValueError(f"{name} has {points.sum()} checkers; each player has {CHECKERS}")
            points[OFF] = CHECKERS - points.sum()
        cells = np.zeros(CELLS, np.int64)
        cells[_CELLS] += white
        cells[(_CELLS + WIDTH) % CELLS] -= black
        dice = [int(face) for face in found[3] if face != _EMPTY]
        pool = self.set_up(cells.reshape(2, WIDTH), _SEATS.index(found[2]), dice)
        if found[4]:
            pool["rng"] = int(found[4], 16)
        return pool

    def _diagram(self, row: np.void) -> str:
        dice = " ".join(map(str, _faces(row)))
        return super()._diagram(row) + (f" with {dice}" if dice else "")

    def _parse_diagram(self, text: str) -> np.ndarray:
        said, _, dice = text.strip().partition(" to move with ")
        if dice and not re.fullmatch(r"[1-6]( [1-6]){0,3}", dice, re.ASCII):
            raise ValueError(f"{dice!r} are no dice: write the faces yet to be played, such as '3 1'")
        shape = (self.height, self.width)
        whole = f"{said} to move" if dice else text
        cells, to_move = notation.parse_diagram(whole, self.glyphs, self.players, shape, self.rows_from_top)
        return self.set_up(cells, to_move, [int(face) for face in dice.split()])


def _faces(row: np.void) -> list[int]:
    """Returns the dice that are yet to be played, the larger first."""
    large, small = row["dice"].tolist()
    return [large, small] if small else [large] * int(row["left"])
