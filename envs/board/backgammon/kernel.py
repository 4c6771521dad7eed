# pyright: basic, reportMissingParameterType=false, reportAttributeAccessIssue=false, reportIndexIssue=false
"""The rules of backgammon, a checker's move at a time.

Each player counts the points from the own side: 24 down to 1, home being 6 to 1; `BAR` is where a hit checker
waits and `OFF` where those lie that were borne off. A point p of one player is 25 - p of the other. Which
points are occupied or blocked is kept as bits, so that where a die can be played is found for all points at
once.

All dice must be played that can be. Of two different ones that can only be had by looking ahead: a checker
may take a die only if as many dice as possible can follow, and where one alone can be played it is the larger
one if it can. With a double no move takes away another, as it blocks nothing, brings no checker out of the
home and hits blots alone; so any order plays as many as can be.
"""

from typing import NamedTuple

import numpy as np

from quadrivium.envs.core import bits, rng
from quadrivium.envs.core.chance import CHANCE
from quadrivium.envs.core.lane import Ranges, lane
from quadrivium.envs.core.rules import GAME_HEADER, GAME_RANGES, NOBODY, begin_game

OFF, HOME, POINTS, BAR = 0, 6, 24, 25
CHECKERS, FACES = 15, 6
MOST_MOVES = 4  # of a turn, by a double
SOURCES = BAR  # points 1 to 24 and the bar
PASS = FACES * SOURCES
ACTIONS = PASS + 1
OUTCOMES = FACES * (FACES + 1) // 2  # rolls of two dice, their order aside
SHARES = 36  # of a roll with two faces two, of a double one
START_POINTS, START_COUNTS = (24, 13, 8, 6), (2, 5, 3, 5)  # of both players
PLANES_A_SIDE = 4
WIDTH, CELLS = 14, 28  # the board in two rows: points 13 to 18, bar, 19 to 24, off; below 12 to 7 and so on

STATE = np.dtype(
    [
        *GAME_HEADER,
        ("points", "i1", (2, BAR + 1)),  # checkers of each seat on OFF, the points as that seat counts, BAR
        ("dice", "i1", (2,)),  # faces yet to be played, the larger first; second 0: those left are alike
        ("left", "i1"),  # moves yet to be played, at most 4; 0 once over and where chance is to decide
        ("occupied", "u4", (2,)),  # bit p: the seat has a checker on its point p, 1 to BAR
        ("blocked", "u4", (2,)),  # bit p: the other has two or more on the seat's point p
        ("moves", "u4", (2,)),  # bit p: the player to move may play from p by each of `dice`
    ],
    align=True,
)

_ONE, _NONE = np.uint64(1), np.uint64(0)
_LANDING = np.uint64(((1 << POINTS) - 1) << 1)
_ABROAD = np.uint64(((1 << BAR + 1) - 1) & ~((1 << HOME + 1) - 1))  # the points from which none is borne off
_ON_BAR = np.uint64(1 << BAR)


class BackgammonParams(NamedTuple):
    """Parameters of backgammon: those of the Gymnasium environments, then the stakes."""

    split: int = 0
    seat: int = 2
    opponent: int = 0
    gammons: int = 0  # whether a gammon counts twice and a backgammon three times


# ---- where a die can be played


@lane
def sources(occupied, blocked, face):
    """Returns the points (bits) from which a player may move a checker by `face`."""
    if occupied & _ON_BAR != _NONE:
        entry = np.uint64(BAR) - np.uint64(face)
        return _ON_BAR if (blocked >> entry) & _ONE == _NONE else _NONE
    found = occupied & ((_LANDING & ~blocked) << np.uint64(face))
    if occupied & _ABROAD == _NONE:
        exact = np.uint64(face)
        found |= occupied & (_ONE << exact)
        if occupied >> exact == _NONE and occupied != _NONE:  # all stand nearer: the rearmost leaves
            rearmost = exact - _ONE
            while (occupied >> rearmost) & _ONE == _NONE:
                rearmost -= _ONE
            found |= _ONE << rearmost
    return found


@lane
def _after(occupied, points, source, face):
    """Returns the points (bits) that are occupied once a checker has gone from `source` by `face`."""
    if points[source] == 1:
        occupied &= ~(_ONE << np.uint64(source))
    if source > face:
        occupied |= _ONE << np.uint64(source - face)
    return occupied


@lane
def _followed(found, occupied, blocked, points, face, other):
    """Returns those of the sources `found` of one die after which the other die can be played."""
    kept, left = _NONE, found
    while left != _NONE:
        source = bits.lowest(left)
        if sources(_after(occupied, points, source, face), blocked, other) != _NONE:
            kept |= _ONE << np.uint64(source)
        left = bits.without_lowest(left)
    return kept


