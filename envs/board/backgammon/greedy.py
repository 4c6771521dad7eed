"""A scripted player of backgammon that looks at one checker's move at a time, and not at the other's dice."""

import numpy as np

from quadrivium.envs.board.backgammon.kernel import BAR, FACES, HOME, OFF, PASS, SOURCES

_SOURCE = np.arange(1, BAR + 1)
# By face and source, (6, 25): where a checker lands, and where it lands as the other counts.
_TARGET = np.maximum(_SOURCE - np.arange(1, FACES + 1)[:, None], OFF)
_MET = BAR - _TARGET
# What a move is worth that ...
_HITS, _MAKES_A_POINT, _BEARS_OFF, _ENTERS_HOME = 10.0, 6.0, 8.0, 1.0
_LEAVES_A_BLOT, _BECOMES_A_BLOT = -4.0, -3.0
_FROM_BEHIND = 0.05  # a point that the checker stood further back


def greedy(states: np.ndarray) -> np.ndarray:
    """Returns actions (n,) for records (n,): hits, makes points, bears off, avoids blots, brings up the rear.

    Each checker is moved as if it were the only one of the turn. Blots count only while the other has
    checkers behind them, who could hit.
    """
    n = len(states)
    everyone = np.arange(n)
    seats = states["to_move"].astype(np.intp)
    own, other = states["points"][everyone, seats], states["points"][everyone, 1 - seats]  # (n, 26)
    leaving, landing = own[:, None, _SOURCE], own[:, _TARGET]  # (n, 1, 25), (n, 6, 25)
    off = _TARGET == OFF
    # Where the other's rearmost checker stands, as the player counts: it can hit what is above.
    rear = (other[:, ::-1] > 0).argmax(axis=1)
    exposed = (_TARGET[None] > rear[:, None, None]) & ~off
    worth = _HITS * (~off & (other[:, _MET] == 1))
    worth = worth + _MAKES_A_POINT * (~off & (landing == 1)) + _BEARS_OFF * off
    worth += _ENTERS_HOME * ((_SOURCE > HOME) & (_TARGET <= HOME))
    worth += _LEAVES_A_BLOT * ((leaving == 2) & (rear[:, None] < _SOURCE)[:, None])
    worth += _BECOMES_A_BLOT * (exposed & (landing == 0)) + _FROM_BEHIND * _SOURCE
    legal = np.zeros((n, FACES, SOURCES), bool)
    for k in range(2):
        face, moves = states["dice"][:, k].astype(np.intp), states["moves"][:, k]
        playable = (moves[:, None] >> _SOURCE.astype(np.uint32)) & 1
        some = np.flatnonzero(face > 0)
        legal[some, face[some] - 1] = playable[some] != 0
    best = np.where(legal, worth, -np.inf).reshape(n, FACES * SOURCES).argmax(axis=1)
    return np.where(legal.any(axis=(1, 2)), best, PASS)
