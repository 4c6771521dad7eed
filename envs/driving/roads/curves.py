"""Curves through knots that are equally far apart, NumPy over arrays of them: the centres of bent lanes.

Between two knots a curve is the cubic that has their places and directions (Hermite's); where the knots are
dense it is as long as the parameter says (`bend` makes them so), so that s is a length. Before its start and
beyond its end it goes straight on. The kernel's counterparts are in `lanes`.
"""

import numpy as np

KNOTS = 33
"""At most, a lane. All lanes have room for so many; those left over are the last one again."""
SPACING_M = 2.5
"""Between knots, where there are enough of them."""

_STEPS = 4  # of Newton's method: from the nearest knot two suffice for float32
_LEAST_SLOPE = 0.2  # keeps steps short where a place is near the middle of a bend


def at(
    knots: np.ndarray, pieces: np.ndarray, spacing: np.ndarray, s: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Returns x, y (m) and the unit direction (cosine, sine) of curves at s (m).

    knots: (KNOTS, 4) of one curve, and s of any shape; or (N, KNOTS, 4) of N curves, and s (N,): x, y, cosine
    and sine. pieces, spacing (m): () or (N,), between knots.
    """
    held = np.clip(s, 0, pieces * spacing)
    k = np.minimum((held / spacing).astype(np.int64), pieces - 1)
    x, y, dx, dy, _, _ = _piece(knots, spacing, k, held - k * spacing)
    size = np.hypot(dx, dy)
    cos, sin = dx / size, dy / size
    return x + (s - held) * cos, y + (s - held) * sin, cos, sin


def nearest(
    knots: np.ndarray, pieces: np.ndarray, spacing: np.ndarray, x: np.ndarray, y: np.ndarray
) -> np.ndarray:
    """Returns s (m) of the places on curves that are nearest to (x, y), of the shape of s in `at`."""
    away = (x[..., None] - knots[..., 0]) ** 2 + (y[..., None] - knots[..., 1]) ** 2
    first = np.minimum(away.argmin(-1), pieces)
    low, high = (first - 1) * spacing, (first + 1) * spacing
    s = first * spacing
    for _ in range(_STEPS):
        held = np.clip(s, 0, pieces * spacing)
        k = np.minimum((held / spacing).astype(np.int64), pieces - 1)
        px, py, dx, dy, ddx, ddy = _piece(knots, spacing, k, held - k * spacing)
        outside = s != held
        px, py = px + (s - held) * dx, py + (s - held) * dy
        bend = np.where(outside, 0.0, (x - px) * ddx + (y - py) * ddy)
        slope = dx * dx + dy * dy - bend
        s = s + ((x - px) * dx + (y - py) * dy) / np.maximum(slope, _LEAST_SLOPE)
        s = np.clip(s, np.where(first == 0, -np.inf, low), np.where(first == pieces, np.inf, high))
    return s


def _piece(knots: np.ndarray, spacing: np.ndarray, k: np.ndarray, s: np.ndarray) -> tuple[np.ndarray, ...]:
    """Returns x, y and their first and second derivatives, s m beyond knot k."""
    which = () if knots.ndim == 2 else (np.arange(len(knots)),)
    start, end = knots[(*which, k)], knots[(*which, k + 1)]
    u, found = s / spacing, []
    for axis in (0, 1):
        p, q = start[..., axis], end[..., axis]
        m, n = start[..., 2 + axis] * spacing, end[..., 2 + axis] * spacing
        b, a = 3 * (q - p) - 2 * m - n, 2 * (p - q) + m + n
        found.append((p + u * (m + u * (b + u * a)), (m + u * (2 * b + 3 * u * a)) / spacing))
        found[-1] += ((2 * b + 6 * u * a) / spacing**2,)
    (x, dx, ddx), (y, dy, ddy) = found
    return x, y, dx, dy, ddx, ddy


def bend(x: np.ndarray, y: np.ndarray, heading: np.ndarray) -> tuple[np.ndarray, int, float]:
    """Returns the knots (KNOTS, 4), the pieces between them and the length (m) of a curve.

    x, y, heading: (n,), dense samples of it, n ≥ 2. Between samples the length is that of an arc.
    """
    turns = np.remainder(np.diff(heading) + np.pi, 2 * np.pi) - np.pi
    chords = np.hypot(np.diff(x), np.diff(y))
    s = np.concatenate([[0.0], np.cumsum(chords / np.sinc(turns / (2 * np.pi)))])
    pieces = int(np.clip(np.ceil(s[-1] / SPACING_M), 1, KNOTS - 1))
    wanted = np.linspace(0.0, s[-1], pieces + 1)
    k = np.clip(np.searchsorted(s, wanted, side="right") - 1, 0, len(s) - 2)
    steps = np.maximum(s[k + 1] - s[k], 1e-9)
    samples = np.stack([x, y, np.cos(heading), np.sin(heading)], -1)
    pair = np.stack([samples[k], samples[k + 1]], -2)
    px, py, dx, dy, _, _ = _piece(pair, steps, np.zeros_like(k), wanted - s[k])  # a curve for each knot
    size = np.maximum(np.hypot(dx, dy), 1e-9)
    knots = np.stack([px, py, dx / size, dy / size], -1)
    return np.concatenate([knots, np.repeat(knots[-1:], KNOTS - 1 - pieces, 0)]), pieces, float(s[-1])
