"""The network as search's evaluator."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import torch

from quadrivium.agents.alphazero.learn.diverged import require_finite_judgement
from quadrivium.agents.alphazero.learn.network import PolicyValueNet
from quadrivium.agents.compute.devices import Bf16, autocast, download, upload
from quadrivium.agents.search.protocols import Evaluation, Symmetries


class NetworkEvaluator:
    """Judges batches of positions as they are, or after `turn` each turned by a random symmetry.

    Args:
        net: the network; on the device where it is.
        bf16: run the network in bfloat16 autocast.

    Attributes:
        positions: how many have been judged.
        batches: in how many calls.
        seconds: spent in the network, or waiting for it, copies to and from the device included.
    """

    def __init__(self, net: PolicyValueNet, *, bf16: Bf16 = False) -> None:
        self.net = net
        self._turns: tuple[Symmetries, np.random.Generator] | None = None
        self._bf16: Bf16 = bf16
        self._device = next(net.parameters()).device
        self.reset_counters()

    def turn(self, symmetries: Symmetries | None, rng: np.random.Generator) -> None:
        """Turns boards by these symmetries from now on, drawn by `rng`; None: no more."""
        self._turns = None if symmetries is None else (symmetries, rng)

    def reset_counters(self) -> None:
        """Counts from zero again."""
        self.positions, self.batches, self.seconds = 0, 0, 0.0

    def __call__(self, obs: np.ndarray, legal: np.ndarray, /) -> Evaluation:
        """Returns logits (n, A), values and draws (n,); obs (n, C, H, W) float32, legal (n, A) int8."""
        return self.ask(obs, legal)()

    def ask(self, obs: np.ndarray, legal: np.ndarray) -> Callable[[], Evaluation]:
        """Begins to judge positions, on CUDA without waiting for it; returns what waits for the answer."""
        began = time.perf_counter()
        seen, actions = obs, None
        if self._turns is not None:
            symmetries, rng = self._turns
            which = rng.integers(len(symmetries), size=len(obs))
            cells, actions = symmetries.cells[which], symmetries.actions[which]
            planes = obs.reshape(len(obs), obs.shape[1], -1)
            seen = np.take_along_axis(planes, cells[:, None], 2).reshape(obs.shape)
        with torch.inference_mode(), autocast(self._device, self._bf16):
            fetch = download(self.net.judge(upload(seen, self._device)))
        self.positions += len(obs)
        self.batches += 1
        self.seconds += time.perf_counter() - began

        def take() -> Evaluation:
            began = time.perf_counter()
            logits, values, draws = fetch()
            if actions is not None:
                turned, logits = logits, np.empty_like(logits)
                np.put_along_axis(logits, actions, turned, 1)
            require_finite_judgement(logits, values)
            self.seconds += time.perf_counter() - began
            return Evaluation(logits, values, draws)

        return take
