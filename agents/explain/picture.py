"""Explanations as pictures: what speaks for a choice in green, what speaks against it in magenta."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from quadrivium.agents.explain.marks import AGAINST, FOR, Mark, PartView, marks

INK, PALE = "0.2", "0.6"
MOST_BARS = 16
"""Of a vector; the rest is summed up in one."""
_TARGETS = 3  # of them are drawn beside one another
_WIDTH = 11.0  # inches, of the whole picture
_FEW = 24  # tokens whose names fit beside a map of attention
_DPI = 100


@dataclass(frozen=True)
class Moment:
    """An observation and its explanation.

    Attributes:
        title: what is seen and done.
        targets: names of what is explained.
        parts: of the observation.
        frame: (H, W, 3) uint8, or None.
        reached: names and weights of what attention brought to the pooled features; grids come as arrays of
            patches: part name to (names, (N,)) or ((), (rows, columns)).
        blocks: of each encoder block the heads' mean (N, N): who looks (row) at whom.
        looking: names of those N, present tokens all.
    """

    title: str
    targets: Sequence[str]
    parts: Sequence[PartView]
    frame: np.ndarray | None = None
    reached: dict[str, tuple[Sequence[str], np.ndarray]] = field(default_factory=dict)
    blocks: Sequence[np.ndarray] = ()
    looking: Sequence[str] = ()


def draw_moment(moment: Moment) -> np.ndarray:
    """Returns the picture (H, W, 3) uint8: a column a target, with the frame and its weights on it and a
    chart of each part; below them the attention.
    """
    shown, frame = min(len(moment.targets), _TARGETS), moment.frame
    heights = [_part_inches(part) for part in moment.parts]
    if frame is not None:
        heights.insert(0, _WIDTH / shown * frame.shape[0] / frame.shape[1] + 0.2)
    figure, bands = _sheet(moment.title, [*heights, *([_attention_inches(moment)] if moment.reached else [])])
    if frame is not None:
        on_it = any(part.places is not None for part in moment.parts)  # else it is shown once
        for k, axis in enumerate(np.atleast_1d(bands.pop(0).subplots(1, shown if on_it else 1))):
            if on_it:
                title = f"what speaks for the {moment.targets[k]}, and what against"
                axis.set_title(title, fontsize=9, loc="left")
            _draw_frame(axis, frame, moment.parts, k)
    for part in moment.parts:
        for k, axis in enumerate(np.atleast_1d(bands.pop(0).subplots(1, shown))):
            axis.set_title(f"{moment.targets[k]}: {part.name}", fontsize=9, loc="left")
            _draw_part(axis, part, part.weights[k])
    if moment.reached:
        _draw_attention(bands.pop(0), moment)
    return _pixels(figure)


def draw_overall(title: str, targets: Sequence[str], parts: Sequence[PartView]) -> np.ndarray:
    """Returns the picture of mean absolute weights, each part's (T, F): what mattered, for or against."""
    shown = min(len(targets), _TARGETS)
    heights = [_bars_inches(part) for part in parts]
    figure, bands = _sheet(title, heights)
    for band, part in zip(bands, parts, strict=True):
        for k, axis in enumerate(np.atleast_1d(band.subplots(1, shown))):
            axis.set_title(f"{targets[k]}: {part.name}", fontsize=9, loc="left")
            _bars(axis, part.columns, part.weights[k], INK)
    return _pixels(figure)


# ---- parts


def _draw_frame(axis: Any, frame: np.ndarray, parts: Sequence[PartView], target: int) -> None:
    """Draws the frame, and on it what each token or cell did for a target."""
    height, width, _ = frame.shape
    axis.imshow(frame)
    axis.set_xlim(0, width)
    axis.set_ylim(height, 0)
    axis.axis("off")
    for mark in marks(parts, target, (width, height)):
        _disc(axis, mark)
        if mark.label:
            _label(axis, mark)


def _disc(axis: Any, mark: Mark) -> None:
    from matplotlib.patches import Circle

    centre, face = (mark.x, mark.y), (mark.colour, mark.face)
    axis.add_patch(Circle(centre, mark.radius, facecolor="none", edgecolor="white", linewidth=2.6))
    axis.add_patch(Circle(centre, mark.radius, facecolor=face, edgecolor=mark.colour, linewidth=1.2))


def _label(axis: Any, mark: Mark) -> None:
    from matplotlib.patheffects import withStroke

    above = not mark.filled
    effects = [withStroke(linewidth=2.2, foreground="white" if above else mark.colour)]
    axis.text(
        mark.x, mark.label_y, mark.label, color=mark.colour if above else "white", fontsize=8, weight="bold",
        ha="center", va="bottom" if above else "center", path_effects=effects, clip_on=True,
    )  # fmt: skip


def _draw_part(axis: Any, part: PartView, weights: np.ndarray) -> None:
    if weights.ndim == 1:
        _bars(axis, part.columns, weights)
    elif weights.ndim == 2:
        _token_map(axis, part, weights)
    elif part.places is None:
        _cell_map(axis, weights.sum(0))
    else:  # the cells are on the frame
        _bars(axis, part.columns, weights.sum((1, 2)))


