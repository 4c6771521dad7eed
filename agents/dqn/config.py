"""The hyper-parameters of DQN."""

from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

from annotated_types import Ge, Gt, Interval

from quadrivium.agents.nets import NetConfig


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
        huber_delta: errors of Q beyond it count linearly. Where noise is larger, Q leans from the mean of the
            returns to their median, and so may the policy: give more than the noise, or scale rewards down.
        dueling: the head splits the state's value from the actions' advantages.
        n_steps: steps a transition spans.
        quantiles: of each action's return, as many are learned (QR-DQN, 200 in the paper); Q is their mean.
            None: Q alone.
        priority_exponent: transitions are drawn in proportion to their errors' power; 0: all alike.
        importance_exponent: of the losses' weights that make up for priorities, at the start; it rises to 1.
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
    huber_delta: Annotated[float, Gt(0)] = 1.0
    dueling: bool = False
    n_steps: Annotated[int, Gt(0)] = 1
    quantiles: Annotated[int, Gt(1)] | None = None
    priority_exponent: Annotated[float, Interval(ge=0, le=1)] = 0.0
    importance_exponent: Annotated[float, Interval(ge=0, le=1)] = 0.4
    optimize_memory: bool = False
    net: NetConfig = field(default_factory=NetConfig)

    def __post_init__(self) -> None:
        self.net.refuse_memory("dqn", "it learns from single transitions")
