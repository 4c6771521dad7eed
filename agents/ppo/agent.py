"""Proximal policy optimisation (Schulman et al. 2017): a config and an agent; the loss is in `loss`.

Stable-Baselines3's PPO in its public face and in what it computes: the tests hold parameters after updates,
GAE and the truncation bootstrap equal to stock. Replaced is what makes it slow or inexact: no Python work for
each environment, a rollout in tensors on the device, one bootstrap forward for all truncated episodes, no
synchronisation in the update, an explicit random generator, and an exact snapshot.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal, cast

import torch
from annotated_types import Ge, Gt, Interval, Le
from gymnasium.vector import VectorEnv
from stable_baselines3 import PPO as SB3PPO
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.type_aliases import Schedule
from stable_baselines3.common.utils import FloatSchedule, LinearSchedule
from stable_baselines3.common.vec_env import VecEnv
from torch import Tensor, nn

from quadrivium.agents.compute.adam import LeanAdam
from quadrivium.agents.compute.devices import Bf16, choose_device
from quadrivium.agents.compute.foreach import clip_norm_
from quadrivium.agents.nets import NetConfig
from quadrivium.agents.ppo.collect import OnPolicyAgent
from quadrivium.agents.ppo.gradients import DividedGradient, Outputs, Slopes
from quadrivium.agents.ppo.loss import LossSettings, UpdateLog, approximate_kl, ppo_slopes, standardise
from quadrivium.agents.ppo.policy import ActorCritic
from quadrivium.agents.ppo.rollout import Batch, RolloutBuffer, TensorObs

Fraction = Annotated[float, Interval(ge=0, le=1)]


@dataclass(frozen=True)
class PPOConfig:
    """Hyper-parameters, in Stable-Baselines3's names.

    Attributes:
        n_steps: steps an environment takes between updates.
        batch_size: transitions in a minibatch; divides n_steps * num_envs.
        n_epochs: passes over the rollout.
        gamma: discount.
        gae_lambda: λ of generalised advantage estimation.
        learning_rate: of Adam; with the schedule "linear" it falls to 0 over the training.
        clip_range: ε of the clipped objective; may have a schedule likewise.
        clip_range_vf: clip of the value's change, in units of the return (with normalize_returns of its
            spread); None: no clip.
        normalize_advantage: standardise advantages in each minibatch.
        ent_coef: weight of the entropy bonus.
        vf_coef: weight of the value loss.
        max_grad_norm: the gradient is scaled down to this norm.
        target_kl: stop an update once the approximate KL divergence exceeds 1.5 times this; None: never.
        weight_decay: decoupled decay (AdamW); 0 is Adam.
        log_std_init: initial log standard deviation of continuous actions.
        normalize_returns: the critic speaks, and its loss is measured, in units of the running spread of the
            returns (Pop-Art): then vf_coef, clip_range_vf and max_grad_norm do not depend on how large the
            rewards are. Advantages are not changed.
        separate_critic: a trunk of its own for the critic; None: for the MLP only.
        net: the backbone.
        compile: compile loss and networks with torch.compile (half a minute at the start).
        bf16: run the networks in bfloat16 autocast; "auto": where the device has instructions for it.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    algorithm: Literal["ppo"] = "ppo"
    n_steps: Annotated[int, Gt(0)] = 32
    batch_size: Annotated[int, Gt(1)] = 2048
    n_epochs: Annotated[int, Gt(0)] = 4
    gamma: Fraction = 0.99
    gae_lambda: Fraction = 0.95
    learning_rate: Annotated[float, Gt(0), Le(1)] = 3e-4
    learning_rate_schedule: Literal["constant", "linear"] = "constant"
    clip_range: Annotated[float, Gt(0)] = 0.2
    clip_range_schedule: Literal["constant", "linear"] = "constant"
    clip_range_vf: Annotated[float, Gt(0)] | None = None
    normalize_advantage: bool = True
    ent_coef: Annotated[float, Ge(0)] = 0.0
    vf_coef: Annotated[float, Ge(0)] = 0.5
    max_grad_norm: Annotated[float, Gt(0)] = 0.5
    target_kl: Annotated[float, Gt(0)] | None = None
    weight_decay: Annotated[float, Ge(0)] = 0.0
    log_std_init: float = 0.0
    normalize_returns: bool = False
    separate_critic: bool | None = None
    net: NetConfig = field(default_factory=NetConfig)
    compile: bool = False
    bf16: Bf16 = False


