"""What plays on a worker: an agent that never learns, but takes on the weights that it is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch

from quadrivium.agents.alphazero.agent import AlphaZero
from quadrivium.agents.alphazero.fleet.portion import Portion
from quadrivium.agents.compute.heap import keep_freed_memory


class SelfPlayer:
    """Plays on from call to call; games that have not ended stay here, and are lost with it.

    Args:
        make: returns the agent, of a seed of its own.
    """

    def __init__(self, make: Callable[[], AlphaZero]) -> None:
        keep_freed_memory()
        self._agent = make()

    def play(self, weights: Mapping[str, np.ndarray], simulations: int) -> bytes:
        """Lets every game make `n_steps` moves; returns the `Portion` of those that ended, as bytes.

        weights: of the averaged network, by name. simulations: of a full search.
        """
        agent = self._agent
        # Copies: shared weights cannot be written, and torch warns of tensors that could be.
        agent.policy.average.load_state_dict({name: torch.tensor(one) for name, one in weights.items()})
        played = list(agent.play(simulations))
        statistics = [one for _, _, one in played]
        lengths = np.array([length for one in statistics for length in one.lengths], np.int64)
        summary = statistics[0].summary() | agent.summary()
        positions = [packed for _, packed, _ in played]
        return Portion(positions, lengths, agent.moves, simulations, summary).to_bytes()
