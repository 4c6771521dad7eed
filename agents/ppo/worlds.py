"""PPO in several worlds at once, by one trunk.

Each world has environments, a rollout, a stem, embeddings and heads of its own: it is a `PPO`. What they
share are the blocks of the trunks, and the optimizer, whose every step goes along the sum of the gradients of
a minibatch from each world.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from itertools import zip_longest
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from quadrivium.agents.batches.env_batch import Obs, as_batch
from quadrivium.agents.compute.devices import choose_device
from quadrivium.agents.compute.seeds import seed_everything
from quadrivium.agents.nets.layers import learned
from quadrivium.agents.nets.transfer import share_blocks
from quadrivium.agents.ppo.agent import (
    PPO,
    PPOConfig,
    fresh_policy,
    make_optimizer,
    require_whole_minibatches,
    require_whole_sequences,
)
from quadrivium.agents.ppo.loss import UpdateLog
from quadrivium.agents.ppo.policy import ActorCritic
from quadrivium.agents.runs.checkpoint import Snapshot
from quadrivium.agents.runs.state import under
from quadrivium.agents.training.agent import Agent
from quadrivium.agents.training.hooks import Hooks

_STEPS = "steps"  # key of a snapshot's state, of each world
_ITERATIONS = "iterations"
_RETURN = "rollout/ep_rew_mean"


class WorldsPPO(Agent):
    """One trunk that learns several worlds.

    A world's gradient is clipped by itself, so that none drowns the others, and a world whose policy went
    further than `target_kl` rests until the next update.

    Args:
        config: hyper-parameters, the same in all worlds; batch_size is of each.
        envs: of each world, by a name that can name a torch module; all as many.
        seed: of weights, action noise, minibatch order and environments.
        device: see `PPO`.

    Attributes:
        policy: a ModuleDict of the worlds' `ActorCritic`s; the blocks stand in each, and are the same.
        worlds: the `PPO` of each world. The agent acts as the first of them.

    Raises:
        ValueError: the worlds' blocks do not fit each other, or as `PPO`.
    """

    def __init__(
        self,
        config: PPOConfig,
        envs: Mapping[str, Any],
        *,
        seed: int | None,
        device: torch.device | str = "auto",
    ) -> None:
        super().__init__()
        self.config = config
        self.device = torch.device(choose_device(device, config.net))
        policies: dict[str, ActorCritic] = {}
        batches = {name: as_batch(env) for name, env in envs.items()}
        for name, env in batches.items():
            require_whole_minibatches(config.batch_size, config.n_steps, env.num_envs)
            require_whole_sequences(config, env.num_envs, 1)
            seed_everything(seed, env)
            policies[name] = fresh_policy(config, env)
        first, *others = policies.values()
        for other in others:
            share_blocks(first, other)
        self.policy = nn.ModuleDict(policies).to(self.device)
        self._parameters = learned(self.policy)
        self.optimizer = make_optimizer(self.policy, config.learning_rate, config.weight_decay)
        self.worlds = {
            name: PPO(
                config, env, seed=seed, device=self.device, policy=policies[name], optimizer=self.optimizer
            )
            for name, env in batches.items()
        }
        places = {id(parameter): place for place, parameter in enumerate(self._parameters)}
        self._own = {name: learned(policy) for name, policy in policies.items()}
        self._places = {name: [places[id(one)] for one in own] for name, own in self._own.items()}
        for world in self.worlds.values():
            world.generator = self._first.generator  # one, as one seed

    @property
    def _first(self) -> PPO:
        return next(iter(self.worlds.values()))

    # ---- acting

    def act(self, obs: Obs, deterministic: bool = True) -> np.ndarray:
        """Returns actions (N, ...) for observations (N, ...) of the first world."""
        return self._first.act(obs, deterministic)

    def actor(self) -> Any:
        """Returns what acts as this agent does in the first world."""
        return self._first.actor()

    # ---- learning

    @contextmanager
    def at_work(self) -> Generator[None]:
        """All worlds are at work."""
        with ExitStack() as stack:
            for world in self.worlds.values():
                stack.enter_context(world.at_work())
            yield

    def reset_counters(self) -> None:
        """Counts from 0 again."""
        super().reset_counters()
        for world in self.worlds.values():
            world.reset_counters()

    def begin(self, anew: bool) -> None:
        """Resets the environments where the training begins anew, or they are in no known state."""
        for world in self.worlds.values():
            world.begin(anew)

    def collect(self, hooks: Hooks, end: int) -> bool:
        """Fills the rollout of each world."""
        for world in self.worlds.values():
            if not world.collect(hooks, end):
                return False
        self.num_timesteps = sum(world.num_timesteps for world in self.worlds.values())
        return True

    def update(self, end: int) -> None:
        """Updates all policies on their rollouts, together."""
        remaining = 1 - self.progress(end)
        settings = {name: world.begin_update(remaining) for name, world in self.worlds.items()}
        logs = {name: UpdateLog(one) for name, one in settings.items()}
        learning = list(self.worlds)
        for _ in range(self.config.n_epochs):
            epochs = [
                self.worlds[name].epoch(self._own[name], settings[name], logs[name]) for name in learning
            ]
            resting: set[str] = set()
            for gradients in zip_longest(*epochs, fillvalue=()):  # of worlds that have fewer minibatches
                found = dict(zip(learning, gradients, strict=True))
                resting |= {name for name, one in found.items() if one is None}
                self._descend({name: list(one) for name, one in found.items() if one})
            for name in learning:
                logs[name].end_epoch()
                self.worlds[name].n_updates += 1
            learning = [name for name in learning if name not in resting]
            if not learning:
                break
        for name, world in self.worlds.items():
            world.end_update(logs[name], settings[name])

    def _descend(self, gradients: Mapping[str, list[Tensor]]) -> None:
        """Makes one step along the sum of the worlds' gradients."""
        sums: list[Tensor | None] = [None] * len(self._parameters)
        for name, own in gradients.items():
            for place, gradient in zip(self._places[name], own, strict=True):
                before = sums[place]
                sums[place] = gradient if before is None else before + gradient
        if gradients:
            pairs = zip(sums, self._parameters, strict=True)
            whole = [torch.zeros_like(own) if one is None else one for one, own in pairs]
            self._first.descend(self._parameters, whole)

    # ---- the log

    def summary(self) -> dict[str, float]:
        """Returns what a log line says: of each world under its name, and the mean over them of returns."""
        entries: dict[str, float] = {}
        of_worlds = {name: world.summary() for name, world in self.worlds.items()}
        for name, said in of_worlds.items():
            own = {key: value for key, value in said.items() if not key.startswith("time/")}
            entries |= {f"{name}/{key}": value for key, value in own.items()}
        for key in (_RETURN, "train/learning_rate"):
            known = [said[key] for said in of_worlds.values() if key in said]
            if known:
                entries[key] = float(np.mean(known))
        entries["time/steps_per_second"] = sum(said["time/steps_per_second"] for said in of_worlds.values())
        for phase in ("env", "network", "update"):  # a world's clock shows the others' time as its own rest
            key = f"time/fraction_{phase}"
            entries[key] = sum(said.get(key, 0.0) for said in of_worlds.values())
        return entries

    # ---- exact resume

    def snapshot(self) -> Snapshot:
        """Returns what `VectorAgent.snapshot` does, of all worlds, each under its name."""
        taken = {name: world.snapshot() for name, world in self.worlds.items()}
        state = {f"{name}/{key}": rows for name, one in taken.items() for key, rows in one.state.items()}
        state |= {f"{name}/{_STEPS}": np.array(one.step) for name, one in taken.items()}
        return replace(
            next(iter(taken.values())),
            step=self.num_timesteps,
            weights=self.policy.state_dict(),
            state=state | {_ITERATIONS: np.array(self.iterations)},
            seconds=self.budget.seconds,
        )

    def restore(self, snapshot: Snapshot) -> None:
        """Puts the agent and all its environments where `snapshot` was taken; see `VectorAgent.restore`."""
        for name, world in self.worlds.items():
            state = under(f"{name}/", snapshot.state)
            own = replace(
                snapshot,
                step=int(state[_STEPS]),
                weights=under(f"{name}.", snapshot.weights),
                state=state,
            )
            world.restore(own)
        self.num_timesteps, self.iterations = snapshot.step, int(snapshot.state[_ITERATIONS])
        self.budget.resume(snapshot.seconds)
