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

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal, cast

import numpy as np
import torch
from annotated_types import Ge, Gt, Interval
from gymnasium import spaces
from gymnasium.vector import VectorEnv
from stable_baselines3 import DQN as StableDQN
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.type_aliases import (
    GymEnv,
    MaybeCallback,
    ReplayBufferSamples,
    RolloutReturn,
    Schedule,
    TrainFreq,
)
from stable_baselines3.common.utils import LinearSchedule, safe_mean, should_collect_more_steps
from stable_baselines3.common.vec_env import VecEnv
from stable_baselines3.dqn.policies import DQNPolicy
from torch import Tensor
from torch.nn import functional as F

from agents.common.adam import LeanAdam
from agents.common.checkpoint import Snapshot
from agents.common.devices import choose_device
from agents.common.episode_statistics import EpisodeStatistics
from agents.common.foreach import clip_norm_, polyak_
from agents.common.hooks import iteration_end, iteration_logged
from agents.common.observations import Obs, ObsArray, batch_size, concatenate, to_arrays, to_tensors
from agents.common.phases import PhaseClock
from agents.common.q_policy import ACTION_MASK, BackboneQPolicy, greedy, legal_values
from agents.common.replay import Replay, Transitions
from agents.common.run_state import capture_rng, optimizer_from_tensors, optimizer_to_tensors, restore_rng
from agents.common.vec_env import BatchedVecEnv, LazyInfos, batch_step
from agents.nets import NetConfig

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


