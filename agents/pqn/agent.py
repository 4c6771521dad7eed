"""PQN, read top to bottom: parallelised Q-learning with LayerNorm (Gallici et al. 2024).

All environments play a short rollout, each of its transitions gets a Q(λ) return, and the network learns them
in some epochs of minibatches; then the rollout is forgotten. There is no replay memory, since so many
environments show varied data at any time, and no target network, since LayerNorm keeps Q in bounds where
there are no data.

1. The rollout is PPO's, and so are the returns: with max Q in the place of V, GAE's A + V is Peng's Q(λ).
2. Networks, masks and exploration are DQN's: epsilon-greedy, decided for each environment.
3. Truncated episodes are bootstrapped from their last observation, terminated ones are not.
4. Adam, where the paper has RAdam, which is Adam with smaller first steps.
5. Where inputs are standardised, the first rollout makes the statistics, and nothing is learned from it.

How steps are counted: as in PPO, over all environments. `n_updates` counts gradient steps.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import torch
from annotated_types import Gt, Interval
from torch import Tensor
from torch.nn import functional as F

from quadrivium.agents.batches.env_batch import as_batch
from quadrivium.agents.batches.observations import Obs, to_tensors
from quadrivium.agents.compute.adam import LeanAdam
from quadrivium.agents.compute.devices import choose_device
from quadrivium.agents.compute.foreach import clip_norm_
from quadrivium.agents.compute.seeds import seed_everything
from quadrivium.agents.dqn.acting import QAgent, Step
from quadrivium.agents.dqn.loss import of_actions
from quadrivium.agents.dqn.policy import QNetwork, greedy
from quadrivium.agents.nets import NetConfig
from quadrivium.agents.nets.layers import learned
from quadrivium.agents.ppo.agent import require_whole_minibatches
from quadrivium.agents.ppo.rollout import Batch, RolloutBuffer
from quadrivium.agents.training.hooks import Hooks
from quadrivium.agents.training.schedules import linear, schedule


@dataclass(frozen=True)
class PQNConfig:
    """The hyper-parameters, by the names that PPO and DQN have for them.

    Attributes:
        algorithm: chooses this class in a YAML.
        n_steps: steps an environment takes between updates.
        batch_size: transitions in a minibatch; divides n_steps * num_envs.
        n_epochs: passes over the rollout.
        gamma: discount.
        q_lambda: λ of the returns: 0 is one-step Q-learning, 1 the rewards of the rollout and then max Q.
        learning_rate: of Adam.
        learning_rate_schedule: "linear" lets it fall to 0 over the training.
        exploration_fraction: part of the training in which epsilon falls linearly.
        exploration_initial_eps: epsilon at the start.
        exploration_final_eps: epsilon from there on.
        max_grad_norm: gradients are scaled down to this norm.
        dueling: the head splits the state's value from the actions' advantages.
        net: the backbone. Leave `normalize_layers` on: it stands for the target network.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    algorithm: Literal["pqn"] = "pqn"
    n_steps: Annotated[int, Gt(0)] = 32
    batch_size: Annotated[int, Gt(0)] = 256
    n_epochs: Annotated[int, Gt(0)] = 2
    gamma: Annotated[float, Interval(ge=0, le=1)] = 0.99
    q_lambda: Annotated[float, Interval(ge=0, le=1)] = 0.65
    learning_rate: Annotated[float, Gt(0)] = 5e-4
    learning_rate_schedule: Literal["constant", "linear"] = "linear"
    exploration_fraction: Annotated[float, Interval(gt=0, le=1)] = 0.1
    exploration_initial_eps: Annotated[float, Interval(ge=0, le=1)] = 1.0
    exploration_final_eps: Annotated[float, Interval(ge=0, le=1)] = 0.05
    max_grad_norm: Annotated[float, Gt(0)] = 10.0
    dueling: bool = False
    net: NetConfig = field(default_factory=lambda: NetConfig(activation="relu", normalize_layers=True))

    def __post_init__(self) -> None:
        self.net.refuse_memory("pqn", "it learns from single transitions")


