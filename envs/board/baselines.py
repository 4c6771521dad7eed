# Kernel code: a record has no static type.
# pyright: basic, reportMissingParameterType=false, reportAttributeAccessIssue=false
"""The scripted player of the board games: wins if it can, does not lose at once, else plays randomly."""

from functools import cache

import numba
import numpy as np
from numba.core import types

from quadrivium.envs.core import rng
from quadrivium.envs.core.compile import code_of
from quadrivium.envs.core.game import Game
from quadrivium.envs.core.lane import as_header, lane
from quadrivium.envs.core.native import BYTE_ROW, WORD_ROW, address, call, copy_bytes, record_at, row_at
from quadrivium.envs.core.rules import GAME_HEADER
from quadrivium.envs.core.threads import run_parallel

_LOOK = np.dtype(
    [
        ("legal", "i8"),  # addresses of the game's C functions
        ("play", "i8"),
        ("params", "i8"),
        ("states", "i8"),  # (N,) records
        ("state_bytes", "i8"),
        ("scratch", "i8"),  # (N, 2) records
        ("masks", "i8"),  # (N, 3, A) int8: legal, legal after a move, moves that no win answers
        ("actions", "i8"),  # A
        ("out", "i8"),  # (N,) int64
        ("lanes", "i8"),  # N
    ],
    align=True,
)
_HEADER = numba.from_dtype(as_header(GAME_HEADER))
_STREAM = numba.from_dtype(np.dtype([("rng", "u8")]))


@lane
def _look_two_plies(b, first, last):
    size, actions, out = b.state_bytes, b.actions, row_at(b.out, b.lanes, WORD_ROW)
    for k in range(first, last):
        out[k] = 0
        state = b.states + k * size
        s = record_at(state, _HEADER)
        if s.its_over:
            continue
        after, answered = b.scratch + 2 * k * size, b.scratch + (2 * k + 1) * size
        mine, theirs = record_at(after, _HEADER), record_at(answered, _HEADER)
        masks = b.masks + 3 * k * actions
        legal, answers = row_at(masks, actions, BYTE_ROW), row_at(masks + actions, actions, BYTE_ROW)
        safe = row_at(masks + 2 * actions, actions, BYTE_ROW)
        me = s.its_to_move
        call(b.legal, (state, b.params, masks, actions))
        won = False
        for a in range(actions):
            safe[a] = 0
            if won or legal[a] == 0:
                continue
            copy_bytes(after, state, size)
            call(b.play, (after, b.params, a))
            if mine.its_over:
                if mine.its_winner == me:
                    won = True
                    out[k] = a
                elif mine.its_winner < 0:
                    safe[a] = 1
                continue
            call(b.legal, (after, b.params, masks + actions, actions))
            safe[a] = 1
            for c in range(actions):
                if answers[c] == 0:
                    continue
                copy_bytes(answered, after, size)
                call(b.play, (answered, b.params, c))
                if theirs.its_over and theirs.its_winner == 1 - me:
                    safe[a] = 0
                    break
        if won:
            continue
        total = 0
        for a in range(actions):
            total += safe[a]
        row = safe if total > 0 else legal
        if total == 0:
            for a in range(actions):
                total += row[a]
        # A stream of its own for each move: the opponent's moves are drawn from the lane's.
        stream = record_at(after, _STREAM)
        stream.rng = rng.mix(s.its_rng ^ np.uint64(s.its_ply))
        left = rng.integer(stream, total)
        for a in range(actions):
            if row[a] != 0:
                if left == 0:
                    out[k] = a
                left -= 1


@cache
def _job() -> int:
    kinds = (numba.from_dtype(_LOOK), types.int64, types.int64)
    return code_of("tactical", {"look": (_look_two_plies, kinds)})["look"]


def tactical(game: Game, states: np.ndarray) -> np.ndarray:
    """Returns an action (N,) for each game: one that wins, else a random one that no win can answer.

    Looks two plies ahead. Does not change `states`.
    """
    if states.dtype != game.state_dtype or states.ndim != 1:
        raise ValueError(
            f"the states are {states.shape} of {states.dtype.itemsize} bytes; {game.rules.name} needs (n,) "
            f"of {game.state_dtype.itemsize} bytes; use those of the same game and size"
        )
    states = np.ascontiguousarray(states)
    scratch = np.zeros((len(states), 2), game.state_dtype)
    masks = np.zeros((len(states), 3, game.num_actions), np.int8)
    out = np.zeros(len(states), np.int64)
    look = np.zeros(1, _LOOK)
    look["legal"], look["play"], look["params"] = game.code["legal"], game.code["play"], game.words_address
    look["states"], look["state_bytes"], look["lanes"] = address(states), states.dtype.itemsize, len(states)
    look["scratch"], look["masks"], look["actions"] = address(scratch), address(masks), game.num_actions
    look["out"] = address(out)
    run_parallel(_job(), address(look), len(states))
    return out
