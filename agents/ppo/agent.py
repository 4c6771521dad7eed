"""Proximal policy optimisation (Schulman et al. 2017): a config and an agent; the loss is in `loss`.

It computes what Stable-Baselines3's PPO does: the tests hold parameters after updates, GAE and the truncation
bootstrap equal to stock. What is different: no Python work for each environment, a rollout in tensors on the
device, one bootstrap forward for all truncated episodes, no synchronisation in the update, an explicit random
generator, and an exact snapshot.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import torch
from annotated_types import Ge, Gt, Interval, Le
from torch import Tensor, nn

from quadrivium.agents.batches.env_batch import BatchStep, EnvBatch, Obs, as_batch
from quadrivium.agents.batches.observations import to_tensors
from quadrivium.agents.compute.adam import LeanAdam
from quadrivium.agents.compute.crew import Crew, blocks, one_torch_thread
from quadrivium.agents.compute.devices import Bf16, autocast, choose_device
from quadrivium.agents.compute.foreach import clip_norm_
from quadrivium.agents.compute.peers import ALONE, Peers
from quadrivium.agents.compute.seeds import seed_everything
from quadrivium.agents.errors import UserError
from quadrivium.agents.nets import NetConfig, Past
from quadrivium.agents.nets.layers import learned
from quadrivium.agents.ppo.gradients import DividedGradient, Outputs, Slopes
from quadrivium.agents.ppo.loss import LossSettings, UpdateLog, approximate_kl, ppo_slopes, standardise
from quadrivium.agents.ppo.policy import ActorCritic
from quadrivium.agents.ppo.remembering import Rememberer
from quadrivium.agents.ppo.rollout import Batch, Everyone, RolloutBuffer, TensorObs, rows_of
from quadrivium.agents.runs.checkpoint import Snapshot
from quadrivium.agents.training.hooks import Hooks
from quadrivium.agents.training.schedules import Schedule, schedule
from quadrivium.agents.training.vector_agent import VectorAgent

_REMEMBERED = "remembered"  # key of a snapshot's state
_DEVICE_ROWS = 4096  # of observations at once: enough for any accelerator, few enough for its memory

Fraction = Annotated[float, Interval(ge=0, le=1)]


@dataclass(frozen=True)
class PPOConfig:
    """Hyper-parameters, in Stable-Baselines3's names.

    Attributes:
        n_steps: steps an environment takes between updates; with a memory it is learned what to remember
            through so many steps at most.
        batch_size: transitions in a minibatch; divides n_steps * num_envs. With a memory a multiple of
            n_steps: a minibatch is whole rows of the rollout then.
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
        separate_critic: a trunk (and memory) of its own for the critic; None: for an MLP without memory.
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

    def __post_init__(self) -> None:
        if self.compile and self.net.memory is not None:
            raise ValueError(
                f"compile=true and net.memory={self.net.memory} do not go together: torch.compile would "
                "unroll every step; give compile: false"
            )


