"""Pre-training, read top to bottom: a trunk learns a world without its rewards.

Environments are acted in at random or by scripts, and from rollouts the trunk learns two things at once:

1. what is observed next, after which action: a head predicts the standardised observation;
2. which later moment of the same episode a moment belongs to, among those of all other rows (InfoNCE over
   time; van den Oord et al. 2018, Stooke et al. 2021): so it says what stays, not only what changes.

Nothing of it acts afterwards: another run begins with the trunk, by `init_from`. How steps are counted: as in
PPO, over all environments. Where inputs are standardised, the first rollout makes the statistics alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

import numpy as np
import torch
from annotated_types import Ge, Gt, Len
from gymnasium import spaces
from torch import Tensor, nn

from quadrivium.agents.batches.env_batch import as_batch
from quadrivium.agents.batches.observations import Obs, ObsArray, batch_size, map_obs
from quadrivium.agents.compute.adam import LeanAdam
from quadrivium.agents.compute.devices import choose_device
from quadrivium.agents.compute.foreach import clip_norm_
from quadrivium.agents.compute.seeds import seed_everything
from quadrivium.agents.evaluation.evaluator import Mixed
from quadrivium.agents.evaluation.players import make_player
from quadrivium.agents.nets import NetConfig, make_backbone
from quadrivium.agents.nets.layers import learned
from quadrivium.agents.nets.mlp import flatten
from quadrivium.agents.nets.stem import ACTION_MASK, Part, PartStem
from quadrivium.agents.ppo.rollout import RolloutBuffer
from quadrivium.agents.pretrain.loss import episode_ends, info_nce, prediction_loss
from quadrivium.agents.training.hooks import Hooks
from quadrivium.agents.training.schedules import schedule
from quadrivium.agents.training.vector_agent import VectorAgent

_RANDOM = "random"
_LOGGED = (
    "loss",
    "prediction_loss",
    "contrast_loss",
    "contrast_accuracy",
    "prediction_skill",
    "gradient_norm",
)


@dataclass(frozen=True)
class PretrainConfig:
    """The hyper-parameters.

    Attributes:
        algorithm: chooses this class in a YAML.
        behaviours: who acts, each in as many environments: "random", or the world's "baseline:NAME".
        n_steps: steps an environment takes between updates; nothing is learned across their ends.
        batch_size: moments in a minibatch; each has as many negatives, less one.
        n_epochs: passes over the rollout.
        horizon: a moment is to be told from others by what follows 1 to so many steps later.
        temperature: of the contrast: the lower, the more the nearest negatives count.
        contrast_coef: weight of the contrast's loss beside the prediction's, which has 1.
        learning_rate: of Adam.
        learning_rate_schedule: "linear" lets it fall to 0 over the training.
        max_grad_norm: gradients are scaled down to this norm.
        net: the backbone.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    algorithm: Literal["pretrain"] = "pretrain"
    behaviours: Annotated[list[str], Len(1)] = field(default_factory=lambda: [_RANDOM])
    n_steps: Annotated[int, Ge(2)] = 32
    batch_size: Annotated[int, Ge(2)] = 1024
    n_epochs: Annotated[int, Gt(0)] = 2
    horizon: Annotated[int, Gt(0)] = 8
    temperature: Annotated[float, Gt(0)] = 0.1
    contrast_coef: Annotated[float, Ge(0)] = 0.1
    learning_rate: Annotated[float, Gt(0)] = 1e-3
    learning_rate_schedule: Literal["constant", "linear"] = "linear"
    max_grad_norm: Annotated[float, Gt(0)] = 1.0
    net: NetConfig = field(default_factory=NetConfig)

    def __post_init__(self) -> None:
        self.net.refuse_memory("pretrain", "it learns from single moments")


class PretrainNetwork(nn.Module):
    """A backbone and what it is trained by.

    Args:
        observation_space: see `make_backbone`.
        action_space: Discrete, MultiDiscrete or a bounded Box.
        net: the backbone.
    """

    def __init__(self, observation_space: spaces.Space, action_space: spaces.Space, net: NetConfig) -> None:
        super().__init__()
        self.observation_space, self.action_space = observation_space, action_space
        self.backbone = make_backbone(observation_space, net)
        self.action_stem = PartStem(action_space, NetConfig(normalize_inputs=False), "the action")
        pooled, actions = self.backbone.pooled_dim, int(np.prod(self.action_stem.spec.shape))
        numbers = sum(int(np.prod(spec.shape)) for spec in self.backbone.stem.specs)
        self.predictor = nn.Sequential(
            nn.Linear(pooled + actions, pooled), nn.ReLU(), nn.Linear(pooled, numbers)
        )
        self.query, self.key = nn.Linear(pooled, pooled), nn.Linear(pooled, pooled)

    def predict(self, pooled: Tensor, actions: Tensor) -> Tensor:
        """Returns the standardised observation (B, F) that follows; pooled (B, P), actions (B, ...)."""
        return self.predictor(torch.cat([pooled, self.action_stem(actions).values], 1))


