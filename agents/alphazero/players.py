"""AlphaZero as a player in the Gymnasium environments of board games and of worlds with one player."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium.vector import VectorEnv

from quadrivium.agents.alphazero.agent import AlphaZero


@dataclass(frozen=True)
class SearchPlayer:
    """Plays what a search of `evaluation_simulations` finds; the policy alone where that is 0.

    The search starts from the records of the environment's games or lanes (`env.unwrapped.states`): it knows
    the whole state, and steps copies of it by the true rules. identity: which checkpoint and weights it has,
    where it was loaded.
    """

    name: str
    policy: AlphaZero
    identity: str = ""

    def act(self, obs: Any, env: VectorEnv) -> np.ndarray:
        """Returns actions (N,) for the games of `env`, in each of which it is the agent's turn."""
        states = getattr(env.unwrapped, "states", None)
        if self.policy.config.evaluation_simulations == 0 or states is None:
            return self.policy.act(obs)
        setup = getattr(env.unwrapped, "setup", None)
        return self.policy.best_actions(states, self.policy.config.evaluation_simulations, setup)