class PPO(VectorAgent):
    """PPO on vector environments of hundreds of lanes.

    On the CPU a crew of `torch.get_num_threads()` threads shares the work of an `ActorCritic`, and torch has
    one thread meanwhile; what comes out is the same for any number of them.

    Args:
        config: hyper-parameters.
        env: a SAME_STEP gymnasium VectorEnv, an `EnvBatch`, or what acts like one; None: it only acts.
        seed: of weights, action noise, minibatch order and environments; None: of torch's own.
        device: "cpu", "cuda", or "auto": CUDA where there is one, but not for an MLP up to width 256, which
            launching kernels would slow down.
        policy: networks with the methods of `ActorCritic`, on the device; None: an `ActorCritic` with fresh
            weights.
        optimizer: of the parameters of such a policy.
        num_envs: where there is no `env`.
        window: episodes that the log's mean return is at least of.
        peers: processes that learn as one, with as many environments each; batch_size and all else is theirs
            together.

    Attributes:
        remembered: (N, S), what a policy with memory knows of the running episodes; None without.

    Raises:
        ValueError: batch_size does not divide n_steps * num_envs, or the spaces are not supported.
    """

    generator: torch.Generator

    def __init__(
        self,
        config: PPOConfig,
        env: Any,
        *,
        seed: int | None,
        device: torch.device | str = "auto",
        policy: Any = None,
        optimizer: torch.optim.Optimizer | None = None,
        num_envs: int = 1,
        window: int = 100,
        peers: Peers = ALONE,
    ) -> None:
        env, device = as_batch(env), torch.device(choose_device(device, config.net))
        num_envs = num_envs if env is None else env.num_envs
        if policy is None:
            assert env is not None, "fresh networks are made for the spaces of an env; give one"
            require_whole_minibatches(config.batch_size, config.n_steps, num_envs * peers.size)
            require_whole_sequences(config, num_envs, peers.size)
            seed_everything(seed, env)
            policy = fresh_policy(config, env).to(device)
        if optimizer is None:
            optimizer = make_optimizer(policy, config.learning_rate, config.weight_decay)
        generator = torch.Generator(device)
        generator.manual_seed(torch.initial_seed() if seed is None else seed)
        super().__init__(policy, optimizer, env, num_envs, generator, device, window)
        self.config, self.seed, self.peers = config, seed, peers
        self.learning_rate: Schedule = schedule(config.learning_rate, config.learning_rate_schedule)
        self.clip_range: Schedule = schedule(config.clip_range, config.clip_range_schedule)
        self.clip_range_vf: Schedule | None = None
        if config.clip_range_vf is not None:
            self.clip_range_vf = schedule(config.clip_range_vf, "constant")
        self.rollout_buffer = RolloutBuffer(
            config.n_steps, policy.observation_space, policy.action_space, device, num_envs, peers
        )
        self.remembered: Tensor | None = None
        if isinstance(policy, ActorCritic) and policy.memory is not None:
            self.remembered = torch.zeros((num_envs, policy.state_size), device=device)
        self.crew = Crew(1)  # at work it has helpers
        self._update_entries: dict[str, float] = {}
        self._evaluate: Callable[..., Outputs] = self._evaluate_plainly
        if config.compile:
            # where agents leave, or others have a part of it, every minibatch is of another size
            dynamic = getattr(env, "taking_part", None) is not None or peers.size > 1
            self._evaluate = torch.compile(self._evaluate_plainly, dynamic=dynamic)
        self._divided: DividedGradient | None = None
        if isinstance(policy, ActorCritic) and device.type == "cpu" and not config.compile:
            self._divided = DividedGradient(policy, self._autocast)

    @contextmanager
    def at_work(self) -> Generator[None]:
        """Measures the time, and has helpers where the networks' work comes in pieces."""
        crew = nullcontext(self.crew) if self._divided is None else Crew()
        with super().at_work(), crew as self.crew:
            yield
        self.crew = Crew(1)

    def _autocast(self) -> Any:
        return autocast(self.device, self.config.bf16)

    # ---- acting

    def act(self, obs: Obs, deterministic: bool = True) -> np.ndarray:
        """Returns actions (N, ...) for observations (N, ...), clipped to the action space, for any N.

        Stochastic, it draws from torch's global generator, so that evaluating does not disturb training.

        Raises:
            UserError: the policy has a memory; see `actor`.
        """
        if self.remembered is not None:
            raise UserError(
                f"act() of an agent with net.memory={self.policy.net.memory} would forget each observation "
                "at once; act by what actor() returns, and tell its forget() where episodes begin"
            )
        with torch.no_grad(), self._autocast():
            tensors = to_tensors(obs, self.device)
            (out,) = self._by_rows(lambda rows: (self.policy.actor_outputs(rows),), tensors)
            actions = self.policy.choose(out, deterministic)
        return self.policy.bounded(actions.cpu().numpy())

    @torch.no_grad()
    def preferences(self, policy: ActorCritic, obs: Obs) -> np.ndarray:
        """Returns the logits (N, A) by which another policy of this kind, an earlier one, would act."""
        with self._autocast():
            out = policy.actor_outputs(to_tensors(obs, self.device))
        return out.float().cpu().numpy()

    def actor(self) -> PPO | Rememberer:
        """Returns what acts as this agent does: itself, or what remembers episodes of its own."""
        if self.remembered is None:
            return self

        def step(obs: Obs, state: Tensor, deterministic: bool) -> tuple[np.ndarray, Tensor]:
            with torch.no_grad(), self._autocast():
                out, _, after = self._remember(to_tensors(obs, self.device), state)
                actions = self.policy.choose(out, deterministic)
            return self.policy.bounded(actions.cpu().numpy()), after

        return Rememberer(step, torch.zeros(self.policy.state_size, device=self.device))

    def _remember(self, obs: TensorObs, state: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Returns outputs (N, ...), values (N, 1) and states (N, S) after one more step of N episodes."""
        out, values, after = self._by_rows(
            lambda rows, known: self.policy.remember(rows, Past(known)), obs, state
        )
        return out, values, after

    def _by_rows(
        self, function: Callable[..., tuple[Any, ...]], obs: TensorObs, *others: Tensor
    ) -> tuple[Any, ...]:
        """Returns what `function` does of observations (N, ...) and others, without gradients, in the crew's
        pieces.
        """

        def piece(part: slice) -> tuple[Any, ...]:
            with torch.no_grad(), self._autocast():  # of the thread that does it
                return function(rows_of(obs, part), *(other[part] for other in others))

        count = len(next(iter(obs.values()))) if isinstance(obs, dict) else len(obs)
        rows = self.policy.forward_rows
        if self.device.type != "cpu":
            rows = max(rows, _DEVICE_ROWS)
        done = self.crew.run([partial(piece, part) for part in blocks(count, rows)])
        return done[0] if len(done) == 1 else tuple(torch.cat(column) for column in zip(*done, strict=True))

    def _policy_step(self, obs: TensorObs) -> tuple[Tensor, Tensor | None, Tensor]:
        """Returns actions (N, ...), values (N, 1) or None (see `_late_values`), log-probabilities (N,)."""
        policy, values = self.policy, None
        if self.remembered is not None:
            out, values, self.remembered = self._remember(obs, self.remembered)
        elif policy.separate_critic:
            (out,) = self._by_rows(lambda rows: (policy.actor_outputs(rows),), obs)
        else:
            out, values = self._by_rows(policy.outputs, obs)
        actions, log_probs = self._sample(out)
        return actions, values, log_probs

    def _sample(self, out: Tensor) -> tuple[Tensor, Tensor]:
        """Returns actions (N, ...) and their log-probabilities (N,) for the actor's outputs (N, outputs).

        Each of several processes draws the noise of all: so what an environment gets is its own, however they
        are shared out, and all generators stay the same.
        """
        policy, peers = self.policy, self.peers
        if peers.size == 1:
            return policy.sample(out, self.generator)
        own = slice(peers.rank * len(out), (peers.rank + 1) * len(out))
        everyone = out.new_zeros(peers.size * len(out), out.shape[1])
        everyone[own] = out
        actions = policy.distribution.sample(everyone, policy.log_std, self.generator)[own]
        return actions, policy.distribution.log_prob_entropy(out, policy.log_std, actions)[0]

    def _values(self, obs: TensorObs, state: Tensor | None) -> Tensor:
        if state is not None:
            return self._remember(obs, state)[1].flatten()
        with self._autocast():
            return self.policy.predict_values(obs).flatten()  # (N,)

    # ---- collecting

    def after_reset(self) -> None:
        """Makes the first statistics of what the environments show."""
        super().after_reset()
        if self.remembered is not None:
            self.remembered = torch.zeros_like(self.remembered)
        with one_torch_thread():  # the last bits of sums depend on how many there are
            self._warm_statistics()

    @torch.no_grad()
    def _warm_statistics(self) -> None:
        """Plays a rollout at random for the statistics of the inputs, and starts the environments anew.

        Else the first rollout would be acted on raw inputs, and all later ones on others. Its steps are not
        counted. Source: Burda et al. 2018 (RND), section 2.4.
        """
        policy, rollout = self.policy, self.rollout_buffer
        if not policy.lacks_statistics():
            return
        rollout.reset()
        even = torch.zeros((self.num_envs, policy.distribution.outputs), device=self.device)
        for _ in range(rollout.steps):
            out = policy.masked_outputs(even, rollout.put_obs(self.obs))
            actions, log_probs = self._sample(out)
            step = self.env.step_batch(policy.bounded(actions.cpu().numpy()))
            rollout.add(actions, None, log_probs, step.rewards, step.done, step.acted)
            self.obs = step.obs
        self._update_statistics()
        if self.seed is not None:
            self.env.seed(self.seed)  # the training plays what it would have played without this
        self.obs = self.env.reset()

    def _update_statistics(self) -> None:
        """Lets the input normaliser learn the rollout's observations."""
        several = () if self.peers.size == 1 else (self.peers.join,)
        self.policy.update_statistics(self.rollout_buffer.observations(), *several)

    @torch.no_grad()
    def collect(self, hooks: Hooks, end: int) -> bool:
        """Fills the rollout with `n_steps` steps of every environment; False if a hook stopped it."""
        rollout, before = self.rollout_buffer, self.num_timesteps
        self.policy.train(False)
        rollout.reset(self.remembered)
        hooks.on_rollout_start()
        for _ in range(rollout.steps):
            self.clock.enter("network")
            with self._autocast():
                actions, values, log_probs = self._policy_step(rollout.put_obs(self.obs))
            step = self.step(self.policy.bounded(actions.cpu().numpy()))
            if step.truncated.any():
                rollout.mark_truncated(np.flatnonzero(step.truncated), step.final_obs, self.remembered)
            rollout.add(actions, values, log_probs, step.rewards, step.done, step.acted)
            self._forget(step)
            if not hooks.on_step(step):
                return False
        self.clock.enter("network")
        self._late_values(rollout)
        self._bootstrap(rollout)
        last_values = self._values(to_tensors(self.obs, self.device), self.remembered)
        rollout.finish(last_values, self.config.gamma, self.config.gae_lambda)
        if self.peers.size > 1:
            everyone = rollout.everyone()
            self.num_timesteps = before + len(everyone.taken(everyone.values))
        self.clock.enter("other")
        hooks.on_rollout_end()
        return True

    def _forget(self, step: BatchStep) -> None:
        """Remembers nothing of episodes that the step ended, nor of who took no part in it."""
        if self.remembered is not None:
            over = step.done if step.acted is None else step.done | ~step.acted
            if over.any():
                rows = torch.from_numpy(over).to(self.device)
                self.remembered = self.remembered.masked_fill(rows.unsqueeze(1), 0.0)

    def _late_values(self, rollout: RolloutBuffer) -> None:
        """Values the whole rollout: a critic of its own costs less in a few large batches than every step.

        Not so one that remembers: it was asked at every step.
        """
        if self.policy.separate_critic and self.remembered is None:
            (values,) = self._by_rows(lambda rows: (self.policy.predict_values(rows),), rollout.flat().obs)
            rollout.values.copy_(values.view_as(rollout.values))

    def _bootstrap(self, rollout: RolloutBuffer) -> None:
        """Adds γ V(last observation) to the reward of truncated steps: the episode would have gone on.

        Source: Pardo et al. 2018. One forward for all of the rollout's truncations.
        """
        found = rollout.truncated()
        if found is not None:
            steps, rows, final_obs, state = found
            rollout.rewards[steps, rows] += self.config.gamma * self._values(final_obs, state)

    # ---- learning

    def _evaluate_plainly(self, obs: TensorObs, actions: Tensor, *past: Past) -> Outputs:
        with self._autocast():
            values, log_probs, entropy = self.policy.evaluate_actions(obs, actions, *past)
        return Outputs(values.flatten(), log_probs, entropy)

    def update(self, end: int) -> None:
        """Updates the policy on the rollout; then the input normaliser learns the rollout's observations."""
        settings = self.begin_update(1 - self.progress(end))
        parameters = learned(self.policy)
        log = UpdateLog(settings)
        for _ in range(self.config.n_epochs):
            proceed = self._train_epoch(parameters, settings, log)
            log.end_epoch()
            self.n_updates += 1
            if not proceed:
                break
        self.end_update(log, settings)

    def begin_update(self, remaining: float) -> LossSettings:
        """Sets the learning rate, and returns what the loss needs.

        remaining: share of the training, from 1 to 0.
        """
        self.clock.enter("update")
        self.policy.train(True)
        everyone = self.rollout_buffer.everyone()
        for group in self.optimizer.param_groups:
            group["lr"] = self.learning_rate(remaining)
        clip_range_vf = self.clip_range_vf
        return LossSettings(
            clip_range=self.clip_range(remaining),
            clip_range_vf=None if clip_range_vf is None else clip_range_vf(remaining),
            ent_coef=self.config.ent_coef,
            vf_coef=self.config.vf_coef,
            value_unit=self.policy.follow(everyone.taken(everyone.returns)),
        )

    def end_update(self, log: UpdateLog, settings: LossSettings) -> None:
        """Lets the input normaliser learn the rollout, and keeps what is logged of the update.

        After it: the rollout's log-probabilities were made with the old statistics.
        """
        self._update_statistics()
        rate = self.optimizer.param_groups[0]["lr"]
        self._update_entries = self._entries(log, settings) | {"train/learning_rate": rate}
        self.clock.enter("other")

    def _train_epoch(self, parameters: list[nn.Parameter], settings: LossSettings, log: UpdateLog) -> bool:
        """Descends once over the rollout; returns False if the policy went further than `target_kl`."""
        for gradients in self.epoch(parameters, settings, log):
            if gradients is None:
                return False
            self.descend(parameters, gradients)
        return True

    def epoch(
        self, parameters: list[nn.Parameter], settings: LossSettings, log: UpdateLog
    ) -> Iterator[list[Tensor] | None]:
        """Yields the clipped gradient of each of an epoch's minibatches, as the networks are when it is asked
        for; None, as the last one, if the policy went further than `target_kl`.

        Nothing here waits for the device, unless there is such a target.
        """
        config = self.config
        stem = None if self._divided is None else self._divided.stem
        for batch, everyone in self.rollout_buffer.minibatches(config.batch_size, self.generator, stem):
            count = len(everyone)
            if config.normalize_advantage and count > 1:
                batch = batch._replace(advantages=standardise(batch.advantages, everyone))
            slopes = ppo_slopes(settings, count)
            if self._divided is not None:
                outputs, gradients = self._divided(self.crew, batch, slopes)
            else:
                outputs, gradients = self._whole_gradient(parameters, batch, slopes)
            log.add(batch, outputs)
            far = []
            if config.target_kl is not None:
                far = [approximate_kl(outputs.log_probs, batch.log_probs, count)]
            if self.peers.size > 1:
                self.clock.enter("exchange")
                self.peers.add_up([*gradients, *far])
                self.clock.enter("update")
            if config.target_kl is not None and far[0].item() > 1.5 * config.target_kl:
                yield None
                return
            log.add_norm(clip_norm_(gradients, config.max_grad_norm))
            yield gradients

    def _whole_gradient(
        self, parameters: list[nn.Parameter], batch: Batch, slopes: Slopes
    ) -> tuple[Outputs, list[Tensor]]:
        """Returns what `DividedGradient` does, of any policy on any device."""
        outputs = self._evaluate(batch.obs, batch.actions, *(() if batch.past is None else (batch.past,)))
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

    def _entries(self, log: UpdateLog, settings: LossSettings) -> dict[str, float]:
        """Returns what the log says of an update."""
        entries = {f"train/{name}": value for name, value in log.means(self.peers).items()}
        entries["train/explained_variance"] = explained_variance(self.rollout_buffer.everyone())
        log_std = getattr(self.policy, "log_std", None)
        if log_std is not None:
            entries["train/std"] = log_std.exp().mean().item()
        entries["train/clip_range"] = settings.clip_range
        if settings.clip_range_vf is not None:
            entries["train/clip_range_vf"] = settings.clip_range_vf
        return entries

    def update_summary(self) -> dict[str, float]:
        """Returns what the log says of the newest update."""
        return self._update_entries

    # ---- exact resume

    def own_state(self) -> dict[str, np.ndarray]:
        """Returns what is remembered of the running episodes, if anything."""
        return {} if self.remembered is None else {_REMEMBERED: self.remembered.cpu().numpy()}

    def restore(self, snapshot: Snapshot) -> None:
        """Puts the agent where `snapshot` was taken; see `VectorAgent.restore`."""
        super().restore(snapshot)
        if self.remembered is not None:
            known = snapshot.state.get(_REMEMBERED)
            if self.obs is None or known is None:  # new episodes begin
                known = np.zeros(self.remembered.shape, np.float32)
            self.remembered = torch.from_numpy(known.copy()).to(self.device)


def require_whole_minibatches(batch_size: int, n_steps: int, num_envs: int) -> None:
    """Raises ValueError where batch_size does not divide the rollout."""
    rollout = n_steps * num_envs
    if rollout % batch_size:
        divisor = max(size for size in range(1, min(batch_size, rollout) + 1) if rollout % size == 0)
        raise ValueError(
            f"batch_size={batch_size} does not divide n_steps*num_envs={rollout}; try {divisor}."
        )


def require_whole_sequences(config: PPOConfig, num_envs: int, processes: int) -> None:
    """Raises ValueError where there is a memory, whose minibatches would not be whole rows of the rollout."""
    memory = config.net.memory
    if memory is not None and processes > 1:
        raise ValueError(
            f"net.memory={memory} and {processes} processes that learn as one do not go together: their "
            "minibatches are not whole sequences; train in one process"
        )
    if memory is not None and config.batch_size % config.n_steps:
        rows = max(config.batch_size // config.n_steps, 1)
        rows = max(size for size in range(1, rows + 1) if num_envs % size == 0)
        raise ValueError(
            f"batch_size={config.batch_size} is no multiple of n_steps={config.n_steps}, and with net.memory "
            f"a minibatch is whole sequences of {config.n_steps} steps; try {rows * config.n_steps}."
        )


def fresh_policy(config: PPOConfig, env: EnvBatch) -> ActorCritic:
    """Returns networks on the CPU for the spaces of `env`, their weights drawn by torch's own generator."""
    with one_torch_thread():  # the last bits of the weights would depend on how many there are
        return ActorCritic(
            env.observation_space,
            env.action_space,
            config.net,
            config.separate_critic,
            config.log_std_init,
            config.normalize_returns,
        )


def make_optimizer(policy: nn.Module, learning_rate: float, weight_decay: float) -> torch.optim.Optimizer:
    """Returns Adam, or AdamW where weights decay, with the epsilon of OpenAI Baselines and SB3."""
    if weight_decay:
        return torch.optim.AdamW(
            learned(policy), learning_rate, eps=1e-5, weight_decay=weight_decay, fused=True
        )
    # One kernel for all parameters: 70 µs a step instead of 265 for the 64x64 MLP on the CPU.
    return LeanAdam(learned(policy), lr=learning_rate, eps=1e-5)


def explained_variance(rollouts: Everyone) -> float:
    """Returns 1 − Var(returns − values) / Var(returns); NaN where the returns do not vary."""
    returns = rollouts.taken(rollouts.returns)
    variance = returns.var(correction=0)
    residual = (returns - rollouts.taken(rollouts.values)).var(correction=0)
    return float("nan") if variance == 0 else float(1 - residual / variance)
