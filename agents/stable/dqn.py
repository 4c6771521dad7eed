"""DQN with the face of Stable-Baselines3's."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from stable_baselines3 import DQN as SB3DQN
from stable_baselines3.common.buffers import ReplayBuffer
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.type_aliases import GymEnv, MaybeCallback, TrainFreq
from stable_baselines3.common.utils import should_collect_more_steps
from stable_baselines3.dqn.policies import DQNPolicy

from quadrivium.agents.batches.env_batch import BatchStep
from quadrivium.agents.batches.observations import ObsArray, to_arrays
from quadrivium.agents.compute.adam import LeanAdam
from quadrivium.agents.dqn.agent import DQN as Core
from quadrivium.agents.dqn.agent import make_replay
from quadrivium.agents.dqn.config import DQNConfig
from quadrivium.agents.dqn.replay import Replay, Transitions
from quadrivium.agents.runs.agent_file import require_trust
from quadrivium.agents.runs.array_files import read_arrays, write_arrays
from quadrivium.agents.runs.checkpoint import Snapshot
from quadrivium.agents.stable.face import Face, OfCore
from quadrivium.agents.stable.policies import BackboneQPolicy
from quadrivium.agents.stable.vec_env import LazyInfos

# What a config and Stable-Baselines3's constructor both have, but for schedules.
_SHARED = (
    *("buffer_size", "learning_starts", "batch_size", "tau", "gamma", "gradient_steps", "n_steps"),
    *("target_update_interval", "exploration_fraction", "exploration_initial_eps", "exploration_final_eps"),
    *("max_grad_norm", "double", "huber_delta"),
)


class DQN(Face, SB3DQN):  # pyright: ignore
    """Deep Q-learning on one environment or a batch of them, by Stable-Baselines3's arguments and methods.

    It is fast on a `BatchedVecEnv`. With VecNormalize or a `replay_buffer_class` of the user's own, the
    transitions are stored in a memory of Stable-Baselines3's; the update is the same.

    Args:
        policy: "MlpPolicy", "CnnPolicy", "MultiInputPolicy", or a DQNPolicy class such as `BackboneQPolicy`.
        env: an environment, its id, a VecEnv, or a SAME_STEP gymnasium VectorEnv.
        double: double Q-learning; False is what Stable-Baselines3 does.
        huber_delta: of the loss; 1 is what Stable-Baselines3 does. See `DQNConfig`.
        stable: the other arguments of Stable-Baselines3's DQN, by name. `optimize_memory_usage` also works
            where episodes are truncated.
    """

    policy_aliases: ClassVar[dict[str, type[BasePolicy]]] = {
        **SB3DQN.policy_aliases,
        "BackboneQPolicy": BackboneQPolicy,
    }
    saved_settings = ("learning_rate", *_SHARED, "policy_kwargs", "seed")
    saved_progress = (
        *("num_timesteps", "_n_updates", "_n_calls", "_episode_num", "exploration_rate"),
        "_current_progress_remaining",
    )

    _n_calls: Any = OfCore("calls")  # pyright: ignore[reportIncompatibleVariableOverride]
    _episode_num: Any = OfCore("episodes")  # pyright: ignore[reportIncompatibleVariableOverride]
    exploration_rate: Any = OfCore("exploration_rate")  # pyright: ignore[reportIncompatibleVariableOverride]
    replay_buffer: Any = None

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

    def _setup_model(self) -> None:
        ours = self.replay_buffer_class is None and self._vec_normalize_env is None
        n_steps = self.n_steps
        if ours:
            self.replay_buffer = make_replay(self._config(), self.observation_space, self.n_envs, self.device)
            # What follows checks these two against the limits of SB3's own buffers, which this one lacks.
            self.n_steps, self.optimize_memory_usage = 1, False
        super()._setup_model()
        self.n_steps = n_steps
        self.core = Core(
            self._config(),
            self.batch(),
            seed=self.seed,
            device=self.device,
            policy=self.policy if isinstance(self.policy, BackboneQPolicy) else ForeignNetworks(self.policy),
            optimizer=self.policy.optimizer,
            replay=self._replay(),
            num_envs=self.n_envs,
            window=self._stats_window_size,
        )
        self.core.collects_more = self._collects_more
        self.refresh()

    def _config(self) -> DQNConfig:
        shared = {name: getattr(self, name) for name in _SHARED}
        return DQNConfig(optimize_memory=self.optimize_memory_usage, **shared)

    def _replay(self) -> Any:
        return self.replay_buffer if isinstance(self.replay_buffer, Replay) else ForeignReplay(self)

    def _collects_more(self, steps: int, episodes: int) -> bool:
        assert isinstance(self.train_freq, TrainFreq)  # _setup_model has converted it
        return should_collect_more_steps(self.train_freq, steps, episodes)

    def refresh(self) -> None:
        """Hands the core what a user may have set meanwhile: hyper-parameters, environments, the memory."""
        super().refresh()
        core, self.core.config = self.core, self._config()
        core.learning_rate, core.exploration = self.lr_schedule, self.exploration_schedule
        core.replay_buffer = self._replay()

    def learn(
        self,
        total_timesteps: int,
        callback: MaybeCallback = None,
        log_interval: int | None = 4,
        tb_log_name: str = "run",
        reset_num_timesteps: bool = True,
        progress_bar: bool = False,
    ) -> Self:
        """As `Face.learn`; a log line follows the first iteration after `log_interval` episodes, or after one
        episode an environment if that is more, and any in which a callback recorded something.
        """
        return super().learn(
            total_timesteps, callback, log_interval, tb_log_name, reset_num_timesteps, progress_bar
        )

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

    def train(self, gradient_steps: int, batch_size: int = 100) -> None:
        """Makes `gradient_steps` gradient steps on batches from the replay memory."""
        self.batch_size = batch_size
        self.refresh()
        self.core.train(gradient_steps, self._current_progress_remaining)

    # ---- saving

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
        """Returns everything that decides how the training goes on; call it between iterations.

        Raises:
            ValueError: the replay memory is not `Replay`.
        """
        if not isinstance(self.replay_buffer, Replay):
            raise ValueError(
                f"a replay memory of type {type(self.replay_buffer).__name__} cannot be saved exactly, "
                "expected Replay; leave out VecNormalize and replay_buffer_class"
            )
        return super().snapshot()


class ForeignNetworks:
    """A policy of Stable-Baselines3 as the core sees networks: inputs are not standardised."""

    def __init__(self, policy: Any) -> None:
        self._policy = policy

    def __getattr__(self, name: str) -> Any:
        return getattr(self._policy, name)  # q_net, q_net_target, train, state_dict, ...

    def update_statistics(self, obs: Any) -> None:
        """Does nothing."""


class ForeignReplay:
    """A replay memory of Stable-Baselines3 as the core sees one."""

    obs_bytes = 0

    def __init__(self, model: DQN) -> None:
        self._model = model
        self._buffer: ReplayBuffer = model.replay_buffer

    def __len__(self) -> int:
        return self._buffer.size() * self._buffer.n_envs

    def add_step(self, obs: ObsArray, actions: np.ndarray, step: BatchStep) -> None:
        """Stores a step as Stable-Baselines3 does: unnormalised, with the infos."""
        model: Any = self._model
        infos = LazyInfos(step) if step.infos is None else step.infos
        model._last_obs = obs
        model._store_transition(self._buffer, actions, step.obs, step.rewards, step.done, infos)

    def end_episodes(self) -> None:
        """Does nothing: each transition holds the observation after it."""

    def draw(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """Returns places for `count` transitions, which the memory draws by itself."""
        return np.zeros(count, np.int64)

    def gather(self, numbers: np.ndarray) -> Transitions:
        """Returns as many random transitions; SB3's columns (B, 1) as ours (B,)."""
        batch = self._buffer.sample(len(numbers), env=self._model._vec_normalize_env)
        discount = self._model.gamma if batch.discounts is None else batch.discounts[:, 0]
        return Transitions(
            batch.observations,
            batch.actions[:, 0].long(),
            batch.rewards[:, 0],
            (1.0 - batch.dones[:, 0]) * discount,
            batch.next_observations,
        )