class PPO(OnPolicyAgent, SB3PPO):  # pyright: ignore
    """PPO on vector environments of hundreds of lanes.

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
        "ActorCritic": ActorCritic,
    }
    saved_settings = (
        *("learning_rate", "n_steps", "batch_size", "n_epochs", "gamma", "gae_lambda", "clip_range"),
        *("clip_range_vf", "normalize_advantage", "ent_coef", "vf_coef", "max_grad_norm", "target_kl"),
        *("use_sde", "sde_sample_freq", "policy_kwargs", "seed", "compile", "bf16"),
    )
    saved_progress = ("num_timesteps", "_n_updates", "_iterations", "_current_progress_remaining")

    def __init__(
        self,
        policy: str | type[ActorCritic] = "ActorCritic",
        env: Any = None,
        *,
        compile: bool = False,
        bf16: Bf16 = False,
        **settings: Any,
    ) -> None:
        self.compile, self.bf16 = compile, bf16
        super().__init__(policy, env, **settings)  # pyright: ignore[reportArgumentType]

    @classmethod
    def from_config(
        cls,
        config: PPOConfig,
        env: VecEnv | VectorEnv,
        *,
        seed: int,
        device: str = "auto",
        tensorboard_log: str | None = None,
        verbose: int = 0,
    ) -> PPO:
        """Returns an agent with fresh weights.

        Args:
            config: hyper-parameters.
            env: as for the constructor.
            seed: of weights, action noise, minibatch order and environments.
            device: "cpu", "cuda", or "auto": CUDA where there is one, but not for an MLP up to width 256,
                which launching kernels would slow down.
            tensorboard_log: directory for SB3's own TensorBoard logger; None: none.
            verbose: as in SB3.

        Raises:
            ValueError: batch_size does not divide n_steps * num_envs, or the spaces are not supported.
        """
        rollout = config.n_steps * env.num_envs
        if rollout % config.batch_size:
            divisor = max(
                size for size in range(1, min(config.batch_size, rollout) + 1) if rollout % size == 0
            )
            raise ValueError(
                f"batch_size={config.batch_size} does not divide n_steps*num_envs={rollout}; try {divisor}."
            )
        return cls(
            ActorCritic,
            env,
            compile=config.compile,
            bf16=config.bf16,
            learning_rate=_schedule(config.learning_rate, config.learning_rate_schedule),
            n_steps=config.n_steps,
            batch_size=config.batch_size,
            n_epochs=config.n_epochs,
            gamma=config.gamma,
            gae_lambda=config.gae_lambda,
            clip_range=_schedule(config.clip_range, config.clip_range_schedule),
            clip_range_vf=config.clip_range_vf,
            normalize_advantage=config.normalize_advantage,
            ent_coef=config.ent_coef,
            vf_coef=config.vf_coef,
            max_grad_norm=config.max_grad_norm,
            target_kl=config.target_kl,
            policy_kwargs={
                "net": config.net,
                "separate_critic": config.separate_critic,
                "log_std_init": config.log_std_init,
                "weight_decay": config.weight_decay,
                "normalize_returns": config.normalize_returns,
            },
            seed=seed,
            device=choose_device(device, config.net),
            tensorboard_log=tensorboard_log,
            verbose=verbose,
        )

    def _setup_model(self) -> None:
        super()._setup_model()
        self._evaluate: Callable[[TensorObs, Tensor], Outputs] = self._evaluate_plainly
        if self.compile:
            self._evaluate = torch.compile(self._evaluate_plainly, dynamic=False)
        self._divided: DividedGradient | None = None
        if self._is_divisible():
            self._divided = DividedGradient(self.policy, self._autocast)  # pyright: ignore

    def _is_divisible(self) -> bool:
        return super()._is_divisible() and not self.compile

    def _evaluate_plainly(self, obs: TensorObs, actions: Tensor) -> Outputs:
        with self._autocast():
            values, log_probs, entropy = self.policy.evaluate_actions(obs, actions)  # pyright: ignore
        return Outputs(values.flatten(), log_probs, entropy)

    def train(self) -> None:
        """Updates the policy on the rollout; then the input normaliser learns the rollout's observations."""
        self.clock.enter("update")
        self.policy.set_training_mode(True)
        self._update_learning_rate(self.policy.optimizer)
        progress = self._current_progress_remaining
        clip_range_vf = cast(Schedule | None, self.clip_range_vf)
        unit = 1.0
        if isinstance(self.policy, ActorCritic):
            unit = self.policy.value_head.follow(self.rollout_buffer.returns)
        settings = LossSettings(
            clip_range=cast(Schedule, self.clip_range)(progress),
            clip_range_vf=None if clip_range_vf is None else clip_range_vf(progress),
            ent_coef=self.ent_coef,
            vf_coef=self.vf_coef,
            value_unit=unit,
        )
        parameters = list(self.policy.parameters())
        log = UpdateLog(settings)
        for _ in range(self.n_epochs):
            proceed = self._train_epoch(parameters, settings, log)
            log.end_epoch()
            self._n_updates += 1
            if not proceed:
                break
        if isinstance(self.policy, ActorCritic):
            # After the update: the rollout's log-probabilities were made with the old statistics.
            self.policy.update_statistics(self.rollout_buffer.flat().obs)
        self._record_update(log, settings)
        self.clock.enter("other")

    def _train_epoch(self, parameters: list[nn.Parameter], settings: LossSettings, log: UpdateLog) -> bool:
        """Descends once over the rollout; returns False if the policy went further than `target_kl`.

        Nothing here waits for the device, unless there is such a target.
        """
        optimizer = self.policy.optimizer
        for batch in self.rollout_buffer.minibatches(self.batch_size, self.generator):
            if self.normalize_advantage and len(batch.advantages) > 1:
                batch = batch._replace(advantages=standardise(batch.advantages))
            slopes = ppo_slopes(settings, len(batch.returns))
            if self._divided is not None:
                outputs, gradients = self._divided(self.crew, batch, slopes)
            else:
                outputs, gradients = self._whole_gradient(parameters, batch, slopes)
            log.add(batch, outputs)
            if self.target_kl is not None:
                kl = approximate_kl(outputs.log_probs, batch.log_probs).item()
                if kl > 1.5 * self.target_kl:
                    return False
            log.add_norm(clip_norm_(gradients, self.max_grad_norm))
            if isinstance(optimizer, LeanAdam):
                optimizer.apply(gradients)
                continue
            for parameter, gradient in zip(parameters, gradients, strict=True):
                parameter.grad = gradient
            optimizer.step()
        return True

    def _whole_gradient(
        self, parameters: list[nn.Parameter], batch: Batch, slopes: Slopes
    ) -> tuple[Outputs, list[Tensor]]:
        """Returns what `DividedGradient` does, of any policy on any device."""
        outputs = self._evaluate(batch.obs, batch.actions)
        detached = outputs.detach()
        by_log_probs, by_entropy = slopes.by_policy(detached.log_probs, detached.entropy, batch)
        ends, starts = (
            [outputs.values, outputs.log_probs],
            [slopes.by_values(detached.values, batch), by_log_probs],
        )
        if outputs.entropy is not None and by_entropy is not None:
            ends.append(outputs.entropy)
            starts.append(by_entropy)
        return detached, list(torch.autograd.grad(ends, parameters, starts, materialize_grads=True))

    def _record_update(self, log: UpdateLog, settings: LossSettings) -> None:
        for name, value in log.means().items():
            self.logger.record(f"train/{name}", value)
        self.logger.record("train/explained_variance", explained_variance(self.rollout_buffer))
        log_std = getattr(self.policy, "log_std", None)
        if log_std is not None:
            self.logger.record("train/std", log_std.exp().mean().item())
        self.logger.record("train/n_updates", self._n_updates, exclude="tensorboard")
        self.logger.record("train/clip_range", settings.clip_range)
        if settings.clip_range_vf is not None:
            self.logger.record("train/clip_range_vf", settings.clip_range_vf)


def explained_variance(rollout: RolloutBuffer) -> float:
    """Returns 1 − Var(returns − values) / Var(returns); NaN where the returns do not vary."""
    variance = rollout.returns.var(correction=0)
    residual = (rollout.returns - rollout.values).var(correction=0)
    return float("nan") if variance == 0 else float(1 - residual / variance)


def _schedule(value: float, kind: str) -> Schedule:
    return FloatSchedule(LinearSchedule(value, 0.0, 1.0) if kind == "linear" else value)
