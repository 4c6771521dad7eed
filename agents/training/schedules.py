"""Hyper-parameters that change in the course of a training."""

from collections.abc import Callable

Schedule = Callable[[float], float]
"""A number by the share of the training that remains, from 1 to 0."""


def linear(start: float, end: float = 0.0, share: float = 1.0) -> Schedule:
    """Returns a schedule that moves from `start` to `end` in the first `share` of the training."""
    return lambda remaining: end if 1 - remaining > share else start + (1 - remaining) * (end - start) / share


def schedule(value: float, kind: str) -> Schedule:
    """Returns the schedule of this `kind`: "constant", or "linear", which falls to 0."""
    return linear(value, 0.0 if kind == "linear" else value)