@lane
def find_moves(s):
    """Writes `moves` for the player to move; returns whether there are any."""
    seat = np.int64(s.to_move)
    occupied, blocked = np.uint64(s.occupied[seat]), np.uint64(s.blocked[seat])
    large, small = np.int64(s.dice[0]), np.int64(s.dice[1])
    first = sources(occupied, blocked, large)
    second = _NONE
    if small != 0:
        second = sources(occupied, blocked, small)
        points = s.points[seat]
        first_kept = _followed(first, occupied, blocked, points, large, small)
        second_kept = _followed(second, occupied, blocked, points, small, large)
        if first_kept | second_kept != _NONE:
            first, second = first_kept, second_kept
        elif first != _NONE:
            second = _NONE  # one die alone: the larger, if it can be played
    s.moves[0] = np.uint32(first)
    s.moves[1] = np.uint32(second)
    return first | second != _NONE


# ---- the game


@lane
def set_bits(s):
    """Writes `occupied` and `blocked` of both seats by their checkers."""
    for seat in range(2):
        occupied, blocked = _NONE, _NONE
        for point in range(1, BAR + 1):
            if s.points[seat, point] > 0:
                occupied |= _ONE << np.uint64(point)
            if point < BAR and s.points[1 - seat, BAR - point] > 1:
                blocked |= _ONE << np.uint64(point)
        s.occupied[seat] = np.uint32(occupied)
        s.blocked[seat] = np.uint32(blocked)


@lane
def _remark(s, seat, point):
    """Brings the bits up to date with how many checkers of a seat are on one of its points."""
    count, bit = s.points[seat, point], np.uint32(_ONE << np.uint64(point))
    s.occupied[seat] = s.occupied[seat] | bit if count > 0 else s.occupied[seat] & ~bit
    if point < BAR:
        other, bit = 1 - seat, np.uint32(_ONE << np.uint64(BAR - point))
        s.blocked[other] = s.blocked[other] | bit if count > 1 else s.blocked[other] & ~bit


@lane
def _throw(s, large, small):
    """Puts two dice before the player to move."""
    s.dice[0] = large
    s.dice[1] = 0 if large == small else small
    s.left = MOST_MOVES if large == small else 2
    find_moves(s)


@lane
def _take_up(s):
    """Leaves no dice on the table."""
    s.dice[0] = 0
    s.dice[1] = 0
    s.left = 0
    s.moves[0] = 0
    s.moves[1] = 0


@lane
def _move_checker(s, seat, source, face):
    other, target = 1 - seat, max(source - face, OFF)
    s.points[seat, source] -= 1
    s.points[seat, target] += 1
    _remark(s, seat, source)
    if target == OFF:
        return
    _remark(s, seat, target)
    met = BAR - target
    if s.points[other, met] == 1:
        s.points[other, met] = 0
        s.points[other, BAR] += 1
        _remark(s, other, met)
        _remark(s, other, BAR)


@lane
def _spend(s, face):
    """Takes a die that was played off the table."""
    if s.dice[1] == face:
        s.dice[1] = 0
    elif s.dice[1] != 0:
        s.dice[0] = s.dice[1]
        s.dice[1] = 0
    s.left -= 1


@lane
def decide_one(s, p, action):
    """Moves a checker, or passes; where the turn is over, chance is to decide the other's dice."""
    seat = np.int64(s.to_move)
    s.ply += 1
    s.last_move = action
    if action != PASS:
        face, source = 1 + action // SOURCES, 1 + action % SOURCES
        _move_checker(s, seat, source, face)
        if s.points[seat, OFF] == CHECKERS:
            s.over = 1
            s.winner = seat
            s.to_move = 1 - seat
            _take_up(s)
            return
        _spend(s, face)
        if s.left > 0 and find_moves(s):
            return
    _take_up(s)
    s.to_move = CHANCE + 1 - seat


@lane
def weigh_one(s, p, out):
    """Writes the probabilities of the rolls, in the order of `roll_of`."""
    for large in range(1, FACES + 1):
        for small in range(1, large + 1):
            ways = 1 if small == large else 2
            out[outcome_of(large, small)] = np.float32(ways) / np.float32(SHARES)


@lane
def outcome_of(large, small):
    """Returns the number of a roll, 0 to 20: 1-1, 2-1, 2-2, 3-1, …"""
    return large * (large - 1) // 2 + small - 1


@lane
def settle_one(s, p, outcome):
    """Rolls the dice for the player whose turn begins."""
    s.to_move -= CHANCE
    large = 1
    while outcome >= large:
        outcome -= large
        large += 1
    _throw(s, large, outcome + 1)


@lane
def play_one(s, p, action):
    """Plays a checker's move; where the turn is over, the other's dice are drawn."""
    decide_one(s, p, action)
    if s.to_move >= CHANCE:
        s.to_move -= CHANCE
        drawn = rng.integer(s, SHARES)
        one, other = 1 + drawn // FACES, 1 + drawn % FACES
        _throw(s, max(one, other), min(one, other))


@lane
def start_one(s, p):
    """Sets up the checkers, and draws the roll by which the first player begins: no double."""
    begin_game(s)
    for seat in range(2):
        for point in range(BAR + 1):
            s.points[seat, point] = 0
        for k in range(4):
            s.points[seat, START_POINTS[k]] = START_COUNTS[k]
    set_bits(s)
    drawn = rng.integer(s, FACES * (FACES - 1))
    one, other = 1 + drawn // (FACES - 1), 1 + drawn % (FACES - 1)
    other += other >= one
    _throw(s, max(one, other), min(one, other))


