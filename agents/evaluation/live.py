"""An episode that is played step by step, and what it has come to so far: for those who look on.

What evaluation counts at an episode's end (`episodes`) is counted here as it grows; at the end both say the
same.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium.vector import VectorEnv

from quadrivium.agents.batches.finite import FiniteGuard, name_of
from quadrivium.agents.batches.infos import columns
from quadrivium.agents.evaluation.episodes import Player, forget

MOST_POINTS = 128
"""Of the curve of a return."""


class LiveEpisode:
    """One scenario at a time, in a batch that holds just one and waits where it has ended.

    Where several agents share the scenario's world, the player is all of them, and each figure is their mean.

    Args:
        env: the agents of one world, autoreset disabled, as `make_drawn_env` makes it.
        player: who acts where `step` is told no action; None: nobody does.

    Attributes:
        obs: what the agents observe now, (N, ...).
        length: steps that were taken.
        over: whether the episode has ended.
    """

    def __init__(self, env: VectorEnv, player: Player | None) -> None:
        self.env, self._player = env, player
        self._guard = FiniteGuard(env.num_envs, name_of(env))
        self._begin()

    def reset(self, seed: int) -> None:
        """Begins the scenario of a seed."""
        obs, _ = self.env.reset(seed=seed)
        forget(self._player)
        self._guard.reset(obs)
        self.env.action_space.seed(seed)
        self._begin(obs)

    def step(self, action: np.ndarray | None = None) -> None:
        """Takes a step by an action (N, ...) or, without one, the player's; none once the episode is over.

        Raises:
            NotFiniteError: the environment gives a NaN or an infinity.
            ValueError: there is neither an action nor a player, or the environment refuses the action.
        """
        if self.over:
            return
        if action is None:
            if self._player is None:
                raise ValueError("nobody acts in this episode: give step() an action")
            action = self._player.act(self.obs, self.env)
        obs, rewards, terminated, truncated, info = self.env.step(action)
        done = terminated | truncated
        self._guard.step(obs, rewards, done, obs)
        self.obs = obs
        forget(self._player, np.flatnonzero(done))
        running = ~self._ended
        self.length += 1
        self._returns += np.where(running, rewards, 0)
        for name, values in columns(info, "reward_terms", done).items():
            self._terms[name] = self._terms.get(name, np.zeros(len(done))) + np.where(running, values, 0)
        self._ended = self._ended | done
        measured = columns(info, "metrics", done)
        self.over = bool(self._ended.all())
        so_far = getattr(self.env.unwrapped, "metrics_so_far", None)
        if so_far is not None and not self.over:
            measured = {name: np.where(done, measured[name], now) for name, now in so_far().items()}
        for name, values in measured.items():
            self._metrics[name] = np.where(running, values, self._metrics.get(name, values))
        self._note()

    @property
    def total(self) -> float:
        """The return so far."""
        return float(self._returns.mean())

    @property
    def terms(self) -> dict[str, float]:
        """The parts of the return so far, by name."""
        return _means(self._terms)

    @property
    def metrics(self) -> dict[str, float]:
        """The environment's own measures so far, by name; at the end the episode's."""
        return _means(self._metrics)

    @property
    def curve(self) -> list[tuple[int, float]]:
        """The return by the number of steps, at most MOST_POINTS of them and the newest."""
        newest = (self.length, self.total)
        return self._points if self._points[-1] == newest else [*self._points, newest]

    def _begin(self, obs: Any = None) -> None:
        agents = self.env.num_envs
        self.obs = obs
        self.length, self.over = 0, False
        self._returns, self._ended = np.zeros(agents), np.zeros(agents, np.bool_)
        self._terms: dict[str, np.ndarray] = {}
        self._metrics: dict[str, np.ndarray] = {}
        self._points, self._stride = [(0, 0.0)], 1

    def _note(self) -> None:
        """Adds a point to the curve, whose points lie the farther apart the longer it is."""
        if self.length % self._stride:
            return
        self._points.append((self.length, self.total))
        if len(self._points) > MOST_POINTS:
            self._points = self._points[::2]
            self._stride *= 2


def _means(columns: Mapping[str, np.ndarray]) -> dict[str, float]:
    return {name: float(values.mean()) for name, values in columns.items()}
