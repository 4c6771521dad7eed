"""Soft actor-critic as an agent of ours: Stable-Baselines3's own class, our networks, batches and loop.

The update is SB3's `SAC.train`, and so are the memories and the names of the hyper-parameters. Ours are the
backbones, the arrays of a step, the log, and the exact resume. How steps are counted: see
`quadrivium.agents.dqn.agent`.

Sources: Haarnoja et al. 2018 (soft actor-critic, and the learned entropy coefficient of its second paper),
Andrychowicz et al. 2017 (hindsight replay).
"""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3 import SAC as SB3SAC

from quadrivium.agents.batches.env_batch import EnvBatch
from quadrivium.agents.batches.finite import name_of
from quadrivium.agents.batches.observations import ObsArray, concatenate, to_tensors
from quadrivium.agents.compute.adam import LeanAdam
from quadrivium.agents.compute.devices import choose_device
from quadrivium.agents.runs.checkpoint import Snapshot
from quadrivium.agents.runs.state import optimizer_from_tensors, optimizer_to_tensors, under
from quadrivium.agents.sac import SACConfig
from quadrivium.agents.stable.face import Face
from quadrivium.agents.stable.hindsight import HindsightReplay, goal_function
from quadrivium.agents.stable.replay_state import load_replay_state, replay_state
from quadrivium.agents.stable.sac_policy import BackboneSACPolicy
from quadrivium.agents.stable.vec_env import BatchedVecEnv, LazyInfos
from quadrivium.agents.training.hooks import Hooks
from quadrivium.agents.training.schedules import schedule
from quadrivium.agents.training.vector_agent import VectorAgent

GOALS = ("achieved_goal", "desired_goal", "observation")
_UPDATE_NAMES = ("ent_coef", "actor_loss", "critic_loss", "ent_coef_loss", "learning_rate")
# What a config and Stable-Baselines3's constructor both have.
_SHARED = (
    *("buffer_size", "learning_starts", "batch_size", "tau", "gamma", "train_freq", "gradient_steps"),
    *("target_update_interval", "ent_coef", "target_entropy", "n_steps"),
)


class StableSAC(SB3SAC):
    """Stable-Baselines3's class on a `BatchedVecEnv`, whose observations it leaves as they are."""

    _wrap_env = staticmethod(Face._wrap_env)


