"""What off-policy agents share: collecting from batched environments, the loop, the log, the snapshot."""

import zipfile
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self, cast

import numpy as np
from gymnasium.vector import VectorEnv
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm
from stable_baselines3.common.type_aliases import (
    MaybeCallback,
    ReplayBufferSamples,
    RolloutReturn,
    TrainFreq,
)
from stable_baselines3.common.utils import safe_mean, should_collect_more_steps
from stable_baselines3.common.vec_env import VecEnv

from quadrivium.agents.batches.observations import ObsArray
from quadrivium.agents.batches.vec_env import BatchedVecEnv, LazyInfos, batch_step
from quadrivium.agents.dqn.replay import Replay, Transitions
from quadrivium.agents.runs.agent_file import require_trust
from quadrivium.agents.runs.array_files import read_arrays, write_arrays
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

_BLOCK_ROWS = 4096  # transitions gathered at once: more is no faster, and the activations leave the cache
_BLOCK_BYTES = 64 << 20  # of observations; keeps a block of large ones in bounds


class OffPolicyAgent(SavesWithoutPickle, OffPolicyAlgorithm):  # pyright: ignore[reportIncompatibleMethodOverride]
    """Replaces how Stable-Baselines3's off-policy algorithms collect, store, log and save; `train` is theirs.

    Put it before the algorithm: `class DQN(OffPolicyAgent, stable_baselines3.DQN)`. With VecNormalize or a
    `replay_buffer_class` of the user's own, Stable-Baselines3's code collects and stores.
    """

    replay_buffer: Any  # Replay, or one of Stable-Baselines3's

    @staticmethod
    def _wrap_env(env: Any, verbose: int = 0, monitor_wrapper: bool = True) -> VecEnv:
        if isinstance(env, VectorEnv):
            env = BatchedVecEnv(env)
        if isinstance(env, BatchedVecEnv):
            return env  # SB3 would transpose uint8 grids; here rank 3 is (C, H, W) already
        return OffPolicyAlgorithm._wrap_env(env, verbose, monitor_wrapper)

    def _setup_model(self) -> None:
        self._rng = np.random.default_rng(self.seed)
        self.statistics = BatchEpisodes(self.n_envs, self._stats_window_size)
        self.clock = PhaseClock()
        self._logged = 0  # episodes at the last log line
        ours = self.replay_buffer_class is None and self._vec_normalize_env is None
        n_steps = self.n_steps
        if ours:
            self.replay_buffer = Replay(
                self.buffer_size,
                self.observation_space,
                self.n_envs,
                device=self.device,
                gamma=self.gamma,
                n_step=n_steps,
                optimize_memory=self.optimize_memory_usage,
            )
            # What follows checks these two against the limits of SB3's own buffers, which this one lacks.
            self.optimize_memory_usage = False
            self.n_steps = 1
        super()._setup_model()
        self.n_steps = n_steps

    def _setup_learn(self, *args: Any, **kwargs: Any) -> tuple[int, BaseCallback]:
        reset_counters = kwargs.get("reset_num_timesteps", args[2] if len(args) > 2 else True)
        if isinstance(self.replay_buffer, Replay) and (reset_counters or self._last_obs is None):
            self.replay_buffer.end_episodes()  # the environments are about to be reset
            self.statistics.reset()
        total, callback = super()._setup_learn(*args, **kwargs)
        self._update_current_progress_remaining(self.num_timesteps, self._total_timesteps)
        if reset_counters:
            self._logged = 0
        self.clock = PhaseClock(self.num_timesteps)
        return total, callback

    def learn(
        self,
        total_timesteps: int,
        callback: MaybeCallback = None,
        log_interval: int | None = 4,
        tb_log_name: str = "run",
        reset_num_timesteps: bool = True,
        progress_bar: bool = False,
    ) -> Self:
        """Trains until `total_timesteps` more transitions are seen (with reset_num_timesteps=False: more).

        An iteration is a collection and an update. A log line follows the first one after `log_interval`
        episodes, or after one episode an environment if that is more; and any in which a callback recorded
        something. `IterationCallback`s are called each iteration.
        """
        total_timesteps, callback = self._setup_learn(
            total_timesteps, callback, reset_num_timesteps, tb_log_name, progress_bar
        )
        callback.on_training_start(locals(), globals())
        env, train_freq = self.env, self.train_freq
        assert env is not None  # _setup_learn has reset it
        assert isinstance(train_freq, TrainFreq)  # _setup_model has converted it
        log_every = np.inf if log_interval is None else max(log_interval, self.n_envs)
        going = True
        while going and self.num_timesteps < total_timesteps:
            rollout = self.collect_rollouts(
                env, callback, train_freq, self.replay_buffer, learning_starts=self.learning_starts
            )
            if not rollout.continue_training:
                break
            if self.num_timesteps > self.learning_starts:
                due = self.gradient_steps if self.gradient_steps >= 0 else rollout.episode_timesteps
                self.train(due, self.batch_size)
            pending = len(self.logger.name_to_value)
            going = iteration_end(callback)
            recorded = len(self.logger.name_to_value) > pending
            if recorded or self._episode_num - self._logged >= log_every:
                self.dump_logs()
            going = iteration_logged(callback) and going
        callback.on_training_end()
        return self

    # ---- collecting

    def collect_rollouts(
        self,
        env: VecEnv,
        callback: BaseCallback,
        train_freq: TrainFreq,
        replay_buffer: Any,
        action_noise: Any = None,
        learning_starts: int = 0,
        log_interval: int | None = None,
    ) -> RolloutReturn:
        """Collects `train_freq` calls to step (or, with one environment, episodes) into the replay memory."""
        if not isinstance(replay_buffer, Replay):
            return super().collect_rollouts(
                env, callback, train_freq, replay_buffer, None, learning_starts, log_interval
            )
        self.policy.set_training_mode(False)
        callback.on_rollout_start()
        seen: list[ObsArray] = []
        steps = episodes = 0
        while should_collect_more_steps(train_freq, steps, episodes):
            obs = cast(ObsArray, self._last_obs)
            self.clock.enter("network")
            actions, _ = self._sample_action(learning_starts, None, env.num_envs)
            self.clock.enter("env")
            step, infos = batch_step(env, actions)
            self.clock.enter("other")
            replay_buffer.add_batch(
                obs, actions, step.rewards, step.terminated, step.truncated, step.obs, step.final_obs
            )
            self._last_obs = step.obs  # pyright: ignore[reportAttributeAccessIssue]
            seen.append(obs)
            self.statistics.add(step)
            if infos is None:
                infos = LazyInfos(step)
            else:
                self._update_info_buffer(infos, step.done)  # what Monitor measured, underneath any wrapper
            ended = int(step.done.sum())
            steps, episodes = steps + 1, episodes + ended
            self.num_timesteps += env.num_envs
            self._episode_num += ended
            self._update_current_progress_remaining(self.num_timesteps, self._total_timesteps)
            self._on_step()
            # SB3 calls back before it stores; here the step is complete, so that stopping loses nothing.
            callback.update_locals(
                {"new_obs": step.obs, "rewards": step.rewards, "dones": step.done, "infos": infos}
            )
            if not callback.on_step():
                return RolloutReturn(steps * env.num_envs, episodes, continue_training=False)
        self._observe(seen)
        callback.on_rollout_end()
        return RolloutReturn(steps * env.num_envs, episodes, continue_training=True)

    def _observe(self, batches: list[ObsArray]) -> None:
        """Called with the observations of each collection."""

    def _blocks(self, gradient_steps: int, batch_size: int) -> Iterator[Transitions]:
        """Whole batches for all gradient steps, several at a time."""
        replay = self.replay_buffer
        if not isinstance(replay, Replay):
            for _ in range(gradient_steps):
                yield _from_stable(replay.sample(batch_size, env=self._vec_normalize_env), self.gamma)
            return
        numbers = replay.draw(self._rng, gradient_steps * batch_size)
        rows = min(_BLOCK_ROWS, _BLOCK_BYTES // max(replay.obs_bytes, 1))
        rows = max(rows // batch_size, 1) * batch_size
        for start in range(0, len(numbers), rows):
            yield replay.gather(numbers[start : start + rows])

    def dump_logs(self) -> None:
        """Writes a log line: means over the episodes and gradient steps since the last one."""
        entries = self.statistics.summary() | self.clock.collect(self.num_timesteps)
        recent = cast(deque[dict[str, float]], self.ep_info_buffer)
        if isinstance(self.env, BatchedVecEnv):
            recent.extend(self.statistics.recent(self._stats_window_size))
        elif recent:  # a Monitor knows the return before any wrapper scaled it
            entries["rollout/ep_rew_mean"] = safe_mean([info["r"] for info in recent])
            entries["rollout/ep_len_mean"] = safe_mean([info["l"] for info in recent])
        if self.ep_success_buffer:
            entries["rollout/success_rate"] = safe_mean(list(self.ep_success_buffer))
        if isinstance(self.replay_buffer, Replay):
            entries["train/replay_size"] = len(self.replay_buffer)
        entries |= self._update_entries()
        for name, value in entries.items():
            self.logger.record(name, value)
        self.logger.record("train/n_updates", self._n_updates, exclude="tensorboard")
        self.logger.record("time/total_timesteps", self.num_timesteps, exclude="tensorboard")
        self.logger.dump(step=self.num_timesteps)
        self._logged = self._episode_num

    def _update_entries(self) -> dict[str, float]:
        """Returns what the updates since the last log line are to be logged as."""
        return {}

    # ---- saving and resuming

    def settings(self) -> dict[str, Any]:
        """Returns the arguments that make such an agent, but for policy, environment and device."""
        replay, frequency = self.replay_buffer, self.train_freq
        assert isinstance(frequency, TrainFreq)  # _setup_model has converted it
        return super().settings() | {
            "train_freq": (frequency.frequency, frequency.unit.value),
            "optimize_memory_usage": isinstance(replay, Replay) and replay.optimize_memory,
        }

    def save_replay_buffer(self, path: str | Path) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Writes the replay memory as arrays; one of Stable-Baselines3's classes as its pickle."""
        if not isinstance(self.replay_buffer, Replay):
            super().save_replay_buffer(path)
            return
        with Path(path).open("wb") as file:
            write_arrays(file, self.replay_buffer.state())

    def load_replay_buffer(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, path: str | Path, truncate_last_traj: bool = True, *, trust_pickle: bool = False
    ) -> None:
        """Reads what `save_replay_buffer` wrote; a pickle of Stable-Baselines3 only with `trust_pickle`."""
        if not zipfile.is_zipfile(path):
            require_trust(path, trust_pickle)
            super().load_replay_buffer(path, truncate_last_traj)
            return
        self.replay_buffer.load_state(read_arrays(Path(path)))
        self.replay_buffer.end_episodes()  # those that were running are elsewhere

    def snapshot(self) -> Snapshot:
        """Everything that decides how the training goes on; call it between iterations, and save it at once.

        Its arrays share memory with the agent. Exact resume needs environments with get_state and set_state;
        with others the episodes that were running are given up and begin anew.

        Raises:
            ValueError: the replay memory is not `Replay`.
        """
        replay, env = self.replay_buffer, self.env
        if not isinstance(replay, Replay):
            raise ValueError(
                f"a replay memory of type {type(replay).__name__} cannot be saved exactly, expected Replay; "
                "leave out VecNormalize and replay_buffer_class"
            )
        counters = [
            self.num_timesteps,
            self._total_timesteps,
            self._n_updates,
            self._episode_num,
            self._logged,
        ]
        state = {
            "counters": np.array(counters, np.int64),
            **{f"replay/{name}": array for name, array in replay.state().items()},
            **{f"episodes/{name}": array for name, array in self.statistics.state().items()},
        }
        if isinstance(env, BatchedVecEnv) and env.supports_state and self._last_obs is not None:
            state[ENV_ROWS] = env.get_state()
            last = self._last_obs if isinstance(self._last_obs, Mapping) else {"": self._last_obs}
            state |= {f"last_obs/{key}": np.asarray(array) for key, array in last.items()}
        return Snapshot(
            step=self.num_timesteps,
            weights=self.policy.state_dict(),
            optimizer=optimizer_to_tensors(self.policy.optimizer),
            state=state,
            rng=capture_rng(agent=self._rng),
        )

    def restore(self, snapshot: Snapshot) -> None:
        """Becomes the agent that `snapshot` was taken of; go on by learn(..., reset_num_timesteps=False)."""
        state = snapshot.state
        self.replay_buffer.load_state(under("replay/", state))
        self.policy.load_state_dict(snapshot.weights)
        optimizer_from_tensors(self.policy.optimizer, snapshot.optimizer)
        counters = [int(x) for x in state["counters"]]
        self.num_timesteps, self._total_timesteps, self._n_updates, self._episode_num, self._logged = counters
        self._update_current_progress_remaining(self.num_timesteps, max(self._total_timesteps, 1))
        self.statistics.load_state(under("episodes/", state))
        self._last_obs = None
        if ENV_ROWS in state and isinstance(self.env, BatchedVecEnv) and self.env.supports_state:
            self.env.set_state(state[ENV_ROWS])
            last = under("last_obs/", state)
            self._last_obs = last.get("", last)  # pyright: ignore[reportAttributeAccessIssue]
        restore_rng(snapshot.rng, agent=self._rng)


def _from_stable(batch: ReplayBufferSamples, gamma: float) -> Transitions:
    """SB3's columns (B, 1) as ours (B,)."""
    discount = gamma if batch.discounts is None else batch.discounts[:, 0]
    return Transitions(
        batch.observations,
        batch.actions[:, 0].long(),
        batch.rewards[:, 0],
        (1.0 - batch.dones[:, 0]) * discount,
        batch.next_observations,
    )