class Moments(NamedTuple):
    """B moments, and what follows them in their episodes."""

    obs: Obs
    actions: Tensor
    following: Obs  # one step later
    later: Obs  # 1 to `horizon` steps later


class Pretrain(VectorAgent):
    """Learns what a world's observations have to do with each other.

    Args:
        config: hyper-parameters.
        env: a SAME_STEP gymnasium VectorEnv, an `EnvBatch`, or what acts like one.
        seed: of weights, actions, minibatches and environments.
        device: "cpu", "cuda", or "auto" (`choose_device`).

    Raises:
        UserError: the world has no such baseline.
        ValueError: a space that no stem supports.
    """

    generator: torch.Generator

    def __init__(
        self, config: PretrainConfig, env: Any, *, seed: int | None, device: torch.device | str = "auto"
    ) -> None:
        env, device = as_batch(env), torch.device(choose_device(device, config.net))
        seed_everything(seed, env)
        policy = PretrainNetwork(env.observation_space, env.action_space, config.net).to(device)
        optimizer = LeanAdam(learned(policy), lr=config.learning_rate)
        generator = torch.Generator(device)
        generator.manual_seed(torch.initial_seed() if seed is None else seed)
        super().__init__(policy, optimizer, env, env.num_envs, generator, device)
        self.config = config
        self.learning_rate = schedule(config.learning_rate, config.learning_rate_schedule)
        self._parameters = learned(policy)
        self._seats = np.arange(env.num_envs) * len(config.behaviours) // env.num_envs
        scripts = {k: text for k, text in enumerate(config.behaviours) if text != _RANDOM}
        self._scripts = Mixed(
            [make_player(text, env.env) for text in scripts.values()],
            np.searchsorted(list(scripts), self._seats),
        )
        self._at_random = ~np.isin(self._seats, list(scripts))
        spaces_of = (policy.observation_space, policy.action_space)
        self.rollout_buffer = RolloutBuffer(config.n_steps, *spaces_of, device, env.num_envs)
        self._entries: dict[str, float] = {}

    # ---- acting

    def act(self, obs: ObsArray, deterministic: bool = True) -> np.ndarray:
        """Returns random actions (N, ...) for observations (N, ...): it has no policy."""
        return random_actions(self.action_space, obs, None)

    def _behave(self) -> np.ndarray:
        """Returns what the behaviours do now, (N, ...)."""
        actions = random_actions(self.action_space, self.obs, self.generator)
        if not self._at_random.all():
            scripted = self._scripts.act(self.obs, self.env.env)
            actions[~self._at_random] = scripted[~self._at_random]
        return actions

    @torch.no_grad()
    def collect(self, hooks: Hooks, end: int) -> bool:
        """Fills the rollout with `n_steps` steps of every environment; False if a hook stopped it."""
        rollout = self.rollout_buffer
        rollout.reset()
        hooks.on_rollout_start()
        for _ in range(rollout.steps):
            rollout.put_obs(self.obs)
            actions = self._behave()
            step = self.step(actions)
            idle = step.done if step.acted is None else step.done | ~step.acted
            rollout.add(torch.from_numpy(actions), None, None, step.rewards, idle)
            if not hooks.on_step(step):
                return False
        hooks.on_rollout_end()
        return True

    # ---- learning

    def update(self, end: int) -> None:
        """Learns from the rollout; then the input normaliser learns its observations."""
        self.clock.enter("update")
        self.policy.train(True)
        for group in self.optimizer.param_groups:
            group["lr"] = self.learning_rate(1 - self.progress(end))
        if not self.policy.backbone.lacks_statistics():
            for epoch in range(self.config.n_epochs):
                steps = [self._gradient_step(moments) for moments in self._moments()]
                self.n_updates += len(steps)
                if epoch == 0 and steps:  # what has not been learned from yet
                    means = torch.stack(steps).mean(0).tolist()
                    self._entries = {f"train/{name}": mean for name, mean in zip(_LOGGED, means, strict=True)}
        self.policy.backbone.update_statistics(self.rollout_buffer.observations())
        self.clock.enter("other")

    def _moments(self) -> Iterator[Moments]:
        """Yields one epoch of minibatches, of all moments that another follows, in random order."""
        rollout, config = self.rollout_buffer, self.config
        ends = episode_ends(rollout.dones)  # (T, N)
        steps = torch.arange(rollout.steps, device=self.device)[:, None]
        furthest = torch.minimum(ends - steps, torch.tensor(config.horizon, device=self.device))
        places = (furthest > 0).flatten().nonzero()[:, 0]  # (K,)
        places = places[torch.randperm(len(places), generator=self.generator, device=self.device)]
        shares = torch.rand(len(places), generator=self.generator, device=self.device)
        ahead = 1 + (shares * furthest.flatten()[places]).long()
        flat = rollout.flat()

        def picked(rows: Tensor) -> Obs:
            return map_obs(flat.obs, lambda part: part.index_select(0, rows))

        size, lanes = config.batch_size, rollout.num_envs
        for start in range(0, len(places) - 1, size):
            own, later = places[start : start + size], ahead[start : start + size]
            yield Moments(picked(own), flat.actions[own], picked(own + lanes), picked(own + lanes * later))

    def _gradient_step(self, moments: Moments) -> Tensor:
        """Makes one step of the optimizer; returns what is logged of it, (6,)."""
        policy, config = self.policy, self.config
        backbone = policy.backbone
        now, after = backbone.stem(moments.obs), backbone.stem(moments.following)
        pooled = backbone.trunk(now)[2]
        predicted, following, present = (
            policy.predict(pooled, moments.actions),
            flatten(after),
            _present(after),
        )
        prediction = prediction_loss(predicted, following, present)
        keys = policy.key(backbone(moments.later)[2])
        contrast, accuracy = info_nce(policy.query(pooled), keys, config.temperature)
        loss = prediction + config.contrast_coef * contrast
        gradients = list(torch.autograd.grad(loss, self._parameters))
        norm = clip_norm_(gradients, config.max_grad_norm)
        self.descend(self._parameters, gradients)
        stays = prediction_loss(flatten(now), following, present)
        skill = 1 - prediction / stays.clamp(min=1e-9)  # beside the prediction that nothing changes
        return torch.stack([loss, prediction, contrast, accuracy, skill, norm]).detach()

    def update_summary(self) -> dict[str, float]:
        """Returns what is logged of the newest update: all of moments that were not learned from before."""
        return self._entries