class SAC(VectorAgent):
    """Soft actor-critic on a batch of environments.

    Args:
        config: hyper-parameters.
        env: a SAME_STEP gymnasium VectorEnv, or an `EnvBatch`.
        seed: of weights, exploration, sampling and environments.
        device: "cpu", "cuda", or "auto" (`choose_device`).

    Raises:
        ValueError: the world's actions are not continuous; or hindsight replay without goals; or a
            combination that Stable-Baselines3 does not have.
    """

    generator: np.random.Generator
    counters = ("iterations", "n_updates", "episodes", "logged")

    def __init__(
        self, config: SACConfig, env: Any, *, seed: int | None, device: torch.device | str = "auto"
    ) -> None:
        batch = BatchedVecEnv(env.env if isinstance(env, EnvBatch) else env)
        require_fit(config, batch)
        config.net.refuse_memory("sac", "it learns from single transitions")
        hindsight: dict[str, Any] = {}
        if config.her is not None:
            kwargs = {
                "n_sampled_goal": config.her.n_sampled_goal,
                "goal_selection_strategy": config.her.goal_selection_strategy,
            }
            hindsight = {"replay_buffer_class": HindsightReplay, "replay_buffer_kwargs": kwargs}
        device = torch.device(choose_device(device, config.net))
        self.model = StableSAC(
            BackboneSACPolicy,
            batch,
            learning_rate=schedule(config.learning_rate, config.learning_rate_schedule),
            policy_kwargs={"net": config.net, "n_critics": config.n_critics, "optimizer_class": LeanAdam},
            seed=seed,
            device=device,
            **{name: getattr(config, name) for name in _SHARED},
            **hindsight,
        )
        policy: Any = self.model.policy
        warmup = self.model.action_space.np_random
        super().__init__(policy, policy.actor.optimizer, batch, batch.num_envs, warmup, device)
        self.config = config
        self.replay_buffer: Any = self.model.replay_buffer
        self.episodes = 0  # that ended
        self.logged = 0  # episodes at the last log line
        self._collected = 0  # transitions of the newest iteration
        self._updates = _UpdateMeans()
        self.model.set_logger(self._updates)  # pyright: ignore[reportArgumentType]

    def act(self, obs: ObsArray, deterministic: bool = True) -> np.ndarray:
        """Returns actions (N, A) float32 in their bounds for a batch of observations (N, ...)."""
        return self.model.predict(obs, deterministic=deterministic)[0]  # pyright: ignore[reportArgumentType]

    # ---- collecting

    def reset_counters(self) -> None:
        """Counts from 0 again."""
        super().reset_counters()
        self.episodes = self.logged = 0

    def after_reset(self) -> None:
        """Called when the environments were reset, which cut the running episodes."""
        super().after_reset()
        if isinstance(self.replay_buffer, HindsightReplay):
            with warnings.catch_warnings():  # that this is right only where the episodes are cut: they are
                warnings.simplefilter("ignore")
                self.replay_buffer.truncate_last_trajectory()

    def collect(self, hooks: Hooks, end: int) -> bool:
        """Takes `train_freq` steps in the environments into the replay memory; False if a hook stopped it."""
        hooks.on_rollout_start()
        model, seen = self.model, list[ObsArray]()
        self.policy.set_training_mode(False)
        self._collected = 0
        for _ in range(self.config.train_freq):
            self.clock.enter("network")
            model.num_timesteps, model._last_obs = self.num_timesteps, self.obs
            actions, scaled = model._sample_action(self.config.learning_starts, None, self.num_envs)
            seen.append(self.obs)
            step = self.step(actions)
            if isinstance(self.replay_buffer, HindsightReplay):
                self.replay_buffer.note_metrics(step.metrics, step.done)
            infos: Any = LazyInfos(step)
            model._store_transition(
                self.replay_buffer,
                scaled,
                step.obs,
                step.rewards,
                step.done,
                infos,  # pyright: ignore
            )
            self._collected += self.num_envs
            self.episodes += int(step.done.sum())
            if not hooks.on_step(step):
                return False
        self.policy.update_statistics(to_tensors(concatenate(seen), self.device))
        hooks.on_rollout_end()
        return True

    # ---- learning

    def update(self, end: int) -> None:
        """Makes the gradient steps that are due."""
        due = self.config.gradient_steps if self.config.gradient_steps >= 0 else self._collected
        waits = isinstance(self.replay_buffer, HindsightReplay) and not self.replay_buffer.holds_episodes
        if self.num_timesteps <= self.config.learning_starts or not due or waits:
            return
        self.clock.enter("update")
        self.model._current_progress_remaining = 1 - self.progress(end)
        self.model.train(due, self.config.batch_size)
        self.n_updates = self.model._n_updates
        self.clock.enter("other")

    # ---- the log

    def line_is_due(self, log_interval: int) -> bool:
        """Returns whether `log_interval` episodes ended since the last line, or one a lane if more."""
        return self.episodes - self.logged >= max(log_interval, self.num_envs)

    def update_summary(self) -> dict[str, float]:
        """Returns means over the updates since the last call."""
        self.logged = self.episodes
        return {"train/replay_size": self.replay_buffer.size() * self.num_envs} | self._updates.take()

    # ---- exact resume

    def own_state(self) -> dict[str, np.ndarray]:
        """Returns the replay memory, the entropy coefficient, and what no log line has shown yet."""
        state = {f"replay/{name}": array for name, array in replay_state(self.replay_buffer).items()}
        if self.model.log_ent_coef is not None:
            state["log_ent_coef"] = self.model.log_ent_coef.detach().cpu().numpy().copy()
        return state | {"update_sums": self._updates.sums.copy()}

    def load_own_state(self, state: dict[str, np.ndarray]) -> None:
        """Takes back what `own_state` returned."""
        load_replay_state(self.replay_buffer, under("replay/", state))
        if self.model.log_ent_coef is not None:
            with torch.no_grad():
                self.model.log_ent_coef.copy_(torch.from_numpy(state["log_ent_coef"]))
        self._updates.sums[:] = state["update_sums"]

    def snapshot(self) -> Snapshot:
        """Returns everything that decides how the training goes on; call it between iterations."""
        tensors = {
            f"{name}/{key}": tensor
            for name, optimizer in self._optimizers().items()
            for key, tensor in optimizer_to_tensors(optimizer).items()
        }
        return replace(super().snapshot(), optimizer=tensors)

    def restore(self, snapshot: Snapshot) -> None:
        """Puts the agent and its environments where `snapshot` was taken; see `VectorAgent.restore`."""
        super().restore(replace(snapshot, optimizer=under("actor/", snapshot.optimizer)))
        for name, optimizer in self._optimizers().items():
            optimizer_from_tensors(optimizer, under(f"{name}/", snapshot.optimizer))
        self.model._n_updates = self.n_updates

    def _optimizers(self) -> dict[str, torch.optim.Optimizer]:
        found: dict[str, Any] = {"actor": self.policy.actor.optimizer, "critic": self.policy.critic.optimizer}
        if self.model.ent_coef_optimizer is not None:
            found["entropy"] = self.model.ent_coef_optimizer
        return found


