"""What the numbers of an observation are called: by the world where it tells, else by their places."""

from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.vector import VectorEnv

from quadrivium.agents.explain.attention import Attention
from quadrivium.agents.explain.marks import PartView
from quadrivium.agents.nets.stem import PartStem, Stem
from quadrivium.envs.core.setup import Setup


class Names:
    """Names of everything in an observation.

    Args:
        env: in which it is observed.
        stem: of the network that reads it.
        space: of observations.

    Attributes:
        columns: by part, names of a vector's numbers, of a token's, or of a grid's planes.
        baselines: by part, what its attributions are measured from.
    """

    def __init__(self, env: gymnasium.Env | VectorEnv, stem: Stem, space: spaces.Space) -> None:
        setup = getattr(env.unwrapped, "setup", None)
        told = setup.columns if isinstance(setup, Setup) else {}
        self._tokens = setup.tokens if isinstance(setup, Setup) else {}
        boxes = space.spaces if isinstance(space, spaces.Dict) else {"observation": space}
        self._stems: dict[str, Any] = dict(stem.parts.items())
        self.columns = {name: _columns(one, boxes[name], told.get(name)) for name, one in self._stems.items()}
        self.baselines = {
            name: "0" if one.normalizer is None else "the mean of what the run has seen"
            for name, one in self._stems.items()
        }

    def views(self, obs: Any, weights: Mapping[str, np.ndarray]) -> list[PartView]:
        """Returns the parts of an observation (1, …), with weights by part (T, …)."""
        views: list[PartView] = []
        for name, stem in self._stems.items():
            tokens: Sequence[str] = ()
            if stem.spec.kind == "tokens":
                seen = np.asarray(obs[name] if isinstance(obs, Mapping) else obs)[0]
                tokens = self._present(name, stem, seen)
            views.append(PartView(name, self.columns[name], weights[name], tokens))
        return views

    def _present(self, name: str, stem: PartStem, seen: np.ndarray) -> list[str]:
        """Returns names of tokens (N, F), "" of those that are absent."""
        told = self._tokens.get(name) or [f"{name} {k}" for k in range(len(seen))]
        flag = stem.mask_feature
        return [text if flag is None or row[flag] > 0 else "" for text, row in zip(told, seen, strict=True)]

    def attention(self, views: Sequence[PartView], found: Attention | None) -> dict[str, Any]:
        """Returns what `Moment` shows of attention (of one observation); nothing where there is none."""
        if found is None:
            return {}
        reached: dict[str, tuple[Sequence[str], np.ndarray]] = {}
        looking: list[str] = []
        for view, count in zip(views, found.counts, strict=True):
            weights = found.reached[0, len(looking) : len(looking) + count].numpy()
            if view.weights.ndim == 4:
                rows = _patch_rows(view.weights.shape[2:], count)
                reached[view.name] = ((), weights.reshape(rows, -1))
                looking += [f"{view.name} {k}" for k in range(count)]
                continue
            names = view.tokens or view.columns
            there = [k for k, name in enumerate(names) if name]
            reached[view.name] = ([names[k] for k in there], weights[there])
            looking += names
        there = [k for k, name in enumerate(looking) if name]
        blocks = [block[0].mean(0).numpy()[np.ix_(there, there)] for block in found.blocks]
        return {"reached": reached, "blocks": blocks, "looking": [looking[k] for k in there]}


def short(text: str) -> str:
    """Returns the name in a column's description: what stands before its unit or meaning."""
    return text.partition(":")[0].partition(", by ")[0]


def _columns(stem: PartStem, space: spaces.Space, told: Sequence[str] | None) -> list[str]:
    count = stem.spec.features
    if stem.choices:
        several = len(stem.choices) > 1
        return [
            (f"[{k}] " if several else "") + f"is {first + choice}"
            for k, (choices, first) in enumerate(zip(stem.choices, stem.first, strict=True))
            for choice in range(choices)
        ]
    names = [short(text) for text in told] if told is not None and len(told) == count else []
    if len(set(names)) == count:
        return names
    if told is not None and len(told) == count:
        return list(told)
    return [f"{'plane' if stem.spec.kind == 'grid' else 'number'} {k}" for k in range(count)]


def _patch_rows(shape: tuple[int, ...], count: int) -> int:
    """Returns in how many rows `count` square patches cover a grid (H, W)."""
    for patch in range(1, max(shape) + 1):
        rows, columns = -(-shape[0] // patch), -(-shape[1] // patch)
        if rows * columns == count:
            return rows
    raise ValueError(f"{count} patches do not cover a grid {shape}")
