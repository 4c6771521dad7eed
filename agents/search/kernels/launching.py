"""The kernels as functions on arrays: they run as jobs of the engine, on the threads that step the worlds.

`trees` (n,) int64 are those to work on, `arrays` the words of all of them. The engine compiles the kernels
together, once, and keeps the machine code.
"""

import struct
from functools import cache
from typing import Any

import numba
import numpy as np
from numba.core import types

from quadrivium.agents.search.kernels import growth, gumbel, puct, roots
from quadrivium.agents.search.kernels.calls import CALL
from quadrivium.agents.search.kernels.layout import Roots
from quadrivium.envs.core.compile import code_of
from quadrivium.envs.core.native import address, bytes_address, pack
from quadrivium.envs.core.threads import run, run_parallel

TREES_WORTH_THREADS = 128
"""With fewer, waking the other threads takes longer than the work."""

Judged = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Logits (m, A), values and draws (m,) as the kernels take them: float32, each in one piece."""

_FIELDS = CALL.names or ()
_NONE = dict.fromkeys(_FIELDS, 0)
_pack_call = struct.Struct(f"={len(_FIELDS)}q").pack
_KERNELS = (
    growth.gather_new,
    growth.gather_results,
    growth.leave_to_chance,
    growth.plant,
    growth.expand_and_back_up,
    gumbel.select_gumbel,
    puct.select_puct,
    roots.read_roots,
    roots.keep_subtrees,
)


@cache
def _code() -> dict[str, int]:
    from_dtype: Any = numba.from_dtype
    arguments = (from_dtype(CALL), types.int64, types.int64)
    return code_of("search", {kernel.__name__: (kernel, arguments) for kernel in _KERNELS})


def _call(**fields: int) -> bytes:
    return _pack_call(*(_NONE | fields).values())


def _launch(kernel: str, call: bytes, count: int) -> None:
    launch = run if count < TREES_WORTH_THREADS else run_parallel
    launch(_code()[kernel], bytes_address(call), count)


def gather_new(arrays: np.ndarray, trees: np.ndarray) -> int:
    """Lists the new nodes that the trees plan; returns how many."""
    call = _call(arrays=address(arrays), trees=address(trees), count=len(trees))
    return run(_code()["gather_new"], bytes_address(call), len(trees))


def gather_results(
    arrays: np.ndarray, over: np.ndarray, movers: np.ndarray, returns: np.ndarray, listed: int = 0
) -> int:
    """Files how the games of the n new nodes stand, and lists those that a player goes on from, behind the
    `listed` that are; returns how many there are.

    over (n,) bool, movers (n,) int64, returns (n, players) float32.
    """
    call = _call(
        arrays=address(arrays),
        count=len(over),
        over=address(over),
        numbers=address(movers),
        returns=address(returns),
        players=returns.shape[1],
        positions=listed,
    )
    return run(_code()["gather_results"], bytes_address(call), len(over))


def leave_to_chance(arrays: np.ndarray, trees: np.ndarray, chances: np.ndarray) -> None:
    """Makes the nodes that trees plan, at which chance is to decide, and plans for each one below it.

    chances (n, C) float32: the probabilities of the outcomes.
    """
    call = _call(
        arrays=address(arrays),
        trees=address(trees),
        count=len(trees),
        scores=address(chances),
        width=chances.shape[1],
    )
    _launch("leave_to_chance", call, len(trees))


def plant(
    arrays: np.ndarray,
    trees: np.ndarray,
    movers: np.ndarray,
    judged: Judged,
    legal: np.ndarray,
    *,
    any_order: bool,
) -> None:
    """Begins the trees anew with a root alone.

    movers (n,) int64; legal (n, A) int8. any_order: the roots' edges may be tried in any order, not by their
    priors alone.
    """
    logits, values, draws = judged
    call = _call(
        arrays=address(arrays),
        trees=address(trees),
        count=len(trees),
        numbers=address(movers),
        logits=address(logits),
        values=address(values),
        draws=address(draws),
        legal=address(legal),
        any_order=any_order,
    )
    _launch("plant", call, len(trees))


def select_gumbel(
    arrays: np.ndarray, trees: np.ndarray, scores: np.ndarray, turns: np.ndarray, rule: np.ndarray
) -> None:
    """Walks down each tree to where a node is to be made; writes their plans.

    scores (n, A) float32: gumbel + logit of the root's edges; turns (n,) int64: the count of visits whose
    turn it is; rule: words of a `GumbelRule`.
    """
    call = _call(
        arrays=address(arrays),
        rule=address(rule),
        trees=address(trees),
        count=len(trees),
        scores=address(scores),
        numbers=address(turns),
    )
    _launch("select_gumbel", call, len(trees))


def select_puct(arrays: np.ndarray, trees: np.ndarray, rule: np.ndarray) -> None:
    """Walks down each tree to where a node is to be made; writes their plans. Proven and full ones rest.

    rule: words of a `PuctRule`.
    """
    call = _call(arrays=address(arrays), rule=address(rule), trees=address(trees), count=len(trees))
    _launch("select_puct", call, len(trees))


def expand_and_back_up(
    arrays: np.ndarray, trees: np.ndarray, judged: Judged, legal: np.ndarray, rule: np.ndarray
) -> None:
    """Makes the planned node of each tree and backs its value up, or carries out another plan.

    judged, legal (m, A) int8: of the m rows in `TreeArrays.rows`; rule: words of a `BackupRule`.
    """
    logits, values, draws = judged
    call = _call(
        arrays=address(arrays),
        rule=address(rule),
        trees=address(trees),
        count=len(trees),
        logits=address(logits),
        values=address(values),
        draws=address(draws),
        legal=address(legal),
        positions=len(values),
    )
    _launch("expand_and_back_up", call, len(trees))


def read_roots(arrays: np.ndarray, trees: np.ndarray, known: Roots) -> None:
    """Writes what the roots of the trees know of each action, where that is something."""
    rows = pack(known)
    call = _call(arrays=address(arrays), roots=address(rows), trees=address(trees), count=len(trees))
    _launch("read_roots", call, len(trees))


def keep_subtrees(arrays: np.ndarray, trees: np.ndarray, moves: np.ndarray, capacity: int) -> np.ndarray:
    """Makes the child at each move (n,) int64 its tree's root; returns which node each new one was (n, N)."""
    places = np.empty((len(trees), 3, capacity), np.int64)
    call = _call(
        arrays=address(arrays),
        trees=address(trees),
        count=len(trees),
        numbers=address(moves),
        places=address(places),
    )
    _launch("keep_subtrees", call, len(trees))
    return places[:, 0]