class _UpdateMeans:
    """Stands where Stable-Baselines3 logs: means of what its updates said since the last line."""

    def __init__(self) -> None:
        self.sums = np.zeros((len(_UPDATE_NAMES), 2))  # of the values, and how many

    def record(self, key: str, value: Any, exclude: Any = None) -> None:
        """Adds what an update says of itself."""
        name = key.removeprefix("train/")
        if name in _UPDATE_NAMES:
            self.sums[_UPDATE_NAMES.index(name)] += float(value), 1

    def take(self) -> dict[str, float]:
        """Returns the means, and begins anew."""
        means = {
            f"train/{name}": float(total / count)
            for name, (total, count) in zip(_UPDATE_NAMES, self.sums, strict=True)
            if count
        }
        self.sums[:] = 0.0
        return means


def require_fit(config: SACConfig, env: BatchedVecEnv) -> None:
    """Raises ValueError where the world and the config do not go together."""
    name, actions, obs = name_of(env.env), env.action_space, env.observation_space
    if not (isinstance(actions, spaces.Box) and len(actions.shape) == 1 and actions.is_bounded()):
        raise ValueError(
            f"sac chooses numbers, a bounded Box (A,), but {name} has actions {actions}; take ppo or dqn"
            if not isinstance(actions, spaces.Box)
            else f"sac chooses numbers in bounds, a Box (A,), but {name} has actions {actions}; wrap it "
            "(gymnasium.wrappers.RescaleAction, or a wrapper of your own)"
        )
    if env.taking_part is not None:
        raise ValueError(f"sac knows no agents that leave before others, as in {name}; take ppo")
    if config.her is None:
        if config.n_steps > 1 and isinstance(obs, spaces.Dict):
            raise ValueError(f"n_steps={config.n_steps}: 1 is all with Dict observations, as of {name}")
        return
    missing = [key for key in GOALS if not (isinstance(obs, spaces.Dict) and key in obs.spaces)]
    if not missing and goal_function(env.env, "compute_reward") is None:
        missing = ["compute_reward"]
    if missing:
        raise ValueError(
            f"her replays goals, a Dict of {', '.join(GOALS)} and compute_reward, but {name} has no "
            f"{missing[0]}; give her: null, or take a goal-conditioned world such as quadrivium/Parking-v0"
        )
    if config.n_steps > 1:
        raise ValueError(f"n_steps={config.n_steps}: her replays single steps; give n_steps: 1, or her: null")
