"""What agents share that act in a batch of environments: the step, the statistics, the snapshot."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

import numpy as np
import torch
from gymnasium import spaces
from torch import Tensor

from quadrivium.agents.batches.env_batch import BatchStep
from quadrivium.agents.compute.adam import LeanAdam
from quadrivium.agents.runs.checkpoint import Snapshot
from quadrivium.agents.runs.start import ENV_ROWS
from quadrivium.agents.runs.state import (
    capture_rng,
    optimizer_from_tensors,
    optimizer_to_tensors,
    restore_rng,
    under,
)
from quadrivium.agents.training.agent import Agent
from quadrivium.agents.training.batch_episodes import BatchEpisodes
from quadrivium.agents.training.phases import PhaseClock


class VectorAgent(Agent):
    """An agent in a batch of environments.

    Args:
        policy: the networks.
        optimizer: of those of them that learn.
        env: the environments, an `EnvBatch` or what acts like one; None: it only acts.
        num_envs: how many there are, or would be.
        generator: of all that the training draws.
        device: of the networks and the data.
        window: episodes that the log's mean return is at least of.

    Attributes:
        counters: attributes, numbers, that a snapshot keeps.
        league: the opponents in the environments, where they grow with the agent: a `League`.
        config: the hyper-parameters.
    """

    counters: ClassVar[tuple[str, ...]] = ("iterations", "n_updates")
    config: Any

    def __init__(
        self,
        policy: Any,
        optimizer: torch.optim.Optimizer,
        env: Any,
        num_envs: int,
        generator: torch.Generator | np.random.Generator,
        device: torch.device,
        window: int = 100,
    ) -> None:
        super().__init__()
        self.policy, self.optimizer = policy, optimizer
        self.env, self.num_envs, self.device = env, num_envs, device
        self.generator = generator
        self.statistics = BatchEpisodes(num_envs, window)
        self.clock = PhaseClock()
        self.league: Any = None  # see `join`
        self.n_updates = 0  # as the algorithm counts them
        self.obs: Any = None  # what the next actions are for; None: the environments are to be reset

    @property
    def observation_space(self) -> spaces.Space:
        """What a single environment shows."""
        return self.env.observation_space

    @property
    def action_space(self) -> spaces.Space:
        """What a single environment takes."""
        return self.env.action_space

    def join(self, league: Any) -> None:
        """Plays in a league, whose members are the opponents in the environments."""
        self.league = league
        league.follow(self)

    def begin(self, anew: bool) -> None:
        """Resets the environments where the training begins anew, or they are in no known state."""
        if anew and self.league is not None:
            self.league.begin()
        if anew or self.obs is None:
            self.obs = self.env.reset()
            self.after_reset()

    def after_reset(self) -> None:
        """Called when the environments were reset, which cut the running episodes."""
        self.statistics.reset()

    @contextmanager
    def at_work(self) -> Generator[None]:
        """Measures the time from here on."""
        self.clock = PhaseClock(self.num_timesteps)
        yield

    def step(self, actions: np.ndarray) -> BatchStep:
        """Steps all environments by actions (N, ...) of their space, and counts it."""
        self.clock.enter("env")
        step = self.env.step_batch(actions)
        self.clock.enter("other")
        before = self.num_timesteps
        self.num_timesteps += self.num_envs if step.acted is None else int(step.acted.sum())
        if self.league is not None:
            self.league.grow(before, self.num_timesteps)
        self.statistics.add(step)
        self.obs = step.obs
        return step

    def descend(self, parameters: Sequence[Tensor], gradients: list[Tensor]) -> None:
        """Makes one step of the optimizer."""
        if isinstance(self.optimizer, LeanAdam):
            self.optimizer.apply(gradients)
            return
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = gradient
        self.optimizer.step()

    def summary(self) -> dict[str, float]:
        """Returns what a log line says, of all since the last call."""
        episodes = self.statistics.summary() | self.clock.collect(self.num_timesteps)
        league = {} if self.league is None else self.league.summary()
        return episodes | league | self.update_summary() | {"train/n_updates": self.n_updates}

    def update_summary(self) -> dict[str, float]:
        """Returns what a log line says of updates."""
        return {}

    # ---- exact resume

    def generators(self) -> dict[str, torch.Generator | np.random.Generator]:
        """Returns the generators that a snapshot keeps, by name."""
        own: dict[str, torch.Generator | np.random.Generator] = {"agent": self.generator}
        return own if self.league is None else own | {"league": self.league.generator}

    def own_state(self) -> dict[str, np.ndarray]:
        """Returns what a snapshot keeps besides counters, networks, episodes and environments."""
        return {}

    def load_own_state(self, state: dict[str, np.ndarray]) -> None:
        """Takes back what `own_state` returned, and more."""

    def world_state(self) -> dict[str, np.ndarray]:
        """Returns what a snapshot keeps of the environments and their episodes."""
        state = {f"episodes/{name}": array for name, array in self.statistics.state().items()}
        if self.obs is not None and self.env is not None and self.env.supports_state:
            state[ENV_ROWS] = self.env.get_state()
            parts = self.obs if isinstance(self.obs, dict) else {"": self.obs}
            state |= {f"last_obs/{key}": np.array(part) for key, part in parts.items()}
        return state

    def snapshot(self) -> Snapshot:
        """Returns everything that decides how the training goes on; call it between iterations.

        Its arrays share memory with the agent: save it at once.
        """
        state = {name: np.array(getattr(self, name)) for name in self.counters}
        state |= self.own_state() | self.world_state()
        if self.league is not None:
            state |= {f"league/{name}": array for name, array in self.league.state().items()}
        return Snapshot(
            step=self.num_timesteps,
            weights=self.policy.state_dict(),
            optimizer=optimizer_to_tensors(self.optimizer),
            state=state,
            rng=capture_rng(**self.generators()),
            seconds=self.budget.seconds,
        )

    def restore(self, snapshot: Snapshot) -> None:
        """Puts the agent and its environments where `snapshot` was taken.

        Exact where the environment has `get_state` and `set_state`; any other starts new episodes,
        and so does a snapshot of another number of environments.
        """
        state = snapshot.state
        self.load_own_state(state)
        self.policy.load_state_dict(snapshot.weights)
        optimizer_from_tensors(self.optimizer, snapshot.optimizer)
        if self.league is not None:
            self.league.load_state(under("league/", state))
        restore_rng(snapshot.rng, **self.generators())
        self.num_timesteps = snapshot.step
        self.budget.resume(snapshot.seconds)
        for name in self.counters:
            setattr(self, name, state[name].item())
        self.obs, episodes = None, under("episodes/", state)
        if len(episodes["lengths"]) == self.num_envs:
            self.statistics.load_state(episodes)
        rows, env = state.get(ENV_ROWS), self.env
        if rows is not None and env is not None and env.supports_state and len(rows) == len(env.get_state()):
            env.set_state(rows)
            last = under("last_obs/", state)
            self.obs = last.get("", last)
