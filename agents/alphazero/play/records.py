"""Positions of self-play, each one compact record, and what of them can be stored in bits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np

from quadrivium.agents.alphazero.play.packed import Packed, pack_policies, policy_dtype, unpack_policies
from quadrivium.agents.alphazero.play.returns import look_ahead
from quadrivium.agents.search.protocols import Game

_PROBE_GAMES, _PROBE_MOVES = 32, 40
_UNKNOWN = -128  # of an ownership
AUXILIARY = ("ownership", "score", "disc_difference")
"""Methods `(pool, rows)` of a game that an auxiliary head may learn, as the first player sees the end: a
board (n, H, W) in {-1, 0, 1}, or numbers (n,)."""


class Samples(NamedTuple):
    """n positions, unpacked; all from the view of the player to move."""

    obs: np.ndarray  # (n, *observation_shape) float32
    legal: np.ndarray  # (n, A) bool
    policy: np.ndarray  # (n, A) float32, what search made of the policy
    outcome: np.ndarray  # (n,) int8: 1 won in the end, 0 drawn, -1 lost; of a single player float32: returns
    root_value: np.ndarray  # (n,) float32, what search thought of the position (and of those after it)
    root_draw: np.ndarray  # (n,) float32, likewise its chance of a draw; of a single player 0
    root_share: np.ndarray  # (n,) float32, how much of the value target that is; the rest is the outcome's
    auxiliary: dict[str, np.ndarray]  # ownership (n, H*W) float32, others (n,) float32; NaN: not known


class Records(Protocol):
    """How positions are packed, and how the end of their game is written into them.

    Attributes:
        empty: no positions; of the types that packed ones have.
    """

    empty: Packed

    def pack(
        self,
        obs: np.ndarray,
        legal: np.ndarray,
        policy: np.ndarray,
        root_value: np.ndarray,
        root_draw: np.ndarray,
        to_move: np.ndarray,
        /,
    ) -> Packed:
        """Returns n positions about to be moved in; arguments as in `Samples`, to_move (n,)."""
        ...

    def pay(self, records: np.ndarray, counts: np.ndarray, rewards: np.ndarray, /) -> None:
        """Takes note of what a move paid, rewards (n, num_players).

        records (n, T): of each game the first `counts` (n,) are in use.
        """
        ...

    def finish(
        self, records: np.ndarray, returns: np.ndarray, ends: Mapping[str, np.ndarray | None], /
    ) -> None:
        """Writes into the records (n,) of one game how it ended.

        returns: (num_players,) what the seats got in all. ends: what else `Outcomes.ends` tells; None: not
        known.
        """
        ...

    def unpack(self, packed: Packed, /) -> Samples:
        """Returns the positions as arrays."""
        ...


class RecordFormat:
    """How a game's positions are packed: a structured dtype, and the way there and back.

    Planes that hold zeros and ones only are stored in bits, others as float16. Which are which is seen in
    random games; a plane that turns out otherwise later is an error, not a loss.

    Args:
        game: whose positions.
        auxiliary: what else is kept of a game's end.
        td_lambda: of the value targets, see `look_ahead`.
        root_share: share of search's value of the position itself in its value target.

    Attributes:
        empty: no positions; of the types that packed ones have.
    """

    def __init__(
        self,
        game: Game,
        auxiliary: tuple[str, ...] = (),
        *,
        td_lambda: float = 1.0,
        root_share: float = 0.0,
    ) -> None:
        self._lambda, self._root_share = td_lambda, root_share
        self._shape = game.observation_shape
        self._num_actions = game.num_actions
        self._auxiliary = auxiliary
        self._cells = int(np.prod(self._shape[1:]))
        self._binary = _binary_planes(game)
        planes, rest = int(self._binary.sum()), int((~self._binary).sum())
        fields: list[Any] = [
            ("bits", "u1", (planes * self._cells + 7) // 8),
            ("rest", "f2", rest * self._cells),
            ("legal", np.min_scalar_type(self._num_actions)),
            ("root_value", "f4"),
            ("root_draw", "f2"),
            ("root_share", "f2"),
            ("to_move", "i1"),
            ("outcome", "i1"),
        ]
        fields += [(name, "i1", self._cells) if name == "ownership" else (name, "f4") for name in auxiliary]
        self.empty = Packed(np.zeros(0, fields), np.zeros(0, policy_dtype(self._num_actions)))

    def pack(
        self,
        obs: np.ndarray,
        legal: np.ndarray,
        policy: np.ndarray,
        root_value: np.ndarray,
        root_draw: np.ndarray,
        to_move: np.ndarray,
    ) -> Packed:
        """Returns n positions whose outcomes are not known yet; arguments as in `Samples`, to_move (n,)."""
        records = np.zeros(len(obs), self.empty.records.dtype)
        planes = obs.reshape(len(obs), len(self._binary), self._cells)
        bits = planes[:, self._binary]
        if not ((bits == 0) | (bits == 1)).all():
            raise ValueError(
                "a plane of zeros and ones held another number; such a game needs another format"
            )
        records["bits"] = np.packbits(bits.reshape(len(obs), -1).astype(np.bool_), axis=1)
        records["rest"] = planes[:, ~self._binary].reshape(len(obs), -1)
        records["legal"], policies = pack_policies(legal, policy, self.empty.policies.dtype)
        records["root_value"], records["root_draw"] = root_value, root_draw
        records["to_move"] = to_move
        return Packed(records, policies)

    def unpack(self, packed: Packed) -> Samples:
        """Returns the positions as arrays."""
        records = packed.records
        legal, policy = unpack_policies(packed, self._num_actions)
        n, planes = len(records), np.empty((len(records), len(self._binary), self._cells), np.float32)
        count = int(self._binary.sum())
        bits = np.unpackbits(records["bits"], axis=1, count=count * self._cells)
        planes[:, self._binary] = bits.reshape(n, count, self._cells)
        planes[:, ~self._binary] = records["rest"].reshape(n, -1, self._cells)
        return Samples(
            obs=planes.reshape(n, *self._shape),
            legal=legal,
            policy=policy,
            outcome=records["outcome"],
            root_value=records["root_value"],
            root_draw=records["root_draw"].astype(np.float32),
            root_share=records["root_share"].astype(np.float32),
            auxiliary={name: _targets(records[name]) for name in self._auxiliary},
        )

    def pay(self, records: np.ndarray, counts: np.ndarray, rewards: np.ndarray) -> None:
        """Does nothing: a game for two is paid at its end."""

    def finish(self, records: np.ndarray, returns: np.ndarray, ends: Mapping[str, np.ndarray | None]) -> None:
        """Writes into the records (n,) of one game how it ended.

        returns: (2,) what the seats got. ends: by auxiliary name, what the game's method says of the end;
        None: not known.
        """
        records["outcome"] = np.sign(returns[records["to_move"]])
        sign = np.where(records["to_move"] == 0, 1, -1)
        if self._lambda < 1 or self._root_share > 0:
            draws, _ = look_ahead(records["root_draw"], self._lambda, self._root_share)
            values, shares = look_ahead(sign * records["root_value"], self._lambda, self._root_share)
            records["root_value"], records["root_share"] = sign * values, shares
            records["root_draw"] = draws
        self._write(records, ends)

    def finish_played(self, records: np.ndarray, outcome: int, ends: Mapping[str, np.ndarray | None]) -> None:
        """Writes into the records (n,) of a game that others played how it ended; no search knows of it.

        outcome: for the first player. ends: as of `finish`.
        """
        records["outcome"] = outcome * np.where(records["to_move"] == 0, 1, -1)
        self._write(records, ends)

    def _write(self, records: np.ndarray, ends: Mapping[str, np.ndarray | None]) -> None:
        sign = np.where(records["to_move"] == 0, 1, -1)
        for name, value in ends.items():
            if value is None:
                records[name] = _UNKNOWN if records[name].dtype.kind == "i" else np.nan
            else:
                records[name] = sign[:, None] * value.reshape(1, -1) if value.ndim else sign * value


def _targets(kept: np.ndarray) -> np.ndarray:
    """Returns what an auxiliary head is to say, float32; NaN where it is not known."""
    numbers = kept.astype(np.float32)
    return np.where(kept == _UNKNOWN, np.float32(np.nan), numbers) if kept.dtype.kind == "i" else numbers


def _binary_planes(game: Game) -> np.ndarray:
    """Returns (C,) bool: the planes that only hold 0 and 1 in some random games."""
    pool, rows = game.pool(_PROBE_GAMES, 0), np.arange(_PROBE_GAMES)
    binary = np.ones(game.observation_shape[0], np.bool_)
    for _ in range(_PROBE_MOVES):
        for seat in range(game.num_players):
            seen = game.observe(pool, rows, np.full(len(rows), seat, np.int8))
            binary &= ((seen == 0) | (seen == 1)).reshape(len(rows), len(binary), -1).all((0, 2))
        game.play_random(pool, rows, 1, restart=True)
    return binary
