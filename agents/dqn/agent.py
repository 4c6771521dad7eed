"""DQN with double Q-learning, quantiles, priorities, action masks and batched environments.

Sources: Mnih et al. 2015 (DQN), van Hasselt et al. 2016 (double Q-learning), Sutton 1988 (n-step returns),
Wang et al. 2016 (dueling head), Schaul et al. 2016 (prioritised replay), Dabney et al. 2018 (quantiles); any
goes with any other. The update is Stable-Baselines3's, to which tests hold it; what is different:

1. All environments step, and all transitions are stored, as arrays; there is no loop over environments.
2. One draw gives the indices of all gradient steps that are due, and the target network, which does not
   change while they are made, sees their next observations in one pass. Priorities, where there are any, are
   those before the update: what its steps find out moves the draws of the next one.
3. Nothing is read back from the device until a log line is due, but errors where they are priorities.
4. Truncated episodes are bootstrapped from their last observation, terminated ones are not.
5. Exploration, greedy choice and targets respect `action_mask`.
6. Exploration is decided for each environment (SB3: one coin for all), with a generator of the agent's own.

How steps are counted (as in Stable-Baselines3): `total_timesteps`, `learning_starts` and `buffer_size` count
transitions, over all environments. `train_freq` counts calls to step, each of which gives `num_envs`
transitions: `gradient_steps` follow every train_freq * num_envs of them; -1 means one for each transition.
`target_update_interval` counts transitions, rounded down to whole calls (at least one).
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from torch import Tensor

from quadrivium.agents.batches.env_batch import as_batch
from quadrivium.agents.batches.observations import Obs, ObsArray, concatenate, rows_of, to_tensors
from quadrivium.agents.compute.adam import LeanAdam
from quadrivium.agents.compute.devices import choose_device
from quadrivium.agents.compute.foreach import clip_norm_, polyak_
from quadrivium.agents.compute.seeds import seed_everything
from quadrivium.agents.dqn.acting import QAgent, Step
from quadrivium.agents.dqn.config import DQNConfig
from quadrivium.agents.dqn.loss import mean_loss, of_actions, td_targets
from quadrivium.agents.dqn.policy import QNetworks
from quadrivium.agents.dqn.prioritized import PrioritizedReplay
from quadrivium.agents.dqn.replay import Replay, Transitions
from quadrivium.agents.nets.layers import learned
from quadrivium.agents.runs.state import under
from quadrivium.agents.training.hooks import Hooks
from quadrivium.agents.training.schedules import linear, schedule

_BLOCK_ROWS = 4096  # transitions gathered at once: more is no faster, and the activations leave the cache
_BLOCK_BYTES = 64 << 20  # of observations; keeps a block of large ones in bounds


class DQN(QAgent):
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

    counters = (*QAgent.counters, "episodes", "logged", "calls")

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
            spaces_of = env.observation_space, env.action_space
            policy = QNetworks(*spaces_of, config.net, config.dueling, config.quantiles).to(device)
        if optimizer is None:
            optimizer = LeanAdam(learned(policy.q_net), lr=config.learning_rate)
        super().__init__(
            *(policy, optimizer, env, num_envs, np.random.default_rng(seed), device, window),
            exploration=linear(
                config.exploration_initial_eps, config.exploration_final_eps, config.exploration_fraction
            ),
            learning_rate=schedule(config.learning_rate, config.learning_rate_schedule),
        )
        self.config, self.replay_buffer = config, replay
        if replay is None:
            self.replay_buffer = make_replay(config, policy.observation_space, num_envs, device)
        self.episodes = 0  # that ended
        self.logged = 0  # episodes at the last log line
        self.calls = 0  # to step
        self._collected = 0  # transitions of the newest iteration
        self._target: list[Tensor] = [*learned(policy.q_net_target)]
        self._online_moments, self._target_moments = (  # of batch normalisation
            [buffer for name, buffer in net.named_buffers() if "running_" in name]
            for net in (policy.q_net, policy.q_net_target)
        )

    # ---- acting

    def explore(self, remaining: float) -> np.ndarray:
        """Returns the actions (N,) of the next step; remaining: of the training, 1 to 0."""
        if self.num_timesteps < self.config.learning_starts:
            return self.random_legal(self.obs, self.num_envs)
        return self.explored(self.obs, self.exploration(remaining), lambda: self.greedy(self.obs))

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
        self.set_rate(remaining)
        size = self.config.batch_size
        for numbers, weights in self._blocks(gradient_steps, remaining):
            block = self.replay_buffer.gather(numbers)
            with torch.no_grad():
                next_said = self._say(self.policy.q_net_target, block.next_obs)  # (K*B, ...): fixed meanwhile
            steps: list[Step] = []
            for start in range(0, len(numbers), size):
                rows = slice(start, start + size)
                importance = None if weights is None else weights[rows]
                steps.append(self._gradient_step(block.part(rows), next_said[rows], importance))
            self.count_update(steps)
            if isinstance(self.replay_buffer, PrioritizedReplay):
                errors = torch.cat([(q - target).abs() for _, _, q, target in steps])
                self.replay_buffer.prioritize(numbers, errors.cpu().numpy())
        self.n_updates += gradient_steps
        self.clock.enter("other")

    def _blocks(self, gradient_steps: int, remaining: float) -> Iterator[tuple[np.ndarray, Tensor | None]]:
        """Yields numbers of transitions for all gradient steps, some whole batches at a time, and the weights
        (K*B,) of their importance, None where all are 1.
        """
        replay, size = self.replay_buffer, self.config.batch_size
        rows = min(_BLOCK_ROWS, _BLOCK_BYTES // max(replay.obs_bytes, 1))
        rows = max(rows // size, 1) * size
        numbers, weights = replay.draw(self.generator, gradient_steps * size), None
        if isinstance(replay, PrioritizedReplay):
            exponent = linear(self.config.importance_exponent, 1.0)(remaining)
            weights = replay.weights(numbers.reshape(-1, size), exponent).flatten()
        for start in range(0, len(numbers), rows):
            part = slice(start, start + rows)
            yield numbers[part], None if weights is None else weights[part]

    def _say(self, net: Any, obs: Obs) -> Tensor:
        """Returns Q (B, A), or the quantiles (B, A, K) of which it is the mean."""
        return net(obs) if self.config.quantiles is None else net.quantiles(obs)

    def _mean(self, said: Tensor) -> Tensor:
        """Returns Q of what was said, (B, A) or (B,)."""
        return said if self.config.quantiles is None else said.mean(-1)

    def _gradient_step(self, batch: Transitions, next_said: Tensor, weights: Tensor | None) -> Step:
        """One step of the optimizer; next_said (B, A, ...) is of the target network, weights (B,)."""
        with torch.no_grad():
            double = self.config.double
            chooser_q = self.policy.q_net(batch.next_obs) if double else self._mean(next_said)  # (B, A)
            target = td_targets(batch.rewards, batch.discounts, next_said, chooser_q, batch.next_obs)
        said = of_actions(self._say(self.policy.q_net, batch.obs), batch.actions)  # (B, ...), as the target
        loss = mean_loss(said, target, self.config.huber_delta, weights)
        gradients = list(torch.autograd.grad(loss, self._online))
        norm = clip_norm_(gradients, self.config.max_grad_norm)
        self.descend(self._online, gradients)
        return loss.detach(), norm, self._mean(said.detach()), self._mean(target)

    # ---- the log

    def line_is_due(self, log_interval: int) -> bool:
        """Returns whether `log_interval` episodes ended since the last line, or one a lane if more."""
        return self.episodes - self.logged >= max(log_interval, self.num_envs)

    def update_summary(self) -> dict[str, float]:
        """Returns means over the gradient steps since the last call."""
        self.logged = self.episodes
        return super().update_summary() | {"train/replay_size": len(self.replay_buffer)}

    # ---- exact resume

    def own_state(self) -> dict[str, np.ndarray]:
        """Returns the replay memory too."""
        state = {f"replay/{name}": array for name, array in self.replay_buffer.state().items()}
        return state | super().own_state()

    def load_own_state(self, state: dict[str, np.ndarray]) -> None:
        """Takes back what `own_state` returned."""
        self.replay_buffer.load_state(under("replay/", state))
        super().load_own_state(state)


def make_replay(config: DQNConfig, space: spaces.Space, num_envs: int, device: torch.device) -> Replay:
    """Returns an empty replay memory."""
    options: dict[str, Any] = {
        "device": device,
        "gamma": config.gamma,
        "n_step": config.n_steps,
        "optimize_memory": config.optimize_memory,
    }
    if config.priority_exponent == 0.0:
        return Replay(config.buffer_size, space, num_envs, **options)
    exponent = config.priority_exponent
    return PrioritizedReplay(config.buffer_size, space, num_envs, exponent=exponent, **options)
