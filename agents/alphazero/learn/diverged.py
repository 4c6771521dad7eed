"""Ends a run whose network says NaN or infinity: all that it would still play and learn is worth nothing."""

import numpy as np

from quadrivium.agents.errors import UserError


class DivergedError(UserError):
    """The network's weights, or what it says, are no numbers; the text says where that showed."""


def require_finite_loss(means: dict[str, float], updates: int, rate: float, max_norm: float) -> None:
    """Raises DivergedError unless all `means` of losses and gradients up to update `updates` are finite."""
    bad = next((name for name, mean in means.items() if not np.isfinite(mean)), None)
    if bad is not None:
        raise DivergedError(
            f"{bad} of the network became {means[bad]:g} by update {updates}, so its weights are lost; begin "
            f"another run with a lower agent.learning_rate (now {rate:g}) or agent.max_grad_norm (now "
            f"{max_norm:g})"
        )


def require_finite_judgement(logits: np.ndarray, values: np.ndarray) -> None:
    """Raises DivergedError unless policies (n, A) and values (n,) of positions are finite."""
    for what, said in (("policy", logits), ("value", values)):
        if not np.isfinite(said).all():
            raise DivergedError(
                f"the network gave {said[~np.isfinite(said)][0]:g} as {what} of a position: its weights are "
                "lost; take an earlier checkpoint, or begin another run with a lower agent.learning_rate"
            )
