"""DQN with double Q-learning, action masks and batched environments.

Sources: Mnih et al. 2015 (DQN), van Hasselt et al. 2016 (double Q-learning), Sutton 1988 (n-step returns),
Wang et al. 2016 (dueling head). A subclass of Stable-Baselines3's DQN with its public face. What it changes:

1. All environments step, and all transitions are stored, as arrays; there is no loop over environments.
2. One uniform draw gives the indices of all gradient steps that are due, and the target network, which does
   not change while they are made, sees their next observations in one pass.
3. Nothing is read back from the device until a log line is due.
4. Truncated episodes are bootstrapped from their last observation, terminated ones are not.
5. Exploration, greedy choice and targets respect `action_mask`.
6. Exploration is decided for each environment (SB3: one coin for all), with a generator of the agent's own.

How steps are counted (as in Stable-Baselines3): `total_timesteps`, `learning_starts` and `buffer_size` count
transitions, over all environments. `train_freq` counts calls to step, each of which gives `num_envs`
transitions: `gradient_steps` follow every train_freq * num_envs of them; -1 means one for each transition.
`target_update_interval` counts transitions, rounded down to whole calls (at least one).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal, cast

import numpy as np
import torch
from annotated_types import Ge, Gt, Interval
from gymnasium import spaces
from stable_baselines3 import DQN as StableDQN
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.type_aliases import GymEnv, Schedule
from stable_baselines3.common.utils import LinearSchedule
from stable_baselines3.dqn.policies import DQNPolicy
from torch import Tensor
from torch.nn import functional as F

from quadrivium.agents.batches.observations import (
    Obs,
    ObsArray,
    batch_size,
    concatenate,
    to_arrays,
    to_tensors,
)
from quadrivium.agents.compute.adam import LeanAdam
from quadrivium.agents.compute.devices import choose_device
from quadrivium.agents.compute.foreach import clip_norm_, polyak_
from quadrivium.agents.dqn.collect import OffPolicyAgent
from quadrivium.agents.dqn.policy import ACTION_MASK, BackboneQPolicy, greedy, legal_values
from quadrivium.agents.dqn.replay import Transitions
from quadrivium.agents.nets import NetConfig
from quadrivium.agents.runs.checkpoint import Snapshot

_UPDATE_NAMES = ("loss", "q_mean", "target_q_mean", "td_error", "gradient_norm")


@dataclass(frozen=True)
class DQNConfig:
    """The hyper-parameters, by Stable-Baselines3's names; see the module for what is counted how.

    Attributes:
        algorithm: chooses this class in a YAML.
        learning_rate: of Adam.
        learning_rate_schedule: "linear" lets it fall to 0 over the training.
        buffer_size: transitions in the replay memory.
        learning_starts: transitions, chosen at random, before the first update.
        batch_size: transitions a gradient step.
        tau: share of the online weights that a target update takes over; 1 copies them.
        gamma: discount a step.
        train_freq: calls to step (num_envs transitions each) between updates.
        gradient_steps: gradient steps an update; -1: as many as transitions were collected.
        target_update_interval: transitions between target updates.
        exploration_fraction: part of the training in which epsilon falls linearly.
        exploration_initial_eps: epsilon at the start.
        exploration_final_eps: epsilon from there on.
        max_grad_norm: gradients are scaled down to this norm.
        double: the online network chooses the next action, the target network values it.
        huber_delta: errors of Q beyond it count linearly. Where noise is larger, Q leans from the mean of the
            returns to their median, and so may the policy: give more than the noise, or scale rewards down.
        dueling: the head splits the state's value from the actions' advantages.
        n_steps: steps a transition spans.
        optimize_memory: store each observation once; halves the memory, costs a lookup more.
        net: the backbone.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    algorithm: Literal["dqn"] = "dqn"
    learning_rate: Annotated[float, Gt(0)] = 5e-4
    learning_rate_schedule: Literal["constant", "linear"] = "constant"
    buffer_size: Annotated[int, Gt(0)] = 100_000
    learning_starts: Annotated[int, Ge(0)] = 1_000
    batch_size: Annotated[int, Gt(0)] = 64
    tau: Annotated[float, Interval(gt=0, le=1)] = 1.0
    gamma: Annotated[float, Interval(ge=0, le=1)] = 0.99
    train_freq: Annotated[int, Gt(0)] = 4
    gradient_steps: Annotated[int, Ge(-1)] = 1
    target_update_interval: Annotated[int, Gt(0)] = 1_000
    exploration_fraction: Annotated[float, Interval(gt=0, le=1)] = 0.1
    exploration_initial_eps: Annotated[float, Interval(ge=0, le=1)] = 1.0
    exploration_final_eps: Annotated[float, Interval(ge=0, le=1)] = 0.05
    max_grad_norm: Annotated[float, Gt(0)] = 10.0
    double: bool = True
    huber_delta: Annotated[float, Gt(0)] = 1.0
    dueling: bool = False
    n_steps: Annotated[int, Gt(0)] = 1
    optimize_memory: bool = False
    net: NetConfig = field(default_factory=NetConfig)


