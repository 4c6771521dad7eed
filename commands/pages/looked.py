"""What is told of an explained decision beside its picture: plain data, short enough for a phone."""

import base64
import io
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from PIL import Image

from quadrivium.agents.explain.marks import PartView
from quadrivium.agents.explain.overlay import cell_map
from quadrivium.commands.explain_facts import short
from quadrivium.commands.explainer import Explanation

MOST_ROWS = 8
"""Of parts that are told one by one; the others' sum is told."""
MOST_TARGETS = 16
_DETAILS = 2  # numbers of a token that are named


def told(explanation: Explanation, views: Sequence[PartView], action: Any, target: int) -> dict[str, Any]:
    """Returns what one decision rests on. target: by which the parts are ranked, as `show_target` gives it.

    views: its parts, placed if they lie in the frame. action: the network's own choice, plain or by its name.
    """
    found, looked = explanation.found, explanation.looked(0)
    reached = looked.get("reached", {})
    rows = [row for view in views for row in _rows(view, target, reached)]
    rows.sort(key=lambda row: -abs(row["weights"][target]))
    left = np.array([row["weights"] for row in rows[MOST_ROWS:]]).sum(0)
    count = len(rows) - MOST_ROWS
    return {
        "action": action,
        "target": target,
        "targets": [
            {
                "name": name,
                "output": short(found.outputs[t, 0]),
                "baseline": short(found.baselines[t, 0]),
                "error": short(found.errors[t, 0]),
            }
            for t, name in enumerate(found.targets[:MOST_TARGETS])
        ],
        "rows": [row | {"weights": [short(x) for x in row["weights"]]} for row in rows[:MOST_ROWS]],
        "others": {"count": count, "weights": [short(x) for x in left]} if count > 0 else None,
        "maps": [*_cell_maps(views, target), *_patch_maps(reached)],
    }


def show_target(explanation: Explanation, wanted: int) -> int:
    """Returns the number of the target that is shown where one is wanted; the last one if there are fewer."""
    return min(wanted, len(explanation.found.targets) - 1, MOST_TARGETS - 1)


def _rows(view: PartView, target: int, reached: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Returns a row a number of a vector, a token, or a plane of a grid."""
    weights = view.weights[:MOST_TARGETS]
    names, shares = reached.get(view.name, ((), ()))
    share_of = dict(zip(names, np.asarray(shares).tolist(), strict=True)) if names else {}
    tokens = weights.ndim == 3
    sums = weights.sum(-1) if tokens else weights.sum((2, 3)) if weights.ndim == 4 else weights  # (T, rows)
    for k, name in enumerate(view.tokens if tokens else view.columns):
        if not name:
            continue  # a token that is absent
        detail = ""
        if tokens:
            most: list[int] = np.argsort(-np.abs(weights[target, k]))[:_DETAILS].tolist()
            detail = ", ".join(view.columns[f] for f in most)
        share = share_of.get(name)
        yield {
            "part": view.name,
            "name": name,
            "detail": detail,
            "weights": sums[:, k].tolist(),
            "share": None if share is None else short(share),
        }


def _cell_maps(views: Sequence[PartView], target: int) -> Iterator[dict[str, Any]]:
    """Returns the cells of grids that lie nowhere in the frame."""
    for view in views:
        if view.weights.ndim == 4 and view.places is None:
            cells = view.weights[target].sum(0)
            limit = short(np.abs(cells).max())
            yield {"name": f"{view.name}: its cells", "limit": limit, "picture": _png(cell_map(cells))}


def _patch_maps(reached: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Returns how much of each patch of a grid attention brought to the policy."""
    for name, (names, weights) in reached.items():
        if not names:
            grey = 255.0 * (1.0 - weights / (float(weights.max()) or 1.0))
            picture = _png(np.rint(grey).astype(np.uint8))
            yield {"name": f"{name}: attention", "limit": short(weights.max()), "picture": picture}


def _png(picture: np.ndarray) -> str:
    """Returns the address of a small picture that is its own text."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, format="PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
