"""The configuration of a backbone, and the layer choices every trunk shares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from annotated_types import Ge, Gt
from torch import nn

from quadrivium.agents.nets.layers import Tanh

Activation = Literal["auto", "tanh", "relu", "gelu", "silu"]

_ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "tanh": Tanh,
    "relu": nn.ReLU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
}
_AUTO: dict[str, Activation] = {"mlp": "tanh", "cnn": "relu", "transformer": "gelu", "set": "relu"}


@dataclass(frozen=True)
class NetConfig:
    """Chooses a trunk and its size; the stem follows from the observation space.

    Attributes:
        trunk: "mlp" flattens everything; "cnn" convolves over a grid's cells (or along tokens); "transformer"
            attends over a grid's patches, tokens, or a vector's single features; "set" has layers for each
            token, pools over them, and needs tokens.
        width: hidden units of the MLP and the set, channels of the CNN, model width of the transformer.
        depth: hidden layers of the MLP, residual blocks of the CNN, encoder blocks of the transformer; of the
            set layers before its pooling, and as many after it.
        heads: attention heads of the transformer, and of the one over time; must divide its width.
        activation: "auto" is tanh for the MLP, ReLU for the CNN and the set, GELU for the transformer.
        normalize_layers: LayerNorm before each activation of the MLP, GroupNorm in the CNN's blocks. The
            transformer is always pre-LN. LayerNorm makes Q-learning stable without a target network
            (Gallici et al. 2024, PQN).
        pooling: how the transformer reduces its tokens: the masked "mean", or a learned "query" that attends
            over them (Lee et al. 2019, PMA). The CNN pools mean and maximum of all cells, or with "flatten"
            has a dense layer over all of them, for views in which each place has a meaning of its own (a
            robot's); it then fits one size.
        patch: side of a grid's square patches (transformer, CNN), in cells; 1 makes every cell a token.
        block: of the CNN: "residual", two convolutions at full width; or "nested", four at half of it between
            two by 1 x 1, for about half of the arithmetic.
        normalize_inputs: standardise each feature (each channel of a grid) by running statistics, which live
            in the network's buffers and change only by an explicit `update_statistics`. PPO begins with those
            of a random rollout, DQN and PQN with those of their random first steps, AlphaZero with those of
            the first episodes that end; boards for two it reads as they are.
        frozen: the trunk's blocks, all of it that does not depend on what the world shows, never change: they
            stay as `init_from` of the run gave them, or as they began by chance, which tells what the former
            is worth. Embeddings, input statistics, memory and heads learn as ever.
        token_mask_feature: for token observations (rank 2), the index of the feature that is > 0 where the
            token is present (0 in the driving worlds' kinematics). None: every token is present.
            A space cannot say this by itself, so the config does.
        memory: after the trunk, what it says of the steps before: "gru" (Cho et al. 2014), "lstm" (Gers et
            al. 2000), or "gtrxl", a transformer over time (Parisotto et al. 2020); None: the policy knows
            only what it sees now. PPO alone has one.
        memory_width: units of the recurrent ones, model width of the transformer.
        memory_depth: blocks of the transformer over time; the recurrent ones have one layer.
        memory_length: steps that each of its blocks looks back.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    trunk: Literal["mlp", "cnn", "transformer", "set"] = "mlp"
    width: Annotated[int, Gt(0)] = 64
    depth: Annotated[int, Gt(0)] = 2
    heads: Annotated[int, Gt(0)] = 4
    activation: Activation = "auto"
    normalize_layers: bool = False
    pooling: Literal["mean", "query", "flatten"] = "mean"
    patch: Annotated[int, Gt(0)] = 1
    block: Literal["residual", "nested"] = "residual"
    normalize_inputs: bool = True
    frozen: bool = False
    token_mask_feature: Annotated[int, Ge(0)] | None = None
    memory: Literal["gru", "lstm", "gtrxl"] | None = None
    memory_width: Annotated[int, Gt(0)] = 64
    memory_depth: Annotated[int, Gt(0)] = 1
    memory_length: Annotated[int, Gt(0)] = 32

    @property
    def chosen_activation(self) -> Activation:
        """The activation's name, where "auto" stands for the trunk's own."""
        return _AUTO[self.trunk] if self.activation == "auto" else self.activation

    def make_activation(self) -> nn.Module:
        """Returns a fresh activation module."""
        return _ACTIVATIONS[self.chosen_activation]()

    def refuse_memory(self, algorithm: str, why: str) -> None:
        """Raises ValueError where there is a memory, which `algorithm` cannot have."""
        if self.memory is not None:
            raise ValueError(
                f"net.memory={self.memory} and algorithm: {algorithm} do not go together: {why}; give "
                "net.memory: null, or algorithm: ppo"
            )