def td_targets(
    rewards: Tensor, discounts: Tensor, next_q: Tensor, chooser_q: Tensor, next_obs: Obs
) -> Tensor:
    """Returns rewards + discounts * next_q[argmax over legal actions of chooser_q], (B,).

    `chooser_q` is the online network's in double Q-learning (van Hasselt et al. 2016, eq. 4), else `next_q`.

    Args:
        rewards: (B,) summed over the transition's steps.
        discounts: (B,) gamma**steps, 0 where the episode terminated.
        next_q: (B, A) of the target network.
        chooser_q: (B, A).
        next_obs: for the action mask.
    """
    best = legal_values(chooser_q, next_obs).argmax(1, keepdim=True)  # (B, 1)
    return rewards + discounts * next_q.gather(1, best)[:, 0]


class DQN(OffPolicyAgent, StableDQN):  # pyright: ignore
    """Deep Q-learning on one environment or a batch of them.

    With VecNormalize or a `replay_buffer_class` of the user's own, Stable-Baselines3's code collects and
    stores; all else takes the batched path, which is fast on a `BatchedVecEnv`. The update is the same.

    Args:
        policy: "MlpPolicy", "CnnPolicy", "MultiInputPolicy", or a DQNPolicy class such as `BackboneQPolicy`.
        env: an environment, its id, a VecEnv, or a SAME_STEP gymnasium VectorEnv.
        double: double Q-learning; False is what Stable-Baselines3 does.
        huber_delta: of the loss; 1 is what Stable-Baselines3 does. See `DQNConfig`.
        stable: the other arguments of Stable-Baselines3's DQN, by name. `optimize_memory_usage` also works
            where episodes are truncated.
    """

    policy_aliases: ClassVar[dict[str, type[BasePolicy]]] = {
        **StableDQN.policy_aliases,
        "BackboneQPolicy": BackboneQPolicy,
    }
    saved_settings = (
        *("learning_rate", "buffer_size", "learning_starts", "batch_size", "tau", "gamma", "gradient_steps"),
        *("n_steps", "target_update_interval", "exploration_fraction", "exploration_initial_eps"),
        *("exploration_final_eps", "max_grad_norm", "policy_kwargs", "seed", "double", "huber_delta"),
    )
    saved_progress = (
        *("num_timesteps", "_n_updates", "_n_calls", "_episode_num", "_logged", "exploration_rate"),
        "_current_progress_remaining",
    )

    double: bool
    huber_delta: float

    def __init__(
        self,
        policy: str | type[DQNPolicy],
        env: GymEnv | str,
        *,
        double: bool = True,
        huber_delta: float = 1.0,
        **stable: Any,
    ):
        self.double, self.huber_delta = double, huber_delta
        policy_kwargs = dict(stable.pop("policy_kwargs", None) or {})
        policy_kwargs.setdefault("optimizer_class", LeanAdam)
        super().__init__(policy, env, policy_kwargs=policy_kwargs, **stable)

    @classmethod
    def from_config(
        cls,
        config: DQNConfig,
        env: GymEnv,
        *,
        seed: int | None,
        device: torch.device | str = "auto",
        **stable: Any,
    ) -> "DQN":
        """Returns an agent on `BackboneQPolicy`.

        Args:
            config: hyper-parameters.
            env: a BatchedVecEnv, a SAME_STEP gymnasium VectorEnv, or anything that SB3 takes.
            seed: of weights, exploration, sampling and environments.
            device: "cpu", "cuda", or "auto" (`choose_device`).
            stable: further arguments of the constructor (tensorboard_log, verbose).
        """
        rate: float | Schedule = config.learning_rate
        if config.learning_rate_schedule == "linear":
            rate = LinearSchedule(config.learning_rate, 0.0, 1.0)
        return cls(
            BackboneQPolicy,
            env,
            double=config.double,
            huber_delta=config.huber_delta,
            learning_rate=rate,
            buffer_size=config.buffer_size,
            learning_starts=config.learning_starts,
            batch_size=config.batch_size,
            tau=config.tau,
            gamma=config.gamma,
            train_freq=config.train_freq,
            gradient_steps=config.gradient_steps,
            target_update_interval=config.target_update_interval,
            exploration_fraction=config.exploration_fraction,
            exploration_initial_eps=config.exploration_initial_eps,
            exploration_final_eps=config.exploration_final_eps,
            max_grad_norm=config.max_grad_norm,
            n_steps=config.n_steps,
            optimize_memory_usage=config.optimize_memory,
            policy_kwargs={"net": config.net, "dueling": config.dueling},
            seed=seed,
            device=choose_device(device, config.net),
            **stable,
        )

    def _setup_model(self) -> None:
        self._update_sums = torch.zeros(len(_UPDATE_NAMES), device=self.device)  # since the last log line
        self._update_count = 0
        super()._setup_model()
        # Kept: walking through the modules for them would cost a tenth of a gradient step.
        self._online: list[Tensor] = list(self.q_net.parameters())
        self._target: list[Tensor] = list(self.q_net_target.parameters())

    # ---- acting

    def act(self, obs: ObsArray, deterministic: bool = True) -> np.ndarray:
        """Actions (N,) int64 for a batch of observations (N, ...): greedy, or epsilon-greedy."""
        self.policy.set_training_mode(False)
        return self._act(obs, 0.0 if deterministic else self.exploration_rate)

    def predict(
        self,
        observation: np.ndarray | dict[str, np.ndarray],
        state: tuple[np.ndarray, ...] | None = None,
        episode_start: np.ndarray | None = None,
        deterministic: bool = False,
    ) -> tuple[np.ndarray, tuple[np.ndarray, ...] | None]:
        """SB3's predict, for one observation or a batch; legal actions only."""
        batch, vectorized = self.policy.obs_to_tensor(observation)  # adds the batch axis, transposes images
        actions = self.act(to_arrays(batch), deterministic)
        return (actions if vectorized else actions[0]), state

    def _act(self, obs: ObsArray, epsilon: float) -> np.ndarray:
        """Epsilon-greedy, decided for each row."""
        if epsilon <= 0.0:
            return self._greedy(obs)
        count = batch_size(obs)
        explores = self._rng.random(count) < epsilon
        if not explores.any():
            return self._greedy(obs)
        random = self._random_legal(obs, count)
        return random if explores.all() else np.where(explores, random, self._greedy(obs))

    @torch.no_grad()
    def _greedy(self, obs: ObsArray) -> np.ndarray:
        batch = to_tensors(obs, self.device)
        return greedy(self.q_net(batch), batch).cpu().numpy()

    def _random_legal(self, obs: ObsArray, count: int) -> np.ndarray:
        """Uniform over the legal actions; 0 where there is none."""
        actions = int(cast(spaces.Discrete, self.action_space).n)
        if not (isinstance(obs, Mapping) and ACTION_MASK in obs):
            return self._rng.integers(0, actions, count)
        keys = 1.0 - self._rng.random((count, actions))  # in (0, 1]: every legal action beats an illegal 0
        return np.where(np.asarray(obs[ACTION_MASK]) != 0, keys, 0.0).argmax(1)

    def _sample_action(
        self, learning_starts: int, action_noise: Any = None, n_envs: int = 1
    ) -> tuple[np.ndarray, np.ndarray]:
        obs = cast(ObsArray, self._last_obs)
        if self.num_timesteps < learning_starts:
            actions = self._random_legal(obs, n_envs)
        else:
            actions = self._act(obs, self.exploration_schedule(self._current_progress_remaining))
        return actions, actions

    def _observe(self, batches: list[ObsArray]) -> None:
        if isinstance(self.policy, BackboneQPolicy):
            self.policy.update_statistics(to_tensors(concatenate(batches), self.device))

    def _on_step(self) -> None:
        self._n_calls += 1
        if self._n_calls % max(self.target_update_interval // self.n_envs, 1) == 0:
            polyak_(self._online, self._target, self.tau)
            polyak_(self.batch_norm_stats, self.batch_norm_stats_target, 1.0)
        self.exploration_rate = self.exploration_schedule(self._current_progress_remaining)

    # ---- learning

    def train(self, gradient_steps: int, batch_size: int = 100) -> None:
        """Makes `gradient_steps` gradient steps on batches from the replay memory."""
        if gradient_steps == 0:
            return
        self.clock.enter("update")
        self.policy.set_training_mode(True)
        self._update_learning_rate(self.policy.optimizer)
        for block in self._blocks(gradient_steps, batch_size):
            with torch.no_grad():
                next_q = self.q_net_target(block.next_obs)  # (K*B, A): fixed during this update
            steps = [
                self._gradient_step(block.part(start, start + batch_size), next_q[start : start + batch_size])
                for start in range(0, len(block.rewards), batch_size)
            ]
            self._count_update(steps)
        self._n_updates += gradient_steps
        self.clock.enter("other")

    def _gradient_step(self, batch: Transitions, next_q: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """One step of the optimizer; next_q (B, A) is of the target network.

        Returns the loss (), the gradient's norm before clipping (), Q and its target (B,).
        """
        with torch.no_grad():
            chooser_q = self.q_net(batch.next_obs) if self.double else next_q  # (B, A)
            target = td_targets(batch.rewards, batch.discounts, next_q, chooser_q, batch.next_obs)  # (B,)
        q = self.q_net(batch.obs).gather(1, batch.actions[:, None])[:, 0]  # (B,)
        loss = F.huber_loss(q, target, delta=self.huber_delta)
        gradients = list(torch.autograd.grad(loss, self._online))
        norm = clip_norm_(gradients, self.max_grad_norm)
        if isinstance(self.policy.optimizer, LeanAdam):
            self.policy.optimizer.apply(gradients)
        else:
            for parameter, gradient in zip(self._online, gradients, strict=True):
                parameter.grad = gradient
            self.policy.optimizer.step()
        return loss.detach(), norm, q.detach(), target

    def _count_update(self, steps: list[tuple[Tensor, Tensor, Tensor, Tensor]]) -> None:
        """Adds what the gradient steps returned to the sums since the last log line, on the device."""
        losses, norms, values, targets = zip(*steps, strict=True)
        q, target = torch.cat(values), torch.cat(targets)  # (K*B,)
        logged = (torch.stack(losses), q, target, (q - target).abs(), torch.stack(norms))
        self._update_sums += torch.stack([x.mean() for x in logged]) * len(steps)
        self._update_count += len(steps)

    def _update_entries(self) -> dict[str, float]:
        entries = {"rollout/exploration_rate": self.exploration_rate}
        if self._update_count:
            means = (self._update_sums / self._update_count).tolist()
            entries |= {f"train/{name}": mean for name, mean in zip(_UPDATE_NAMES, means, strict=True)}
        self._update_sums.zero_()
        self._update_count = 0
        return entries

    # ---- exact resume

    def snapshot(self) -> Snapshot:
        """Everything that decides how the training goes on (see `OffPolicyAgent`)."""
        snapshot = super().snapshot()
        snapshot.state["n_calls"] = np.array(self._n_calls)
        # Of the gradient steps that no log line has shown yet.
        snapshot.state["update_sums"] = self._update_sums.cpu().numpy().copy()
        snapshot.state["update_count"] = np.array(self._update_count)
        return snapshot

    def restore(self, snapshot: Snapshot) -> None:
        """Becomes the agent that `snapshot` was taken of; go on by learn(..., reset_num_timesteps=False)."""
        super().restore(snapshot)
        self._n_calls = int(snapshot.state["n_calls"])
        self._update_sums.copy_(torch.from_numpy(snapshot.state["update_sums"]))
        self._update_count = int(snapshot.state["update_count"])
        self.exploration_rate = self.exploration_schedule(self._current_progress_remaining)
