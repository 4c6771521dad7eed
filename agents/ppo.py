"""Proximal policy optimisation (Schulman et al. 2017): a config, a loss, an agent.

Stable-Baselines3's PPO in its public face and in what it computes: the tests hold parameters after updates,
GAE and the truncation bootstrap equal to stock. Replaced is what makes it slow or inexact: no Python work for
each environment, a rollout in tensors on the device, one bootstrap forward for all truncated episodes, no
synchronisation in the update, an explicit random generator, and an exact snapshot.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, cast

import torch
from annotated_types import Ge, Gt, Interval, Le
from gymnasium.vector import VectorEnv
from stable_baselines3 import PPO as SB3PPO
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.type_aliases import Schedule
from stable_baselines3.common.utils import FloatSchedule, LinearSchedule
from stable_baselines3.common.vec_env import VecEnv
from torch import Tensor
from torch.nn import functional as F

from agents.common.foreach import clip_norm_
from agents.common.on_policy import OnPolicyAgent
from agents.common.policies import ActorCritic
from agents.common.rollout import Batch, RolloutBuffer
from agents.nets import NetConfig

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
        learning_rate: of AdamW; with the schedule "linear" it falls to 0 over the training.
        clip_range: ε of the clipped objective; may have a schedule likewise.
        clip_range_vf: clip of the value's change, in units of the return; None: no clip.
        normalize_advantage: standardise advantages in each minibatch.
        ent_coef: weight of the entropy bonus.
        vf_coef: weight of the value loss.
        max_grad_norm: the gradient is scaled down to this norm.
        target_kl: stop an update once the approximate KL divergence exceeds 1.5 times this; None: never.
        weight_decay: AdamW's decoupled decay.
        log_std_init: initial log standard deviation of continuous actions.
        separate_critic: a trunk of its own for the critic; None: for the MLP only.
        net: the backbone.
        compile: compile loss and networks with torch.compile (half a minute at the start).
        bf16: run the networks in bfloat16 autocast.
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
    separate_critic: bool | None = None
    net: NetConfig = field(default_factory=NetConfig)
    compile: bool = False
    bf16: bool = False


# ---- the loss


class Loss(NamedTuple):
    """The loss and what is logged of it, each a scalar tensor; nothing here waits for the device."""

    loss: Tensor
    policy_gradient_loss: Tensor
    value_loss: Tensor
    entropy_loss: Tensor
    approx_kl: Tensor
    clip_fraction: Tensor


@dataclass(frozen=True)
class LossSettings:
    """What the loss needs of the hyper-parameters; clip ranges may change between updates."""

    clip_range: float
    clip_range_vf: float | None
    normalize_advantage: bool
    ent_coef: float
    vf_coef: float


def ppo_loss(
    values: Tensor, log_probs: Tensor, entropy: Tensor | None, batch: Batch, settings: LossSettings
) -> Loss:
    """Returns the clipped surrogate objective with value loss and entropy bonus.

    Source: Schulman et al. 2017, eq. 7 (clip) and 9 (sum). Advantages are standardised in the minibatch and
    values optionally clipped, as in OpenAI Baselines (Huang et al. 2022, "The 37 implementation details of
    PPO", details 7 and 9).

    Args:
        values: (B,) of the current value function.
        log_probs: (B,) of the batch's actions under the current policy.
        entropy: (B,), or None: estimated from log_probs.
        batch: the transitions.
        settings: hyper-parameters.
    """
    advantages = batch.advantages  # (B,)
    if settings.normalize_advantage and len(advantages) > 1:
        advantages = (advantages - advantages.mean()) / (advantages.std() + 1e-8)
    log_ratio = log_probs - batch.log_probs  # (B,)
    ratio = log_ratio.exp()
    clip = settings.clip_range
    clipped = advantages * ratio.clamp(1 - clip, 1 + clip)
    policy_loss = -torch.min(advantages * ratio, clipped).mean()

    if settings.clip_range_vf is not None:
        change = (values - batch.values).clamp(-settings.clip_range_vf, settings.clip_range_vf)
        values = batch.values + change
    value_loss = F.mse_loss(values, batch.returns)
    entropy_loss = log_probs.mean() if entropy is None else -entropy.mean()
    loss = policy_loss + settings.vf_coef * value_loss
    if settings.ent_coef:  # else no gradient need flow through the entropy
        loss = loss + settings.ent_coef * entropy_loss
    with torch.no_grad():
        approx_kl = (ratio - 1 - log_ratio).mean()  # k3 of Schulman 2020, "Approximating KL divergence"
        clip_fraction = ((ratio - 1).abs() > clip).float().mean()
    return Loss(
        loss, policy_loss.detach(), value_loss.detach(), entropy_loss.detach(), approx_kl, clip_fraction
    )


# ---- the agent


class PPO(OnPolicyAgent, SB3PPO):  # pyright: ignore
    """PPO on vector environments of hundreds of lanes.

    With a `BatchedVecEnv` nothing is done in Python for each environment. Any other VecEnv of
    Stable-Baselines3 takes the same path behind one conversion of its infos. Policies of Stable-Baselines3
    ("MlpPolicy", ...) work too, gSDE included.

    Args:
        policy: "ActorCritic" (`agents.common.policies`), any SB3 policy's name, or a class.
        env: a BatchedVecEnv, a SAME_STEP gymnasium VectorEnv, or anything that SB3 takes.
        compile: compile loss and networks with torch.compile.
        bf16: run the networks in bfloat16 autocast.
        settings: the arguments of `stable_baselines3.PPO`, unchanged.
    """

    policy_aliases: ClassVar[dict[str, type[BasePolicy]]] = {
        **SB3PPO.policy_aliases,
        "ActorCritic": ActorCritic,
    }

    def __init__(
        self,
        policy: str | type[ActorCritic] = "ActorCritic",
        env: Any = None,
        *,
        compile: bool = False,
        bf16: bool = False,
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
            },
            seed=seed,
            device=_choose_device(device, config.net),
            tensorboard_log=tensorboard_log,
            verbose=verbose,
        )

    def _setup_model(self) -> None:
        super()._setup_model()
        self._loss = cast(Callable[[Batch, LossSettings], Loss], self._minibatch_loss)
        if self.compile:
            self._loss = torch.compile(self._minibatch_loss, dynamic=False)

    def _excluded_save_params(self) -> list[str]:
        return [*super()._excluded_save_params(), "_loss"]

    def _minibatch_loss(self, batch: Batch, settings: LossSettings) -> Loss:
        with self._autocast():
            values, log_probs, entropy = self.policy.evaluate_actions(batch.obs, batch.actions)
        return ppo_loss(values.flatten(), log_probs, entropy, batch, settings)

    def train(self) -> None:
        """Updates the policy on the rollout; then the input normaliser learns the rollout's observations."""
        self.clock.enter("update")
        self.policy.set_training_mode(True)
        self._update_learning_rate(self.policy.optimizer)
        progress = self._current_progress_remaining
        clip_range_vf = cast(Schedule | None, self.clip_range_vf)
        settings = LossSettings(
            clip_range=cast(Schedule, self.clip_range)(progress),
            clip_range_vf=None if clip_range_vf is None else clip_range_vf(progress),
            normalize_advantage=self.normalize_advantage,
            ent_coef=self.ent_coef,
            vf_coef=self.vf_coef,
        )
        parameters = list(self.policy.parameters())
        losses: list[Loss] = []
        norms: list[Tensor] = []
        stop = False
        for _ in range(self.n_epochs):
            for batch in self.rollout_buffer.minibatches(self.batch_size, self.generator):
                result = self._loss(batch, settings)
                losses.append(result._replace(loss=result.loss.detach()))
                # The only place that waits for the device, and only where a target was asked for.
                if self.target_kl is not None and result.approx_kl.item() > 1.5 * self.target_kl:
                    stop = True
                    break
                self.policy.optimizer.zero_grad(set_to_none=True)
                result.loss.backward()
                gradients = [p.grad for p in parameters if p.grad is not None]
                norms.append(clip_norm_(gradients, self.max_grad_norm))
                self.policy.optimizer.step()
            self._n_updates += 1
            if stop:
                break
        if isinstance(self.policy, ActorCritic):
            # After the update: the rollout's log-probabilities were made with the old statistics.
            self.policy.update_statistics(self.rollout_buffer.flat().obs)
        self._record_update(losses, norms, settings)
        self.clock.enter("other")

    def _record_update(self, losses: list[Loss], norms: list[Tensor], settings: LossSettings) -> None:
        for name, column in zip(Loss._fields, zip(*losses, strict=True), strict=True):
            self.logger.record(f"train/{name}", torch.stack(column).mean().item())
        if norms:
            self.logger.record("train/gradient_norm", torch.stack(norms).mean().item())
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


def _choose_device(device: str, net: NetConfig) -> str:
    if device != "auto":
        return device
    small = net.trunk == "mlp" and net.width <= 256
    return "cuda" if torch.cuda.is_available() and not small else "cpu"
