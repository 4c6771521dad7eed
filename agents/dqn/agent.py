"""DQN with double Q-learning, action masks and batched environments.

Sources: Mnih et al. 2015 (DQN), van Hasselt et al. 2016 (double Q-learning), Sutton 1988 (n-step returns),
Wang et al. 2016 (dueling head). The update is Stable-Baselines3's, to which tests hold it; what is different:

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

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import torch
from annotated_types import Ge, Gt, Interval
from gymnasium import spaces
from torch import Tensor
from torch.nn import functional as F

from quadrivium.agents.batches.env_batch import as_batch
from quadrivium.agents.batches.observations import (
    Obs,
    ObsArray,
    batch_size,
    concatenate,
    rows_of,
    to_tensors,
)
from quadrivium.agents.compute.adam import LeanAdam
from quadrivium.agents.compute.devices import choose_device
from quadrivium.agents.compute.foreach import clip_norm_, polyak_
from quadrivium.agents.compute.seeds import seed_everything
from quadrivium.agents.dqn.policy import ACTION_MASK, QNetworks, greedy, legal_values
from quadrivium.agents.dqn.replay import Replay, Transitions
from quadrivium.agents.nets import NetConfig
from quadrivium.agents.runs.state import under
from quadrivium.agents.training.hooks import Hooks
from quadrivium.agents.training.schedules import Schedule, linear, schedule
from quadrivium.agents.training.vector_agent import VectorAgent

_BLOCK_ROWS = 4096  # transitions gathered at once: more is no faster, and the activations leave the cache
_BLOCK_BYTES = 64 << 20  # of observations; keeps a block of large ones in bounds
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

    def __post_init__(self) -> None:
        self.net.refuse_memory("dqn", "it learns from single transitions")


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


class DQN(VectorAgent):
    """Deep Q-learning on a batch of environments.

    Args:
        config: hyper-parameters.
        env: a SAME_STEP gymnasium VectorEnv, an `EnvBatch`, or what acts like one; None: it only acts.
        seed: of weights, exploration, sampling and environments.
        device: "cpu", "cuda", or "auto" (`choose_device`).
        policy: networks with the attributes of `QNetworks`, on the device; None: these with fresh weights.
        optimizer: of the parameters of such a policy's `q_net`.
        replay: the replay memory, a `Replay` or what acts like one; None: a `Replay`.
        num_envs: where there is no `env`.
        window: episodes that the log's mean return is at least of.
    """

    generator: np.random.Generator
    counters = (
        *("iterations", "n_updates", "episodes", "logged", "calls", "exploration_rate"),
        "_update_count",
    )

    def __init__(
        self,
        config: DQNConfig,
        env: Any,
        *,
        seed: int | None,
        device: torch.device | str = "auto",
        policy: Any = None,
        optimizer: torch.optim.Optimizer | None = None,
        replay: Any = None,
        num_envs: int = 1,
        window: int = 100,
    ) -> None:
        env, device = as_batch(env), torch.device(choose_device(device, config.net))
        num_envs = num_envs if env is None else env.num_envs
        if policy is None:
            assert env is not None, "fresh networks are made for the spaces of an env; give one"
            seed_everything(seed, env)
            policy = QNetworks(env.observation_space, env.action_space, config.net, config.dueling).to(device)
        if optimizer is None:
            optimizer = LeanAdam(policy.q_net.parameters(), lr=config.learning_rate)
        super().__init__(policy, optimizer, env, num_envs, np.random.default_rng(seed), device, window)
        self.config, self.replay_buffer = config, replay
        if replay is None:
            self.replay_buffer = make_replay(config, policy.observation_space, num_envs, device)
        self.actions = int(policy.action_space.n)
        self.learning_rate: Schedule = schedule(config.learning_rate, config.learning_rate_schedule)
        self.exploration: Schedule = linear(
            config.exploration_initial_eps, config.exploration_final_eps, config.exploration_fraction
        )
        self.exploration_rate = 0.0  # of `act` where it is not deterministic
        self.episodes = 0  # that ended
        self.logged = 0  # episodes at the last log line
        self.calls = 0  # to step
        self._collected = 0  # transitions of the newest iteration
        self._update_sums = torch.zeros(len(_UPDATE_NAMES), device=device)  # since the last log line
        self._update_count = 0
        self._last_rate = self.learning_rate(1.0)
        # Kept: walking through the modules for them would cost a tenth of a gradient step.
        self._online, self._target = (list(net.parameters()) for net in (policy.q_net, policy.q_net_target))
        self._online_moments, self._target_moments = (  # of batch normalisation
            [buffer for name, buffer in net.named_buffers() if "running_" in name]
            for net in (policy.q_net, policy.q_net_target)
        )

    # ---- acting

    def act(self, obs: ObsArray, deterministic: bool = True) -> np.ndarray:
        """Returns actions (N,) int64 for a batch of observations (N, ...): greedy, or epsilon-greedy."""
        self.policy.train(False)
        return self._act(obs, 0.0 if deterministic else self.exploration_rate)

    def _act(self, obs: ObsArray, epsilon: float) -> np.ndarray:
        """Epsilon-greedy, decided for each row."""
        if epsilon <= 0.0:
            return self._greedy(obs)
        count = batch_size(obs)
        explores = self.generator.random(count) < epsilon
        if not explores.any():
            return self._greedy(obs)
        random = self._random_legal(obs, count)
        return random if explores.all() else np.where(explores, random, self._greedy(obs))

    @torch.no_grad()
    def _greedy(self, obs: ObsArray) -> np.ndarray:
        batch = to_tensors(obs, self.device)
        return greedy(self.policy.q_net(batch), batch).cpu().numpy()

    def _random_legal(self, obs: ObsArray, count: int) -> np.ndarray:
        """Uniform over the legal actions; 0 where there is none."""
        if not (isinstance(obs, Mapping) and ACTION_MASK in obs):
            return self.generator.integers(0, self.actions, count)
        # In (0, 1]: every legal action beats an illegal 0.
        keys = 1.0 - self.generator.random((count, self.actions))
        return np.where(np.asarray(obs[ACTION_MASK]) != 0, keys, 0.0).argmax(1)

    def explore(self, remaining: float) -> np.ndarray:
        """Returns the actions (N,) of the next step; remaining: of the training, 1 to 0."""
        if self.num_timesteps < self.config.learning_starts:
            return self._random_legal(self.obs, self.num_envs)
        return self._act(self.obs, self.exploration(remaining))

    # ---- collecting

    def reset_counters(self) -> None:
        """Counts from 0 again."""
        super().reset_counters()
        self.episodes = self.logged = 0

    def after_reset(self) -> None:
        """Called when the environments were reset, which cut the running episodes."""
        super().after_reset()
        self.replay_buffer.end_episodes()

    def collects_more(self, steps: int, episodes: int) -> bool:
        """Returns whether an iteration goes on after so many calls to step and ended episodes."""
        return steps < self.config.train_freq

    def collect(self, hooks: Hooks, end: int) -> bool:
        """Takes `train_freq` steps in the environments into the replay memory; False if a hook stopped it."""
        self.policy.train(False)
        hooks.on_rollout_start()
        seen: list[ObsArray] = []
        episodes = self._collected = 0
        while self.collects_more(len(seen), episodes):
            self.clock.enter("network")
            obs, actions = self.obs, self.explore(1 - self.progress(end))
            step = self.step(actions)
            self.replay_buffer.add_step(obs, actions, step)
            seen.append(obs if step.acted is None else rows_of(obs, step.acted))
            self._collected += self.num_envs if step.acted is None else int(step.acted.sum())
            ended = int(step.done.sum())
            episodes += ended
            self.episodes += ended
            self._follow()
            self.exploration_rate = self.exploration(1 - self.progress(end))
            # SB3 calls back before it stores; here the step is complete, so that stopping loses nothing.
            if not hooks.on_step(step):
                return False
        self.policy.update_statistics(to_tensors(concatenate(seen), self.device))
        hooks.on_rollout_end()
        return True

    def _follow(self) -> None:
        """Lets the target network follow after each `target_update_interval` transitions."""
        self.calls += 1
        if self.calls % max(self.config.target_update_interval // self.num_envs, 1) == 0:
            polyak_(self._online, self._target, self.config.tau)
            polyak_(self._online_moments, self._target_moments, 1.0)

    # ---- learning

    def update(self, end: int) -> None:
        """Makes the gradient steps that are due."""
        if self.num_timesteps > self.config.learning_starts:
            due = self.config.gradient_steps
            self.train(due if due >= 0 else self._collected, 1 - self.progress(end))

    def train(self, gradient_steps: int, remaining: float) -> None:
        """Makes `gradient_steps` gradient steps on batches from the replay memory."""
        if gradient_steps == 0:
            return
        self.clock.enter("update")
        self.policy.train(True)
        self._last_rate, size = self.learning_rate(remaining), self.config.batch_size
        for group in self.optimizer.param_groups:
            group["lr"] = self._last_rate
        for block in self._blocks(gradient_steps, size):
            with torch.no_grad():
                next_q = self.policy.q_net_target(block.next_obs)  # (K*B, A): fixed during this update
            steps = [
                self._gradient_step(block.part(start, start + size), next_q[start : start + size])
                for start in range(0, len(block.rewards), size)
            ]
            self._count_update(steps)
        self.n_updates += gradient_steps
        self.clock.enter("other")

    def _blocks(self, gradient_steps: int, batch_size: int) -> Iterator[Transitions]:
        """Whole batches for all gradient steps, several at a time."""
        replay = self.replay_buffer
        numbers = replay.draw(self.generator, gradient_steps * batch_size)
        rows = min(_BLOCK_ROWS, _BLOCK_BYTES // max(replay.obs_bytes, 1))
        rows = max(rows // batch_size, 1) * batch_size
        for start in range(0, len(numbers), rows):
            yield replay.gather(numbers[start : start + rows])

    def _gradient_step(self, batch: Transitions, next_q: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """One step of the optimizer; next_q (B, A) is of the target network.

        Returns the loss (), the gradient's norm before clipping (), Q and its target (B,).
        """
        with torch.no_grad():
            chooser_q = self.policy.q_net(batch.next_obs) if self.config.double else next_q  # (B, A)
            target = td_targets(batch.rewards, batch.discounts, next_q, chooser_q, batch.next_obs)  # (B,)
        q = self.policy.q_net(batch.obs).gather(1, batch.actions[:, None])[:, 0]  # (B,)
        loss = F.huber_loss(q, target, delta=self.config.huber_delta)
        gradients = list(torch.autograd.grad(loss, self._online))
        norm = clip_norm_(gradients, self.config.max_grad_norm)
        self.descend(self._online, gradients)
        return loss.detach(), norm, q.detach(), target

    def _count_update(self, steps: list[tuple[Tensor, Tensor, Tensor, Tensor]]) -> None:
        """Adds what the gradient steps returned to the sums since the last log line, on the device."""
        losses, norms, values, targets = zip(*steps, strict=True)
        q, target = torch.cat(values), torch.cat(targets)  # (K*B,)
        logged = (torch.stack(losses), q, target, (q - target).abs(), torch.stack(norms))
        self._update_sums += torch.stack([x.mean() for x in logged]) * len(steps)
        self._update_count += len(steps)

    # ---- the log

    def line_is_due(self, log_interval: int) -> bool:
        """Returns whether `log_interval` episodes ended since the last line, or one a lane if more."""
        return self.episodes - self.logged >= max(log_interval, self.num_envs)

    def update_summary(self) -> dict[str, float]:
        """Returns means over the gradient steps since the last call."""
        self.logged = self.episodes
        entries = {
            "rollout/exploration_rate": self.exploration_rate,
            "train/replay_size": len(self.replay_buffer),
        }
        if self._update_count:
            means = (self._update_sums / self._update_count).tolist()
            entries |= {f"train/{name}": mean for name, mean in zip(_UPDATE_NAMES, means, strict=True)}
            entries["train/learning_rate"] = self._last_rate
        self._update_sums.zero_()
        self._update_count = 0
        return entries

    # ---- exact resume

    def own_state(self) -> dict[str, np.ndarray]:
        """Returns the replay memory, and the sums of the gradient steps that no log line has shown yet."""
        state = {f"replay/{name}": array for name, array in self.replay_buffer.state().items()}
        return state | {"update_sums": self._update_sums.cpu().numpy().copy()}

    def load_own_state(self, state: dict[str, np.ndarray]) -> None:
        """Takes back what `own_state` returned."""
        self.replay_buffer.load_state(under("replay/", state))
        self._update_sums.copy_(torch.from_numpy(state["update_sums"]))


def make_replay(config: DQNConfig, space: spaces.Space, num_envs: int, device: torch.device) -> Replay:
    """Returns an empty replay memory."""
    return Replay(
        config.buffer_size,
        space,
        num_envs,
        device=device,
        gamma=config.gamma,
        n_step=config.n_steps,
        optimize_memory=config.optimize_memory,
    )