def _present(parts: tuple[Part, ...]) -> Tensor:
    """Returns 1 for each number (B, F) of the flattened parts that is there, 0 for those of absent tokens."""
    shown = [
        torch.ones_like(part.values) if part.mask is None else part.mask.unsqueeze(-1).expand_as(part.values)
        for part in parts
    ]
    return torch.cat([one.flatten(1).float() for one in shown], 1)


def random_actions(space: spaces.Space, obs: ObsArray, generator: torch.Generator | None) -> np.ndarray:
    """Returns uniformly random actions (N, ...) for observations (N, ...), legal ones where there is a mask.

    generator: None is torch's global one. Raises ValueError for a space without bounds, or of another kind.
    """
    count = batch_size(obs)
    device = torch.device("cpu") if generator is None else generator.device

    def uniform(*shape: int) -> np.ndarray:
        return torch.rand(count, *shape, generator=generator, device=device).cpu().numpy()

    if isinstance(space, spaces.Discrete):
        legal = np.ones((count, int(space.n)), bool)
        if isinstance(obs, dict) and ACTION_MASK in obs:
            legal = np.asarray(obs[ACTION_MASK]) > 0
        lots = np.where(legal, uniform(int(space.n)), -1.0)
        return lots.argmax(1).astype(np.int64) + space.start
    if isinstance(space, spaces.MultiDiscrete):
        return (uniform(*space.shape) * space.nvec).astype(np.int64) + space.start
    if isinstance(space, spaces.Box) and space.is_bounded():
        return (space.low + uniform(*space.shape) * (space.high - space.low)).astype(np.float32)
    raise ValueError(f"actions {space} cannot be drawn at random; use Discrete, MultiDiscrete or bounds")
