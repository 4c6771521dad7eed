"""What on-policy agents share: acting, collecting from batched environments, the loop, the snapshot."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from typing import Any, Self

import numpy as np
import torch
from gymnasium import spaces
from gymnasium.vector import VectorEnv
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from stable_baselines3.common.type_aliases import MaybeCallback
from stable_baselines3.common.utils import safe_mean
from stable_baselines3.common.vec_env import VecEnv
from torch import Tensor

from quadrivium.agents.batches.observations import to_tensors
from quadrivium.agents.batches.vec_env import BatchedVecEnv, LazyInfos, Obs, batch_step
from quadrivium.agents.compute.crew import Crew, blocks, one_torch_thread
from quadrivium.agents.compute.devices import Bf16, autocast
from quadrivium.agents.ppo.policy import ActorCritic
from quadrivium.agents.ppo.rollout import RolloutBuffer, TensorObs, rows_of
from quadrivium.agents.runs.checkpoint import Snapshot
from quadrivium.agents.runs.start import ENV_ROWS
from quadrivium.agents.runs.state import (
    capture_rng,
    optimizer_from_tensors,
    optimizer_to_tensors,
    restore_rng,
    under,
)
from quadrivium.agents.training.batch_episodes import BatchEpisodes
from quadrivium.agents.training.hooks import iteration_end, iteration_logged
from quadrivium.agents.training.phases import PhaseClock
from quadrivium.agents.training.saving import SavesWithoutPickle

_DEVICE_ROWS = 4096  # of observations at once: enough for any accelerator, few enough for its memory


class OnPolicyAgent(SavesWithoutPickle, OnPolicyAlgorithm):  # pyright: ignore[reportIncompatibleMethodOverride]
    """Replaces how Stable-Baselines3's on-policy algorithms collect, log, save and stop; `train` is theirs.

    Put it before the algorithm: `class PPO(OnPolicyAgent, stable_baselines3.PPO)`.
    """

    rollout_buffer: RolloutBuffer  # pyright: ignore[reportIncompatibleVariableOverride]
    bf16: Bf16 = False

    @staticmethod
    def _wrap_env(env: Any, verbose: int = 0, monitor_wrapper: bool = True) -> VecEnv:
        if isinstance(env, VectorEnv):
            env = BatchedVecEnv(env)
        if isinstance(env, BatchedVecEnv):
            return env  # SB3 would transpose uint8 grids; here rank 3 is (C, H, W) already
        return OnPolicyAlgorithm._wrap_env(env, verbose, monitor_wrapper)

    def _setup_model(self) -> None:
        self.rollout_buffer_class = RolloutBuffer  # pyright: ignore[reportAttributeAccessIssue]
        with one_torch_thread():  # the last bits of the first weights would depend on how many there are
            super()._setup_model()
        self.generator = torch.Generator(self.device)
        self.generator.manual_seed(torch.initial_seed() if self.seed is None else self.seed)
        self.statistics = BatchEpisodes(self.n_envs, self._stats_window_size)
        self.clock = PhaseClock()
        self._iterations = 0
        self.crew = Crew(1)  # in `learn` it has helpers

    def _is_divisible(self) -> bool:
        """Returns whether the network's work comes in pieces for the crew; else torch's threads do it."""
        return isinstance(self.policy, ActorCritic) and self.device.type == "cpu"

    def _autocast(self) -> Any:
        return autocast(self.device, self.bf16)

    # ---- acting

    def act(self, obs: Obs, deterministic: bool = True) -> np.ndarray:
        """Returns actions (N, ...) for observations (N, ...), clipped to the action space, for any N.

        Stochastic, it draws from torch's global generator, so that evaluating does not disturb training.
        """
        with torch.no_grad(), self._autocast():
            tensors = to_tensors(obs, self.device)
            if isinstance(self.policy, ActorCritic):
                policy = self.policy
                (out,) = self._by_rows(lambda rows: (policy.actor_outputs(rows),), tensors)
                actions = policy.choose(out, deterministic)
            else:
                actions = self.policy._predict(tensors, deterministic=deterministic)  # pyright: ignore
        return self._env_actions(actions)

    def _by_rows(
        self, function: Callable[[TensorObs], tuple[Tensor, ...]], obs: TensorObs
    ) -> tuple[Tensor, ...]:
        """Returns what `function` does of observations (N, ...), without gradients, in the crew's pieces."""
        assert isinstance(self.policy, ActorCritic)

        def piece(part: slice) -> tuple[Tensor, ...]:
            with torch.no_grad(), self._autocast():  # of the thread that does it
                return function(rows_of(obs, part))

        count = len(next(iter(obs.values()))) if isinstance(obs, dict) else len(obs)
        rows = self.policy.forward_rows if self.device.type == "cpu" else _DEVICE_ROWS
        done = self.crew.run([partial(piece, part) for part in blocks(count, rows)])
        return done[0] if len(done) == 1 else tuple(torch.cat(column) for column in zip(*done, strict=True))

    def _env_actions(self, actions: Tensor) -> np.ndarray:
        array = actions.cpu().numpy()
        if isinstance(self.action_space, spaces.Box):
            if self.policy.squash_output:
                return self.policy.unscale_action(array)
            return np.clip(array, self.action_space.low, self.action_space.high)
        return array.reshape(-1, *(self.action_space.shape or ()))

    def _policy_step(self, obs: TensorObs) -> tuple[Tensor, Tensor | None, Tensor]:
        """Returns actions (N, ...), values (N, 1) or None (see `_late_values`), log-probabilities (N,)."""
        policy = self.policy
        if not isinstance(policy, ActorCritic):
            return policy(obs)
        values = None
        if policy.separate_critic:
            (out,) = self._by_rows(lambda rows: (policy.actor_outputs(rows),), obs)
        else:
            out, values = self._by_rows(policy.outputs, obs)
        actions, log_probs = policy.sample(out, self.generator)
        return actions, values, log_probs

    def _late_values(self, rollout: RolloutBuffer) -> None:
        """Values the whole rollout: a critic of its own costs less in a few large batches than every step."""
        policy = self.policy
        if isinstance(policy, ActorCritic) and policy.separate_critic:
            (values,) = self._by_rows(lambda rows: (policy.predict_values(rows),), rollout.flat().obs)
            rollout.values.copy_(values.view_as(rollout.values))

    # ---- collecting

    @torch.no_grad()
    def _warm_statistics(self) -> None:
        """Plays a rollout at random for the statistics of the inputs, and starts the environments anew.

        Else the first rollout would be acted on raw inputs, and all later ones on others. Its steps are not
        counted. Source: Burda et al. 2018 (RND), section 2.4.
        """
        env, policy, rollout = self.env, self.policy, self.rollout_buffer
        assert env is not None
        if not (isinstance(policy, ActorCritic) and policy.lacks_statistics()):
            return
        rollout.reset()
        even = torch.zeros((env.num_envs, policy.distribution.outputs), device=self.device)
        for _ in range(rollout.buffer_size):
            out = policy.masked_outputs(even, rollout.put_obs(self._last_obs))  # pyright: ignore
            actions, log_probs = policy.sample(out, self.generator)
            step, _ = batch_step(env, self._env_actions(actions))
            rollout.add(actions, None, log_probs, step.rewards, step.done)
            self._last_obs = step.obs  # pyright: ignore[reportAttributeAccessIssue]
        policy.update_statistics(rollout.flat().obs)
        if self.seed is not None:
            env.seed(self.seed)  # the training plays what it would have played without this
        self._last_obs = env.reset()  # pyright: ignore[reportAttributeAccessIssue]

    @torch.no_grad()
    def collect_rollouts(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, env: VecEnv, callback: BaseCallback, rollout_buffer: RolloutBuffer, n_rollout_steps: int
    ) -> bool:
        """Fills the buffer with `n_rollout_steps` steps of every environment; False if a callback stopped."""
        assert self._last_obs is not None
        self.policy.set_training_mode(False)
        rollout_buffer.reset()
        if self.use_sde:
            self.policy.reset_noise(env.num_envs)
        callback.on_rollout_start()

        for n_steps in range(n_rollout_steps):
            if self.use_sde and self.sde_sample_freq > 0 and n_steps % self.sde_sample_freq == 0:
                self.policy.reset_noise(env.num_envs)
            self.clock.enter("network")
            obs = rollout_buffer.put_obs(self._last_obs)
            with self._autocast():
                actions, values, log_probs = self._policy_step(obs)
            env_actions = self._env_actions(actions)

            self.clock.enter("env")
            step, infos = batch_step(env, env_actions)

            self.clock.enter("other")
            self.num_timesteps += env.num_envs
            self.statistics.add(step)
            if infos is None:
                infos = LazyInfos(step)
            else:
                self._update_info_buffer(infos, step.done)
            callback.update_locals(
                {"new_obs": step.obs, "rewards": step.rewards, "dones": step.done, "infos": infos}
            )
            if not callback.on_step():
                return False
            if step.truncated.any():
                rollout_buffer.mark_truncated(np.flatnonzero(step.truncated), step.final_obs)
            rollout_buffer.add(actions, values, log_probs, step.rewards, step.done)
            self._last_obs = step.obs  # pyright: ignore[reportAttributeAccessIssue]
            self._last_episode_starts = step.done

        self.clock.enter("network")
        self._late_values(rollout_buffer)
        self._bootstrap(rollout_buffer)
        with self._autocast():
            last_obs = to_tensors(self._last_obs, self.device)  # pyright: ignore[reportArgumentType]
            last_values = self.policy.predict_values(last_obs).flatten()  # (N,)
        rollout_buffer.finish(last_values)
        self.clock.enter("other")
        callback.on_rollout_end()
        return True

    def _bootstrap(self, rollout: RolloutBuffer) -> None:
        """Adds γ V(last observation) to the reward of truncated steps: the episode would have gone on.

        Source: Pardo et al. 2018. One forward for all of the rollout's truncations.
        """
        found = rollout.truncated()
        if found is None:
            return
        steps, rows, final_obs = found
        with self._autocast():
            values = self.policy.predict_values(final_obs).flatten()  # (K,)
        rollout.rewards[steps, rows] += self.gamma * values

    # ---- the loop

    def learn(
        self,
        total_timesteps: int,
        callback: MaybeCallback = None,
        log_interval: int | None = 1,
        tb_log_name: str = "run",
        reset_num_timesteps: bool = True,
        progress_bar: bool = False,
    ) -> Self:
        """Trains for `total_timesteps` environment steps (rounded up to whole iterations).

        An iteration is: collect, update, `IterationCallback.on_iteration_end`, the log, `on_iteration_logged`
        (`quadrivium.agents.training.hooks`); between iterations `snapshot()` is exact. Every `log_interval`
        iterations there is a log line: of the episodes since the last one, and of the iteration's own update
        (SB3 writes that an iteration late).

        After `restore`, continue with `learn(total - agent.num_timesteps, reset_num_timesteps=False)`.

        On the CPU a crew of `torch.get_num_threads()` threads shares the work of an `ActorCritic`, and torch
        has one thread meanwhile; what comes out is the same for any number of them.
        """
        fresh = reset_num_timesteps or self._last_obs is None
        total_timesteps, callback = self._setup_learn(
            total_timesteps, callback, reset_num_timesteps, tb_log_name, progress_bar
        )
        assert self.env is not None
        if fresh:
            self.statistics.reset()
            with one_torch_thread():  # the last bits of sums depend on how many there are
                self._warm_statistics()
        if reset_num_timesteps:
            self._iterations = 0
        callback.on_training_start(locals(), globals())
        self.clock = PhaseClock(self.num_timesteps)
        with Crew() if self._is_divisible() else nullcontext(Crew(1)) as self.crew:
            self._iterate(total_timesteps, callback, log_interval)
        self.crew = Crew(1)
        callback.on_training_end()
        return self

    def _iterate(self, total_timesteps: int, callback: BaseCallback, log_interval: int | None) -> None:
        assert self.env is not None
        while self.num_timesteps < total_timesteps:
            if not self.collect_rollouts(self.env, callback, self.rollout_buffer, self.n_steps):
                return
            self._iterations += 1
            self._update_current_progress_remaining(self.num_timesteps, total_timesteps)
            self.train()
            due = log_interval is not None and self._iterations % log_interval == 0
            if due or log_interval is None:  # without a log the statistics must not pile up either
                self._record_rollout()
            proceed = iteration_end(callback)
            if due:
                self.dump_logs(self._iterations)
            if not (iteration_logged(callback) and proceed):
                return

    def _record_rollout(self) -> None:
        entries = self.statistics.summary()
        assert self.ep_info_buffer is not None
        if isinstance(self.env, BatchedVecEnv):
            self.ep_info_buffer.extend(self.statistics.recent(self._stats_window_size))
        elif self.ep_info_buffer:  # a Monitor knows the return before any wrapper scaled it
            entries["rollout/ep_rew_mean"] = safe_mean([info["r"] for info in self.ep_info_buffer])
            entries["rollout/ep_len_mean"] = safe_mean([info["l"] for info in self.ep_info_buffer])
        if self.ep_success_buffer:
            entries["rollout/success_rate"] = safe_mean(list(self.ep_success_buffer))
        entries |= self.clock.collect(self.num_timesteps)
        for name, value in entries.items():
            self.logger.record(name, value)

    def dump_logs(self, iteration: int = 0) -> None:
        """Writes what was recorded, under the number of environment steps."""
        self.logger.record("time/iterations", iteration, exclude="tensorboard")
        self.logger.record("time/total_timesteps", self.num_timesteps, exclude="tensorboard")
        self.logger.dump(step=self.num_timesteps)

    # ---- exact resume

    def snapshot(self) -> Snapshot:
        """Returns everything that decides how the training goes on; call it between iterations."""
        state: dict[str, np.ndarray] = {
            "n_updates": np.array(self._n_updates),
            "iterations": np.array(self._iterations),
            **{f"episodes/{name}": array for name, array in self.statistics.state().items()},
        }
        if self._last_obs is not None:
            parts = self._last_obs if isinstance(self._last_obs, dict) else {"": self._last_obs}
            state |= {f"last_obs/{key}": np.array(part) for key, part in parts.items()}
            state["last_episode_starts"] = np.array(self._last_episode_starts)
        if isinstance(self.env, BatchedVecEnv) and self.env.supports_state:
            state[ENV_ROWS] = self.env.get_state()
        return Snapshot(
            step=self.num_timesteps,
            weights=self.policy.state_dict(),
            optimizer=optimizer_to_tensors(self.policy.optimizer),
            state=state,
            rng=capture_rng(agent=self.generator),
        )

    def restore(self, snapshot: Snapshot) -> None:
        """Puts the agent and its environments where `snapshot` was taken.

        Exact where the environment has `get_state` and `set_state`; any other starts new episodes,
        and so does a snapshot of another number of environments.
        """
        self.policy.load_state_dict(snapshot.weights)
        optimizer_from_tensors(self.policy.optimizer, snapshot.optimizer)
        restore_rng(snapshot.rng, agent=self.generator)
        state = snapshot.state
        self.num_timesteps = snapshot.step
        self._n_updates, self._iterations = int(state["n_updates"]), int(state["iterations"])
        rows, env = state.get(ENV_ROWS), self.env
        batched = env if isinstance(env, BatchedVecEnv) and env.supports_state else None
        if rows is None or batched is None or len(rows) != len(batched.get_state()):
            self._last_obs = None  # learn() resets the environments
            return
        batched.set_state(rows)
        last = under("last_obs/", state)
        self._last_obs = last if isinstance(self.observation_space, spaces.Dict) else last[""]  # pyright: ignore
        self._last_episode_starts = state["last_episode_starts"]
        self.statistics.load_state(under("episodes/", state))