def _bars(
    axis: Any, names: Sequence[str], weights: np.ndarray, colour: str | None = None, *, ranked: bool = True
) -> None:
    """Draws a bar a number, the largest first if they are ranked; what is left out is one bar."""
    order = np.argsort(-np.abs(weights), kind="stable") if ranked else np.arange(len(weights))
    shown, left_out = order[:MOST_BARS], order[MOST_BARS:]
    labels, lengths = [names[k] for k in shown], [float(weights[k]) for k in shown]
    if len(left_out):
        labels.append(f"{len(left_out)} others")
        lengths.append(float(weights[left_out].sum()))
    colours = [colour or (FOR if length > 0 else AGAINST) for length in lengths]
    axis.barh(range(len(labels)), lengths, color=colours, height=0.72)
    axis.set_yticks(range(len(labels)), labels, fontsize=8)
    axis.set_ylim(max(len(labels), 3) - 0.5, -0.5)
    axis.axvline(0, color=INK, linewidth=0.6)
    _plain(axis)


def _token_map(axis: Any, part: PartView, weights: np.ndarray) -> None:
    """Draws tokens against their numbers, with each token's sum at the right; absent tokens are left out."""
    there = [k for k, name in enumerate(part.tokens) if name]
    shown = weights[there]
    limit = float(np.abs(shown).max(initial=0.0)) or 1.0
    axis.imshow(shown, cmap="PiYG", vmin=-limit, vmax=limit, aspect="auto")
    for row, values in enumerate(shown):
        for column, value in enumerate(values):
            if abs(value) >= 0.05 * limit:
                colour = "white" if abs(value) > 0.6 * limit else INK
                axis.text(column, row, f"{value:+.2g}", ha="center", va="center", fontsize=7, color=colour)
        total = float(values.sum())
        axis.text(
            len(values) - 0.4, row, f" {total:+.2g}", va="center", fontsize=8, weight="bold",
            color=FOR if total > 0 else AGAINST,
        )  # fmt: skip
    axis.set_xticks(range(shown.shape[1]), part.columns, fontsize=8, rotation=20, ha="right")
    axis.set_yticks(range(len(there)), [part.tokens[k] for k in there], fontsize=8)
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)


def _cell_map(axis: Any, weights: np.ndarray) -> None:
    limit = float(np.abs(weights).max()) or 1.0
    axis.imshow(weights, cmap="PiYG", vmin=-limit, vmax=limit)
    axis.set_xticks([])
    axis.set_yticks([])
    axis.set_xlabel(f"sum over planes; deepest colour {limit:.2g}", fontsize=8)
    axis.spines[:].set_color(PALE)


# ---- attention


def _draw_attention(band: Any, moment: Moment) -> None:
    """Draws how much of each token reached the pooled features, and what each block's tokens looked at."""
    axes = np.atleast_1d(band.subplots(1, len(moment.reached) + len(moment.blocks)))
    for axis, (name, (names, weights)) in zip(axes, moment.reached.items(), strict=False):
        axis.set_title(f"attention that reached the policy: {name}", fontsize=9, loc="left")
        if names:
            _bars(axis, names, weights, INK, ranked=len(names) > MOST_BARS)
            axis.xaxis.set_major_formatter(lambda share, _: f"{100 * share:g} %")
        else:
            axis.imshow(weights, cmap="Greys", vmin=0.0)
            axis.set_xticks([])
            axis.set_yticks([])
    for k, (axis, weights) in enumerate(zip(axes[len(moment.reached) :], moment.blocks, strict=True)):
        axis.set_title(f"block {k + 1}: who looks (row) at whom", fontsize=9, loc="left")
        axis.imshow(weights, cmap="Greys", vmin=0.0, vmax=1.0)
        few = range(len(moment.looking)) if len(moment.looking) <= _FEW else []
        axis.set_xticks(few, [moment.looking[k] for k in few], fontsize=7, rotation=40, ha="right")
        axis.set_yticks(few, [moment.looking[k] for k in few], fontsize=7)
        axis.spines[:].set_color(PALE)


# ---- sheets


def _part_inches(part: PartView) -> float:
    if part.weights.ndim == 3:
        return 0.26 * max(sum(map(bool, part.tokens)), 2) + 0.9
    return 3.0 if part.weights.ndim == 4 and part.places is None else _bars_inches(part)


def _attention_inches(moment: Moment) -> float:
    return min(0.2 * len(moment.looking) + 1.2, 4.0)


def _bars_inches(part: PartView) -> float:
    return 0.24 * min(max(len(part.columns), 3), MOST_BARS + 1) + 0.5


def _sheet(title: str, heights: Sequence[float]) -> tuple[Any, list[Any]]:
    """Returns a figure with a title, and its bands of so many inches, from top to bottom."""
    from matplotlib.figure import Figure  # slow to import, and not every command draws

    height = sum(heights) + 0.3 * len(heights) + 0.3
    figure = Figure(figsize=(_WIDTH, height), dpi=_DPI, layout="constrained")
    figure.suptitle(title, fontsize=11, x=0.01, ha="left")
    bands: Any = figure.subfigures(len(heights), 1, squeeze=False, height_ratios=heights)
    return figure, list(bands[:, 0])


def _plain(axis: Any) -> None:
    axis.tick_params(labelsize=8)
    axis.grid(axis="x", linewidth=0.4, color="0.85")
    axis.set_axisbelow(True)
    axis.spines[["top", "right", "left"]].set_visible(False)
    axis.tick_params(axis="y", length=0)


def _pixels(figure: Any) -> np.ndarray:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()
