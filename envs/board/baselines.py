# Kernel code: a record has no static type.
# pyright: basic, reportMissingParameterType=false, reportAttributeAccessIssue=false
"""The scripted player of the board games: wins if it can, does not lose at once, else plays randomly."""

from collections.abc import Callable
from functools import cache

import numba
import numpy as np

from envs.core import rng
from envs.core.game import Game, game_legal, game_play, words_of
from envs.core.launch import compile_launchers
from envs.core.rules import Rules


def _tactical(states, p, scratch, words, state_words, masks, safe, out):
    """Writes an action for each running game; scratch (N, 2), masks (N, 2, A), safe (N, A): work space."""
    for k in numba.prange(states.shape[0]):
        out[k] = 0
        if states[k].over:
            continue
        me = states[k].to_move
        game_legal(states[k], p, masks[k, 0])
        won = False
        for a in range(masks.shape[2]):
            safe[k, a] = 0
            if won or masks[k, 0, a] == 0:
                continue
            for w in range(words.shape[2]):
                words[k, 0, w] = state_words[k, w]
            game_play(scratch[k, 0], p, a)
            if scratch[k, 0].over:
                if scratch[k, 0].winner == me:
                    won = True
                    out[k] = a
                elif scratch[k, 0].winner < 0:
                    safe[k, a] = 1
                continue
            game_legal(scratch[k, 0], p, masks[k, 1])
            safe[k, a] = 1
            for b in range(masks.shape[2]):
                if masks[k, 1, b] == 0:
                    continue
                for w in range(words.shape[2]):
                    words[k, 1, w] = words[k, 0, w]
                game_play(scratch[k, 1], p, b)
                if scratch[k, 1].over and scratch[k, 1].winner == 1 - me:
                    safe[k, a] = 0
                    break
        if won:
            continue
        total = 0
        for a in range(masks.shape[2]):
            total += safe[k, a]
        row = safe[k] if total > 0 else masks[k, 0]
        if total == 0:
            for a in range(masks.shape[2]):
                total += row[a]
        # A stream of its own for each move: the opponent's moves are drawn from the lane's.
        scratch[k, 0].rng = rng.mix(states[k].rng ^ np.uint64(states[k].ply))
        left = rng.integer(scratch[k, 0], total)
        for a in range(masks.shape[2]):
            if row[a] != 0:
                if left == 0:
                    out[k] = a
                left -= 1


@cache
def _launcher(rules: Rules) -> Callable[..., None]:
    return compile_launchers(rules, parallel=[_tactical])[0]


def tactical(game: Game, states: np.ndarray) -> np.ndarray:
    """Returns an action (N,) for each game: one that wins, else a random one that no win can answer.

    Looks two plies ahead. Does not change `states`.
    """
    scratch = np.zeros((len(states), 2), game.state_dtype)
    masks = np.zeros((len(states), 2, game.num_actions), np.int8)
    safe = np.zeros((len(states), game.num_actions), np.int8)
    out = np.zeros(len(states), np.int64)
    _launcher(game.rules)(states, game.params, scratch, words_of(scratch), words_of(states), masks, safe, out)
    return out
