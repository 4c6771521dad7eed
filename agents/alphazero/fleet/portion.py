"""What a worker hands in: the games that ended while it made its moves, as arrays without code in them."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from quadrivium.agents.alphazero.play.packed import Packed, packed_of
from quadrivium.agents.runs.array_files import read_arrays, write_arrays


@dataclass(frozen=True)
class Portion:
    """Some games of a worker.

    Attributes:
        positions: to learn from, of the board of each size.
        lengths: (games,) int64, moves of each game that ended.
        moves: that the worker made meanwhile, those of unfinished games included.
        simulations: of a full search.
        summary: what the log says of the games, by logger name.
    """

    positions: Sequence[Packed]
    lengths: np.ndarray
    moves: int
    simulations: int
    summary: dict[str, float]

    def to_bytes(self) -> bytes:
        """Returns it as an uncompressed .npz without pickles."""
        arrays = {f"records{k}": packed.records for k, packed in enumerate(self.positions)}
        arrays |= {f"policies{k}": packed.policies for k, packed in enumerate(self.positions)}
        arrays |= {"lengths": self.lengths, "moves": np.array(self.moves)}
        arrays |= {"simulations": np.array(self.simulations), "summary": np.array(json.dumps(self.summary))}
        file = io.BytesIO()
        write_arrays(file, arrays)
        return file.getvalue()


def portion_of(data: bytes, empty: Sequence[Packed]) -> Portion:
    """Returns the portion that `to_bytes` wrote.

    empty: no positions, of the board of each size. Raises ValueError where it is of other games, or damaged.
    """
    arrays = read_arrays(io.BytesIO(data))
    positions: list[Packed] = []
    for k, none in enumerate(empty):
        names = ("records", "policies")
        packed = packed_of({name: arrays[f"{name}{k}"] for name in names if f"{name}{k}" in arrays}, none)
        if int(packed.records["legal"].sum(dtype=np.int64)) != len(packed.policies):
            raise ValueError(
                f"{len(packed.policies)} entries of policies do not fit {len(packed.records)} positions"
            )
        positions.append(packed)
    try:
        summary = {str(name): float(value) for name, value in json.loads(str(arrays["summary"])).items()}
        moves, simulations = int(arrays["moves"]), int(arrays["simulations"])
        return Portion(positions, arrays["lengths"].astype(np.int64), moves, simulations, summary)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"a portion of games lacks {error}") from error
