"""PPO with the face of Stable-Baselines3's."""

from __future__ import annotations

import sys
from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces
from stable_baselines3 import PPO as SB3PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.policies import ActorCriticPolicy, BasePolicy
from stable_baselines3.common.utils import FloatSchedule
from stable_baselines3.common.vec_env import VecEnv
from torch import Tensor

from quadrivium.agents.compute.crew import one_torch_thread
from quadrivium.agents.compute.devices import Bf16
from quadrivium.agents.ppo.agent import PPO as Core
from quadrivium.agents.ppo.agent import PPOConfig
from quadrivium.agents.ppo.policy import ActorCritic
from quadrivium.agents.ppo.rollout import TensorObs
from quadrivium.agents.stable.callbacks import CallbackHooks
from quadrivium.agents.stable.face import Face, OfCore
from quadrivium.agents.stable.policies import StableActorCritic

# What a config and Stable-Baselines3's constructor both have, but for schedules.
_SHARED = (
    *("n_steps", "batch_size", "n_epochs", "gamma", "gae_lambda", "normalize_advantage", "ent_coef"),
    *("vf_coef", "max_grad_norm", "target_kl", "compile", "bf16"),
)


class PPO(Face, SB3PPO):  # pyright: ignore
    """PPO on vector environments of hundreds of lanes, by Stable-Baselines3's arguments and methods.

    With a `BatchedVecEnv` nothing is done in Python for each environment. Any other VecEnv of
    Stable-Baselines3 takes the same path behind one conversion of its infos. Policies of Stable-Baselines3
    ("MlpPolicy", ...) work too, gSDE included.

    Args:
        policy: "ActorCritic" (`quadrivium.agents.ppo.policy`), any SB3 policy's name, or a class.
        env: a BatchedVecEnv, a SAME_STEP gymnasium VectorEnv, or anything that SB3 takes.
        compile: compile loss and networks with torch.compile.
        bf16: run the networks in bfloat16 autocast; "auto": where the device has instructions for it.
        settings: the arguments of `stable_baselines3.PPO`, unchanged.
    """

    policy_aliases: ClassVar[dict[str, type[BasePolicy]]] = {
        **SB3PPO.policy_aliases,
        "ActorCritic": StableActorCritic,
    }
    saved_settings = (
        *("learning_rate", "clip_range", "clip_range_vf", *_SHARED),
        *("use_sde", "sde_sample_freq", "policy_kwargs", "seed"),
    )
    saved_progress = ("num_timesteps", "_n_updates", "_current_progress_remaining")

    rollout_buffer: Any = OfCore("rollout_buffer")  # pyright: ignore[reportIncompatibleVariableOverride]
    generator: Any = OfCore("generator")

    def __init__(
        self,
        policy: str | type[ActorCriticPolicy] = "ActorCritic",
        env: Any = None,
        *,
        compile: bool = False,
        bf16: Bf16 = False,
        **settings: Any,
    ) -> None:
        self.compile, self.bf16 = compile, bf16
        super().__init__(policy, env, **settings)

    def _setup_model(self) -> None:
        self._setup_lr_schedule()
        self.set_random_seed(self.seed)
        with one_torch_thread():  # the last bits of the first weights would depend on how many there are
            self.policy = self.policy_class(  # pyright: ignore[reportAttributeAccessIssue]
                self.observation_space,
                self.action_space,
                self.lr_schedule,
                use_sde=self.use_sde,
                **self.policy_kwargs,
            ).to(self.device)
        self.clip_range = FloatSchedule(self.clip_range)
        vf: Any = self.clip_range_vf
        self.clip_range_vf = None if vf is None else FloatSchedule(vf)
        policy: Any = self.policy
        self.core = Core(
            self._config(),
            self.batch(),
            seed=self.seed,
            device=self.device,
            policy=policy if isinstance(policy, ActorCritic) else ForeignNetwork(policy, self),
            optimizer=policy.optimizer,  # pyright: ignore[reportArgumentType]
            num_envs=self.n_envs,
            window=self._stats_window_size,
        )
        self.refresh()

    def _config(self) -> PPOConfig:
        return PPOConfig(**{name: getattr(self, name) for name in _SHARED})

    def refresh(self) -> None:
        """Hands the core what a user may have set meanwhile: hyper-parameters, environments, the logger."""
        super().refresh()
        core, self.core.config = self.core, self._config()
        core.learning_rate = self.lr_schedule
        core.clip_range, core.clip_range_vf = self.clip_range, self.clip_range_vf

    def collect_rollouts(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, env: VecEnv, callback: BaseCallback, rollout_buffer: Any, n_rollout_steps: int
    ) -> bool:
        """Fills the rollout buffer; False if the callback stopped it. Only `callback` is looked at."""
        self.refresh()
        return self.core.collect(CallbackHooks(callback, self), self._total_timesteps)

    def train(self) -> None:
        """Updates the policy on the rollout."""
        self.refresh()
        self.core.update(self._total_timesteps)
        for name, value in self.core.update_summary().items():
            self.logger.record(name, value)


class ForeignNetwork:
    """A policy of Stable-Baselines3 as the core sees networks; gSDE's noise is drawn as it draws it."""

    separate_critic = False
    forward_rows = sys.maxsize  # never in pieces: what passes through here is no tensor

    def __init__(self, policy: Any, model: PPO) -> None:
        self._policy, self._model = policy, model

    def __getattr__(self, name: str) -> Any:
        return getattr(self._policy, name)  # evaluate_actions, predict_values, parameters, state_dict, ...

    def outputs(self, obs: TensorObs) -> tuple[tuple[Tensor, Tensor], Tensor]:
        """Returns ((actions, log-probabilities), values): the policy samples by itself."""
        model, position = self._model, self._model.rollout_buffer.pos
        if model.use_sde and (
            position == 0 or (model.sde_sample_freq > 0 and position % model.sde_sample_freq == 0)
        ):
            self._policy.reset_noise(model.n_envs)
        actions, values, log_probs = self._policy(obs)
        return (actions, log_probs), values

    def sample(self, out: tuple[Tensor, Tensor], generator: Any) -> tuple[Tensor, Tensor]:
        """Returns what `outputs` sampled."""
        return out

    def actor_outputs(self, obs: TensorObs) -> TensorObs:
        """Returns what `choose` needs."""
        return obs

    def choose(self, out: TensorObs, deterministic: bool) -> Tensor:
        """Returns actions for the observations."""
        return self._policy._predict(out, deterministic=deterministic)

    def bounded(self, actions: np.ndarray) -> np.ndarray:
        """Returns actions (N, ...) as the environments take them."""
        space = self._policy.action_space
        if not isinstance(space, spaces.Box):
            return actions.reshape(-1, *(space.shape or ()))
        if self._policy.squash_output:
            return self._policy.unscale_action(actions)
        return np.clip(actions, space.low, space.high)

    def follow(self, returns: Tensor) -> float:
        """Returns 1: values are what they are."""
        return 1.0

    def lacks_statistics(self) -> bool:
        """Returns False: inputs are not standardised."""
        return False

    def update_statistics(self, obs: TensorObs) -> None:
        """Does nothing."""