class PQN(QAgent):
    """Parallelised Q-learning on a batch of environments.

    Args:
        config: hyper-parameters.
        env: a SAME_STEP gymnasium VectorEnv, an `EnvBatch`, or what acts like one; None: it only acts.
        seed: of weights, exploration, minibatch order and environments.
        device: "cpu", "cuda", or "auto" (`choose_device`).
        policy: networks with the attributes of `QNetwork`, on the device; None: one with fresh weights.
        num_envs: where there is no `env`.
        window: episodes that the log's mean return is at least of.

    Raises:
        ValueError: batch_size does not divide n_steps * num_envs.
    """

    def __init__(
        self,
        config: PQNConfig,
        env: Any,
        *,
        seed: int | None,
        device: torch.device | str = "auto",
        policy: Any = None,
        num_envs: int = 1,
        window: int = 100,
    ) -> None:
        env, device = as_batch(env), torch.device(choose_device(device, config.net))
        num_envs = num_envs if env is None else env.num_envs
        if policy is None:
            assert env is not None, "fresh networks are made for the spaces of an env; give one"
            require_whole_minibatches(config.batch_size, config.n_steps, num_envs)
            seed_everything(seed, env)
            policy = QNetwork(env.observation_space, env.action_space, config.net, config.dueling).to(device)
        optimizer = LeanAdam(learned(policy.q_net), lr=config.learning_rate)
        super().__init__(
            *(policy, optimizer, env, num_envs, np.random.default_rng(seed), device, window),
            exploration=linear(
                config.exploration_initial_eps, config.exploration_final_eps, config.exploration_fraction
            ),
            learning_rate=schedule(config.learning_rate, config.learning_rate_schedule),
        )
        self.config = config
        self.rollout_buffer = RolloutBuffer(
            config.n_steps, policy.observation_space, policy.action_space, device, num_envs
        )

    # ---- collecting

    def _best(self, obs: Obs) -> tuple[Tensor, Tensor]:
        """Returns the best legal actions (N,) and what they are worth, max Q (N,)."""
        q = self.policy.q_net(obs)  # (N, A)
        actions = greedy(q, obs)
        return actions, of_actions(q, actions)

    @torch.no_grad()
    def collect(self, hooks: Hooks, end: int) -> bool:
        """Fills the rollout with `n_steps` steps of every environment; False if a hook stopped it."""
        rollout = self.rollout_buffer
        self.policy.train(False)
        rollout.reset()
        hooks.on_rollout_start()
        for _ in range(rollout.steps):
            self.clock.enter("network")
            best, values = self._best(rollout.put_obs(self.obs))
            self.exploration_rate = self.exploration(1 - self.progress(end))
            actions = self.explored(self.obs, self.exploration_rate, best.cpu().numpy)
            step = self.step(actions)
            if step.truncated.any():
                rollout.mark_truncated(np.flatnonzero(step.truncated), step.final_obs)
            rollout.add(torch.from_numpy(actions), values, None, step.rewards, step.done, step.acted)
            if not hooks.on_step(step):
                return False
        self.clock.enter("network")
        found = rollout.truncated()
        if found is not None:
            steps, rows, final_obs, _ = found
            rollout.rewards[steps, rows] += self.config.gamma * self._best(final_obs)[1]
        last_values = self._best(to_tensors(self.obs, self.device))[1]
        rollout.finish(last_values, self.config.gamma, self.config.q_lambda)
        self.clock.enter("other")
        hooks.on_rollout_end()
        return True

    # ---- learning

    def update(self, end: int) -> None:
        """Learns the rollout's returns; then the input normaliser learns its observations."""
        self.clock.enter("update")
        self.policy.train(True)
        self.set_rate(1 - self.progress(end))
        if not self.policy.lacks_statistics():
            order = torch.Generator(self.device)
            order.manual_seed(int(self.generator.integers(1 << 63)))
            for _ in range(self.config.n_epochs):
                minibatches = self.rollout_buffer.minibatches(self.config.batch_size, order)
                self.count_update([self._gradient_step(batch) for batch, _ in minibatches])
        # After the update: the returns were made with the old statistics.
        self.policy.update_statistics(self.rollout_buffer.observations())
        self.clock.enter("other")

    def _gradient_step(self, batch: Batch) -> Step:
        """One step of the optimizer towards the returns (B,), which stay what they are: eq. 1, with λ."""
        q = of_actions(self.policy.q_net(batch.obs), batch.actions)  # (B,)
        loss = 0.5 * F.mse_loss(q, batch.returns)
        gradients = list(torch.autograd.grad(loss, self._online))
        norm = clip_norm_(gradients, self.config.max_grad_norm)
        self.descend(self._online, gradients)
        self.n_updates += 1
        return loss.detach(), norm, q.detach(), batch.returns
