"""Checks of what users pass in; every error names the value, what is allowed, and the remedy."""

import difflib
import math
from collections.abc import Iterable


def require_choice(name: str, value: object, allowed: Iterable[str]) -> str:
    """Returns `value` if it is one of `allowed`, else raises ValueError with the nearest of them."""
    choices = list(allowed)
    if isinstance(value, str) and value in choices:
        return value
    near = difflib.get_close_matches(str(value), choices, n=1, cutoff=0.4)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise ValueError(f"{name}={value!r} is unknown: use one of {', '.join(map(repr, choices))}{hint}")


class UnknownArgumentError(TypeError, ValueError):
    """A keyword that no one knows: a TypeError as Python's own is, and a ValueError as all of ours are."""


def require_keyword(name: str, known: Iterable[str]) -> None:
    """Raises UnknownArgumentError, in the words that other libraries look for, unless `name` is known."""
    names = list(known)
    if name not in names:
        near = difflib.get_close_matches(str(name), names, n=1, cutoff=0.4)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise UnknownArgumentError(
            f"unexpected keyword argument {name!r}: use {'one of ' if len(names) > 1 else ''}"
            f"{', '.join(map(repr, names))}{hint}"
        )


def require_number(
    name: str, value: object, low: float, high: float, *, integer: bool = False, open_low: bool = False
) -> float:
    """Returns `value` if it is a number in [low, high], or (low, high] if `open_low`; else ValueError."""
    kind = "an integer" if integer else "a number"
    allowed = f"{kind} in {'(' if open_low else '['}{low}, {high}]"
    if isinstance(value, bool) or not isinstance(value, int if integer else int | float):
        raise ValueError(f"{name}={value!r} is no {kind.split()[1]}: use {allowed}")
    if not (low < value <= high if open_low else low <= value <= high):  # false for NaN
        raise ValueError(f"{name}={value!r} is out of range: use {allowed}")
    return value


def require_flag(name: str, value: object) -> bool:
    """Returns `value` if it is True or False, else raises ValueError."""
    if not isinstance(value, bool):
        raise ValueError(f"{name}={value!r} is no switch: use True or False")
    return value


def steps_of(steps: float) -> int:
    """Returns the steps that a duration by the length of a step is, rounded up: 16.6 s at 15 Hz are 249.

    A billionth of a step is rounding, not a step more; there is at least one.
    """
    return max(math.ceil(steps - 1e-9), 1)