@lane
def payoff_one(s, p):
    """Returns what the first player has earned: 1, and with gammons 2 or 3 where the loser bore none off."""
    if s.winner == NOBODY:
        return np.float32(0.0)
    stake, loser = 1, 1 - np.int64(s.winner)
    if p.gammons != 0 and s.points[1 - loser, OFF] == CHECKERS and s.points[loser, OFF] == 0:
        stake = 2
        for point in range(BAR - HOME, BAR + 1):  # the winner's home, and the bar
            if s.points[loser, point] > 0:
                stake = 3
    return np.float32(stake) if s.winner == 0 else np.float32(-stake)


@lane
def legal_one(s, p, mask):
    for action in range(ACTIONS):
        mask[action] = 0
    if s.over:
        return
    found = False
    for k in range(2):
        left, face = np.uint64(s.moves[k]), np.int64(s.dice[k])
        found = found or left != _NONE
        while left != _NONE:
            mask[SOURCES * (face - 1) + bits.lowest(left) - 1] = 1
            left = bits.without_lowest(left)
    mask[PASS] = not found


@lane
def random_action_one(s, p):
    first, second = np.uint64(s.moves[0]), np.uint64(s.moves[1])
    count = bits.count(first)
    both = count + bits.count(second)
    if both == 0:
        return np.int64(PASS)
    drawn = rng.integer(s, both)
    if drawn < count:
        return SOURCES * (np.int64(s.dice[0]) - 1) + bits.nth(first, drawn) - 1
    return SOURCES * (np.int64(s.dice[1]) - 1) + bits.nth(second, drawn - count) - 1


@lane
def cell_of(point):
    """Returns where a player sees an own point, the bar or what is off: 0 to 13 above, 14 to 27 below."""
    if point == OFF:
        return CELLS - 1
    if point == BAR:
        return WIDTH + HOME
    if point > POINTS // 2:
        return point - 13 + (point > 18)
    return WIDTH + 12 - point + (point <= HOME)


@lane
def observe_one(s, p, player, out):
    for k in range((2 * PLANES_A_SIDE + FACES) * CELLS):
        out[k] = np.float32(0.0)
    for side in range(2):
        seat = player if side == 0 else 1 - player
        for point in range(BAR + 1):
            count = np.int64(s.points[seat, point])
            cell = cell_of(point)
            if side == 1:
                cell = (cell + WIDTH) % CELLS  # the other's points as the player sees them
            at = side * PLANES_A_SIDE * CELLS + cell
            for k in range(3):
                out[at + k * CELLS] = count > k
            out[at + 3 * CELLS] = np.float32(max(count - 3, 0)) / np.float32(2.0)
    if s.to_move == player and s.left > 0:
        for k in range(2):
            face = np.int64(s.dice[k])
            if face > 0:
                at = (2 * PLANES_A_SIDE + face - 1) * CELLS
                for cell in range(CELLS):
                    out[at + cell] = 1 if s.dice[1] > 0 else s.left


def ranges_of(p: BackgammonParams) -> Ranges:
    """Returns what the fields may hold that the rules index by."""
    return {**GAME_RANGES, "points": (0, CHECKERS), "dice": (0, FACES), "left": (0, MOST_MOVES)}


def bits_of(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the fields `occupied` and `blocked` (N, 2) of checkers (N, 2, 26)."""
    bit = 1 << np.arange(BAR + 1)
    made = (points > 1)[:, ::-1, ::-1].copy()  # the other's points as a seat counts them: p is 25 - p
    made[:, :, [OFF, BAR]] = False
    return ((points > 0) * bit)[:, :, 1:].sum(axis=2), (made * bit).sum(axis=2)


def is_consistent(rows: np.ndarray, p: BackgammonParams) -> np.ndarray:
    """Returns (N,) bool: nobody lacks a checker, no point has two owners, and bits and dice agree."""
    points, over = rows["points"].astype(np.int64), rows["over"] != 0
    whole = (points.sum(axis=2) == CHECKERS).all(axis=1)
    mine, theirs = points[:, 0, 1:BAR], points[:, 1, BAR - 1 : 0 : -1]
    whole &= ~((mine > 0) & (theirs > 0)).any(axis=1)
    whole &= over == (points[:, :, OFF] == CHECKERS).any(axis=1)
    occupied, blocked = bits_of(points)
    whole &= (rows["occupied"] == occupied).all(axis=1) & (rows["blocked"] == blocked).all(axis=1)
    large, small, left = rows["dice"][:, 0], rows["dice"][:, 1], rows["left"]
    playing = (large > small) & (left > 0) & ((small == 0) | (left == 2))
    whole &= np.where(over, (large == 0) & (small == 0) & (left == 0), playing)
    own = occupied[np.arange(len(rows)), rows["to_move"]]
    moves = rows["moves"].astype(np.int64)
    whole &= ((moves & ~own[:, None]) == 0).all(axis=1) & ((small > 0) | (moves[:, 1] == 0))
    return whole
