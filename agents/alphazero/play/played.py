"""Games that others have played, as positions to learn from: their moves, and how they ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from quadrivium.agents.alphazero.play.packed import Packed, join, part_policies
from quadrivium.agents.alphazero.play.records import RecordFormat
from quadrivium.agents.search.protocols import Game

_AT_ONCE = 256  # games replayed side by side


@dataclass(frozen=True)
class PlayedGame:
    """A game between two players.

    Attributes:
        start: (1,) of the game's records, the first position.
        actions: from there on, all legal.
        outcome: 1 the first player won, -1 the second, 0 a draw.
        settled: it was played to its end by the rules, which say the same; not where a player gave up, say.
    """

    start: np.ndarray
    actions: tuple[int, ...]
    outcome: int
    settled: bool


def parted(games: Sequence[PlayedGame], held_out: float) -> tuple[Sequence[PlayedGame], Sequence[PlayedGame]]:
    """Returns the games to learn from, and those held out; always the same ones of the same games."""
    chosen = np.random.default_rng(0).permutation(len(games))[: round(held_out * len(games))]
    out = set(chosen.tolist())
    return [one for k, one in enumerate(games) if k not in out], [games[k] for k in sorted(out)]


def pack_played(
    game: Game, form: RecordFormat, games: Sequence[PlayedGame], auxiliary: Sequence[str]
) -> Packed:
    """Returns the positions of games; what is to be learned is the move that was played, and the outcome.

    auxiliary: targets of a game's end, which only settled games have.
    """
    parts = [form.empty]
    for first in range(0, len(games), _AT_ONCE):
        parts += _pack_some(game, form, games[first : first + _AT_ONCE], auxiliary)
    return join(parts)


def _pack_some(
    game: Game, form: RecordFormat, games: Sequence[PlayedGame], auxiliary: Sequence[str]
) -> list[Packed]:
    pool = np.concatenate([one.start for one in games])
    lengths = np.array([len(one.actions) for one in games])
    moves = np.zeros((len(games), lengths.max(initial=0)), np.int64)
    for row, one in enumerate(games):
        moves[row, : len(one.actions)] = one.actions
    records: list[list[np.ndarray]] = [[] for _ in games]
    policies: list[list[np.ndarray]] = [[] for _ in games]
    for ply in range(moves.shape[1]):
        rows = np.flatnonzero(lengths > ply)
        played, nothing = moves[rows, ply], np.zeros(len(rows), np.float32)
        legal = game.legal(pool, rows)
        chosen = np.zeros(legal.shape, np.float32)
        chosen[np.arange(len(rows)), played] = 1.0
        packed = form.pack(game.observe(pool, rows), legal, chosen, nothing, nothing, pool["to_move"][rows])
        entries = part_policies(packed.records["legal"], packed.policies)
        for k, row in enumerate(rows):
            records[row].append(packed.records[k : k + 1])
            policies[row].append(entries[k])
        game.step(pool, rows, played)
    found: list[Packed] = []
    for row, one in enumerate(games):
        if not one.actions:
            continue
        own = np.concatenate(records[row])
        ends = (
            {name: getattr(game, name)(pool, np.array([row]))[0] for name in auxiliary}
            if one.settled
            else dict.fromkeys(auxiliary)
        )
        form.finish_played(own, one.outcome, ends)
        found.append(Packed(own, np.concatenate(policies[row])))
    return found
