"""A table of an environment's arguments, from which they are checked and get their defaults."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from envs.core.validation import require_choice, require_number, with_defaults

Number = tuple[str, float, float, float, str]
"""Name, default, lowest, highest, and kind: "number", "integer", or "positive" (above the lowest)."""


@dataclass(frozen=True)
class OptionTable:
    """The arguments that an environment takes.

    Attributes:
        numbers: a row each.
        choices: what is allowed by name, the default first; a kernel knows a choice by its place.
        switches: True or False, by name with their defaults.
        others: arguments that are checked elsewhere, by name with their defaults.
    """

    numbers: tuple[Number, ...]
    choices: Mapping[str, tuple[str, ...]]
    switches: Mapping[str, bool] = field(default_factory=dict)
    others: Mapping[str, Any] = field(default_factory=dict)

    def check(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Returns all arguments, those not given by default; ValueError for a wrong name or value."""
        defaults = {name: allowed[0] for name, allowed in self.choices.items()}
        defaults |= {row[0]: row[1] for row in self.numbers}
        chosen = with_defaults(options, {**self.others, **self.switches, **defaults})
        for name, _, low, high, kind in self.numbers:
            integer, positive = kind == "integer", kind == "positive"
            require_number(name, chosen[name], low, high, integer=integer, open_low=positive)
        for name, allowed in self.choices.items():
            require_choice(name, chosen[name], allowed)
        for name in self.switches:
            if not isinstance(chosen[name], bool):
                raise ValueError(f"{name}={chosen[name]!r} is no switch: use True or False")
        return chosen

    def index(self, name: str, chosen: Mapping[str, Any]) -> int:
        """Returns the kernel's number of a choice, which is its place among those allowed."""
        return self.choices[name].index(chosen[name])
