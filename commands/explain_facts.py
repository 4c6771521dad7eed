"""Explanations as plain data: what `explanation.json` tells."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from quadrivium.agents.explain.integrated import Attributions
from quadrivium.agents.explain.marks import PartView

_MOST_CELLS = 400
"""Of a grid whose cells are told; larger ones are in the pictures alone."""


def completeness(found: Attributions) -> dict[str, dict[str, float]]:
    """Returns by target how far the sums of the attributions are from what they explain."""
    told: dict[str, dict[str, float]] = {}
    for t, name in enumerate(found.targets):
        errors = found.errors[t].abs()
        explained = (found.outputs[t] - found.baselines[t]).abs()
        told[name] = {
            "largest_error": short(errors.max()),
            "mean_error": short(errors.mean()),
            "mean_explained": short(explained.mean()),
        }
    return told


def moment_facts(
    found: Attributions, views: Sequence[PartView], reached: Mapping[str, Any], k: int
) -> dict[str, Any]:
    """Returns what is told of the k-th decision; views: its parts; reached: its attention, as in `Moment`."""
    targets: dict[str, Any] = {}
    for t, target in enumerate(found.targets):
        targets[target] = {
            "output": short(found.outputs[t, k]),
            "baseline_output": short(found.baselines[t, k]),
            "completeness_error": short(found.errors[t, k]),
            "attributions": {view.name: _part(view, view.weights[t]) for view in views},
        }
    told: dict[str, Any] = {"targets": targets}
    if reached:
        told["attention"] = {
            name: by_name(names, weights) if names else [[short(x) for x in row] for row in weights]
            for name, (names, weights) in reached.items()
        }
    return told


def by_name(names: Sequence[str], weights: np.ndarray) -> dict[str, float]:
    """Returns weights (F,) by their names."""
    return {name: short(weight) for name, weight in zip(names, weights, strict=True)}


def short(number: Any) -> float:
    """Returns a number with four digits that count."""
    return float(f"{float(number):.4g}")


def plain(action: Any) -> Any:
    """Returns an action as a number, or a list of them."""
    array = np.asarray(action)
    if array.ndim == 0:
        return short(array) if array.dtype.kind == "f" else array.item()
    return [short(x) if array.dtype.kind == "f" else int(x) for x in array.ravel()]


def _part(view: PartView, weights: np.ndarray) -> dict[str, Any]:
    if weights.ndim == 1:
        return by_name(view.columns, weights)
    if weights.ndim == 2:
        return {
            name: {"sum": short(row.sum())} | by_name(view.columns, row)
            for name, row in zip(view.tokens, weights, strict=True)
            if name
        }
    told: dict[str, Any] = {"planes": by_name(view.columns, weights.sum((1, 2)))}
    if weights[0].size <= _MOST_CELLS:
        told["cells"] = [[short(x) for x in row] for row in weights.sum(0)]
    return told