class DQN(StableDQN):
    """Deep Q-learning on one environment or a batch of them.

    With VecNormalize or a `replay_buffer_class` of the user's own, Stable-Baselines3's code collects and
    stores; all else takes the batched path, which is fast on a `BatchedVecEnv`. The update is the same.

    Args:
        policy: "MlpPolicy", "CnnPolicy", "MultiInputPolicy", or a DQNPolicy class such as `BackboneQPolicy`.
        env: an environment, its id, a VecEnv, or a SAME_STEP gymnasium VectorEnv.
        double: double Q-learning; False is what Stable-Baselines3 does.
        stable: the other arguments of Stable-Baselines3's DQN, by name. `optimize_memory_usage` also works
            where episodes are truncated.
    """

    replay_buffer: Any  # Replay, or one of Stable-Baselines3's
    double: bool

    def __init__(
        self, policy: str | type[DQNPolicy], env: GymEnv | str, *, double: bool = True, **stable: Any
    ):
        self.double = double
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

    @staticmethod
    def _wrap_env(env: Any, verbose: int = 0, monitor_wrapper: bool = True) -> VecEnv:
        if isinstance(env, VectorEnv):
            env = BatchedVecEnv(env)
        if isinstance(env, BatchedVecEnv):
            return env  # SB3 would transpose uint8 grids; here rank 3 is (C, H, W) already
        return StableDQN._wrap_env(env, verbose, monitor_wrapper)

    def _excluded_save_params(self) -> list[str]:
        return [*super()._excluded_save_params(), "statistics", "clock", "_online", "_target"]

    def _setup_model(self) -> None:
        self._rng = np.random.default_rng(self.seed)
        self.statistics = EpisodeStatistics(self.n_envs, self._stats_window_size)
        self.clock = PhaseClock()
        self._logged = (0, 0)  # environment steps and episodes at the last log line
        self._update_sums = torch.zeros(len(_UPDATE_NAMES), device=self.device)  # since then
        self._update_count = 0
        ours = self.replay_buffer_class is None and self._vec_normalize_env is None
        n_steps = self.n_steps
        if ours and self.env is not None:
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
        # Kept: walking through the modules for them would cost a tenth of a gradient step.
        self._online: list[Tensor] = list(self.q_net.parameters())
        self._target: list[Tensor] = list(self.q_net_target.parameters())

    def _setup_learn(self, *args: Any, **kwargs: Any) -> tuple[int, BaseCallback]:
        reset_counters = kwargs.get("reset_num_timesteps", args[2] if len(args) > 2 else True)
        if isinstance(self.replay_buffer, Replay) and (reset_counters or self._last_obs is None):
            self.replay_buffer.end_episodes()  # the environments are about to be reset
            self.statistics.reset()
        total, callback = super()._setup_learn(*args, **kwargs)
        self._update_current_progress_remaining(self.num_timesteps, self._total_timesteps)
        self._logged = (self.num_timesteps, self._episode_num)
        self.clock = PhaseClock()
        return total, callback

    def learn(
        self,
        total_timesteps: int,
        callback: MaybeCallback = None,
        log_interval: int | None = 4,
        tb_log_name: str = "DQN",
        reset_num_timesteps: bool = True,
        progress_bar: bool = False,
    ) -> "DQN":
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
            if recorded or self._episode_num - self._logged[1] >= log_every:
                self.dump_logs()
            going = iteration_logged(callback) and going
        callback.on_training_end()
        return self

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
        keys = 1.0 - self._rng.random(
            (count, actions)
        )  # (0, 1], so that a legal action beats every illegal 0
        return np.where(np.asarray(obs[ACTION_MASK]) != 0, keys, 0.0).argmax(1)

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
        if isinstance(self.policy, BackboneQPolicy):
            self.policy.update_statistics(to_tensors(concatenate(seen), self.device))
        callback.on_rollout_end()
        return RolloutReturn(steps * env.num_envs, episodes, continue_training=True)

    def _sample_action(
        self, learning_starts: int, action_noise: Any = None, n_envs: int = 1
    ) -> tuple[np.ndarray, np.ndarray]:
        obs = cast(ObsArray, self._last_obs)
        if self.num_timesteps < learning_starts:
            actions = self._random_legal(obs, n_envs)
        else:
            actions = self._act(obs, self.exploration_schedule(self._current_progress_remaining))
        return actions, actions

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
        loss = F.smooth_l1_loss(q, target)
        gradients = list(torch.autograd.grad(loss, self._online))
        norm = clip_norm_(gradients, self.max_grad_norm)
        if isinstance(self.policy.optimizer, LeanAdam):
            self.policy.optimizer.apply(gradients)
        else:
            for parameter, gradient in zip(self._online, gradients, strict=True):
                parameter.grad = gradient
            self.policy.optimizer.step()
        return loss.detach(), norm, q.detach(), target

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

    def _count_update(self, steps: list[tuple[Tensor, Tensor, Tensor, Tensor]]) -> None:
        """Adds what the gradient steps returned to the sums since the last log line, on the device."""
        losses, norms, values, targets = zip(*steps, strict=True)
        q, target = torch.cat(values), torch.cat(targets)  # (K*B,)
        logged = (torch.stack(losses), q, target, (q - target).abs(), torch.stack(norms))
        self._update_sums += torch.stack([x.mean() for x in logged]) * len(steps)
        self._update_count += len(steps)

    def dump_logs(self) -> None:
        """Writes a log line: means over the episodes and gradient steps since the last one."""
        entries = self.statistics.summary() | self.clock.collect(self.num_timesteps - self._logged[0])
        recent = cast(deque[dict[str, float]], self.ep_info_buffer)
        if isinstance(self.env, BatchedVecEnv):
            recent.extend(self.statistics.recent(self._stats_window_size))
        elif recent:  # a Monitor knows the return before any wrapper scaled it
            entries["rollout/ep_rew_mean"] = safe_mean([info["r"] for info in recent])
            entries["rollout/ep_len_mean"] = safe_mean([info["l"] for info in recent])
        if self.ep_success_buffer:
            entries["rollout/success_rate"] = safe_mean(list(self.ep_success_buffer))
        if self._update_count:
            means = (self._update_sums / self._update_count).tolist()
            entries |= {f"train/{name}": mean for name, mean in zip(_UPDATE_NAMES, means, strict=True)}
        if isinstance(self.replay_buffer, Replay):
            entries["train/replay_size"] = len(self.replay_buffer)
        entries["rollout/exploration_rate"] = self.exploration_rate
        for name, value in entries.items():
            self.logger.record(name, value)
        self.logger.record("train/n_updates", self._n_updates, exclude="tensorboard")
        self.logger.record("time/total_timesteps", self.num_timesteps, exclude="tensorboard")
        self.logger.dump(step=self.num_timesteps)
        self._logged = (self.num_timesteps, self._episode_num)
        self._update_sums.zero_()
        self._update_count = 0

    # ---- saving and resuming

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
            self._n_calls,
            self._episode_num,
        ]
        state = {
            "counters": np.array(counters, np.int64),
            **{f"replay/{name}": array for name, array in replay.state().items()},
            **{f"episodes/{name}": array for name, array in self.statistics.state().items()},
        }
        if isinstance(env, BatchedVecEnv) and env.supports_state and self._last_obs is not None:
            state["env_rows"] = env.get_state()
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
        self.replay_buffer.load_state(_under("replay/", state))
        self.policy.load_state_dict(snapshot.weights)
        optimizer_from_tensors(self.policy.optimizer, snapshot.optimizer)
        counters = [int(x) for x in state["counters"]]
        self.num_timesteps, self._total_timesteps, self._n_updates, self._n_calls, self._episode_num = (
            counters
        )
        self._update_current_progress_remaining(self.num_timesteps, max(self._total_timesteps, 1))
        self.exploration_rate = self.exploration_schedule(self._current_progress_remaining)
        self.statistics.load_state(_under("episodes/", state))
        self._last_obs = None
        if "env_rows" in state and isinstance(self.env, BatchedVecEnv) and self.env.supports_state:
            self.env.set_state(state["env_rows"])
            last = _under("last_obs/", state)
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


def _under(prefix: str, state: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name.removeprefix(prefix): array for name, array in state.items() if name.startswith(prefix)}
