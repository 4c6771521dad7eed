"""What kind of number a measure is, said once where the measure is defined, by its name.

A `Measure` is a text like any other, the key of `info["metrics"]` and of a column, and knows its kind, so
that every table, plot and interval shows it as what it is, and nobody guesses from the values of a few
episodes.
"""

import math
from typing import TYPE_CHECKING, Literal, Self

import numpy as np

if TYPE_CHECKING:
    from quadrivium.intervals import Interval

Kind = Literal["rate", "share", "count", "money", "number"]
_RATES = ("success", "is_success", "crash", "collision")  # as other people's environments call them


class Measure(str):
    """The name of a measure.

    Attributes:
        kind: `rate`, 0 or 1 an episode, shown in percent with Wilson's interval; `share` of something, shown
            in percent; `count`; `money`; or any other `number`.
    """

    kind: Kind
    __slots__ = ("kind",)

    def __new__(cls, name: str, kind: Kind = "number") -> Self:
        """Returns the name with its kind."""
        self = super().__new__(cls, name)
        self.kind = kind
        return self

    def __getnewargs__(self) -> tuple[str, Kind]:
        return str(self), self.kind


def rate(name: str) -> Measure:
    """Returns the name of what is 0 or 1 in an episode."""
    return Measure(name, "rate")


def share(name: str) -> Measure:
    """Returns the name of a part of something, such as a return: 0.05 is 5 %."""
    return Measure(name, "share")


def count(name: str) -> Measure:
    """Returns the name of a number of things."""
    return Measure(name, "count")


def money(name: str) -> Measure:
    """Returns the name of an amount of money."""
    return Measure(name, "money")


def kind_of(name: str) -> Kind:
    """Returns the kind of a measure; of a plain text `rate` for the usual words, else `number`."""
    return name.kind if isinstance(name, Measure) else "rate" if name in _RATES else "number"


def measure_interval(name: str, values: np.ndarray, size: int = 1) -> "Interval":
    """Returns the mean of a measure with its 95 % interval: Wilson's for a rate.

    size: of the clusters that `values` come in, agents of one world.
    """
    from quadrivium.intervals import cluster_means, interval, mean_interval  # SciPy is slow to import

    if kind_of(name) == "rate":
        return interval(values, size=size)
    return mean_interval(cluster_means(values, size))


def in_percent(name: str) -> bool:
    """Returns whether a measure is shown in percent."""
    return kind_of(name) in ("rate", "share")


def format_number(value: float) -> str:
    """Returns about three significant digits, a dash for NaN; exponents below 0.0001 alone."""
    if math.isnan(value):
        return "–"
    size = abs(value)
    if size == 0:
        return "0.00"
    if size < 0.9995e-4:
        return f"{value:.2e}"
    digits = 0 if size >= 999.5 else max(2 - math.floor(math.log10(size * 1.0005)), 0)
    return f"{value:,.{digits}f}"


def format_measure(name: str, value: "Interval") -> str:
    """Returns `estimate [low, high]` of a measure, as its kind is shown."""
    if in_percent(name):
        estimate, low, high = (format_percent(100 * part) for part in (value.estimate, value.low, value.high))
        return f"{estimate} % [{low}, {high}]"
    return f"{format_number(value.estimate)} [{format_number(value.low)}, {format_number(value.high)}]"


def format_percent(value: float) -> str:
    """Returns a number of percent: a decimal from 1 on, about three significant digits below."""
    return f"{value:,.1f}" if abs(value) >= 0.995 else "0.0" if value == 0 else format_number(value)
