"""Positions of a single player's episodes, and the returns that they are learned to be worth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from quadrivium.agents.alphazero.play.packed import Packed, pack_policies, policy_dtype, unpack_policies
from quadrivium.agents.alphazero.play.records import Samples
from quadrivium.agents.alphazero.play.returns import lambda_returns
from quadrivium.agents.search.protocols import Game


class EpisodeRecords:
    """How the positions of a world with one player are packed, and how its rewards become their values.

    A record holds what its own move earned, and all moves up to the next record: where some searches are fast
    and leave none, the next record is several moves on.

    Attributes:
        empty: no positions; of the types that packed ones have.
    """

    def __init__(self, game: Game, gamma: float, td_lambda: float, root_share: float = 0.0) -> None:
        self._root_share = root_share
        self._shape, self._num_actions = game.observation_shape, game.num_actions
        self._gamma, self._lambda = gamma, td_lambda
        fields: list[Any] = [
            ("obs", "f4", int(np.prod(self._shape))),
            ("legal", np.min_scalar_type(self._num_actions)),
            ("root_value", "f4"),
            ("reward", "f4"),  # discounted, up to the next record
            ("discount", "f4"),  # gamma to the power of the moves up to there
            ("outcome", "f4"),  # the return, `root_share` of it search's value
        ]
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
        """Returns n positions before their moves; arguments as in `Samples`, the last two are not needed."""
        records = np.zeros(len(obs), self.empty.records.dtype)
        records["obs"] = obs.reshape(len(obs), -1)
        records["legal"], policies = pack_policies(legal, policy, self.empty.policies.dtype)
        records["root_value"] = root_value
        records["discount"] = 1.0
        return Packed(records, policies)

    def pay(self, records: np.ndarray, counts: np.ndarray, rewards: np.ndarray) -> None:
        """Adds a move's rewards (n, 1) to the last of each game's records (n, T), of which `counts` (n,) are
        in use.
        """
        rows = np.flatnonzero(counts)
        last = counts[rows] - 1
        discounts = records["discount"][rows, last]
        records["reward"][rows, last] += discounts * rewards[rows, 0]
        records["discount"][rows, last] = discounts * np.float32(self._gamma)

    def finish(self, records: np.ndarray, returns: np.ndarray, ends: Mapping[str, np.ndarray | None]) -> None:
        """Writes into the records (n,) of one episode what they are worth.

        returns: is not needed. ends["beyond"]: the value of the position at which the episode ended.
        """
        values = records["root_value"]
        returns = lambda_returns(
            records["reward"], records["discount"], values, float(ends["beyond"] or 0.0), self._lambda
        )
        records["outcome"] = (1 - self._root_share) * returns + self._root_share * values

    def unpack(self, packed: Packed) -> Samples:
        """Returns the positions as arrays."""
        records = packed.records
        legal, policy = unpack_policies(packed, self._num_actions)
        nothing = np.zeros(len(records), np.float32)
        return Samples(
            obs=np.ascontiguousarray(records["obs"]).reshape(len(records), *self._shape),
            legal=legal,
            policy=policy,
            outcome=records["outcome"],
            root_value=records["root_value"],
            root_draw=nothing,
            root_share=nothing,  # it is in the outcome
            auxiliary={},
        )
