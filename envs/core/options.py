"""The arguments of a world, declared once: name, default, what is allowed and what it means, in one class."""

import ast
import inspect
import textwrap
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import (
    Any,
    ClassVar,
    Literal,
    NamedTuple,
    Self,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

import numpy as np

from quadrivium.envs.core.validation import require_choice, require_flag, require_keyword, require_number

P = TypeVar("P", bound=tuple[Any, ...])
_CASTS: dict[Any, Any] = {int: int, float: float, np.float32: np.float32}


class Bounds(NamedTuple):
    """What a number may be: in [low, high], or in (low, high] if `above`; None too if `none`."""

    low: float
    high: float
    integer: bool
    above: bool
    none: bool


def number(default: float | None, low: float, high: float, *, above: bool = False, none: bool = False) -> Any:
    """Returns a field that is a number in [low, high], or (low, high] if `above`; None too if `none`."""
    return field(default=default, metadata={"bounds": Bounds(low, high, False, above, none)})


def integer(default: int | None, low: int, high: int, *, none: bool = False) -> Any:
    """Returns a field that is an integer in [low, high]; None too if `none`."""
    return field(default=default, metadata={"bounds": Bounds(low, high, True, False, none)})


def integers(default: tuple[int, ...], low: int, high: int, most: int) -> Any:
    """Returns a field that is a list of 1 to `most` different integers in [low, high]."""
    return field(default=default, metadata={"list": (low, high, most)})


def rising(default: tuple[float, ...] | None, low: float, high: float, most: int) -> Any:
    """Returns a field that is a list of 2 to `most` rising numbers in [low, high], or None."""
    return field(default=default, metadata={"rising": (low, high, most)})


@dataclass(frozen=True, kw_only=True)
class Options:
    """The arguments of a world; each world has a subclass, with a field and a docstring for each argument.

    A field says by itself what is allowed: `number(...)` and `integer(...)` by their bounds, a `Literal` by
    its texts, a `bool` because it is one. Everything else is for `check`. What is not allowed is a ValueError
    in one line: the value, what is allowed, and the nearest name.
    """

    keywords: ClassVar[Mapping[str, Callable[..., Any]]] = {}
    """functions whose keywords an argument of that name holds"""
    PRESETS: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    """what each choice of an argument `preset` says of those not given"""
    COUNT: ClassVar[str | None] = None
    """the argument that says how many agents act at once, where there can be several"""

    split: Literal["train", "test"] = "train"
    """no scenario of the one is ever drawn in the other"""
    flat: bool = False
    """observe one vector, all parts one after another, for clients that take nothing else; masks of legal
    actions are then in `info` and `action_masks()` only
    """

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Self:
        """Returns the options with those `given`; what `preset` says, and defaults, for the others.

        Raises:
            UnknownArgumentError: a name that is none of them; a TypeError, and a ValueError.
            ValueError: a wrong value.
        """
        for name in given:
            require_keyword(name, cls.names())
        return cls(**cls._with_preset(given))

    @classmethod
    def _with_preset(cls, given: Mapping[str, Any]) -> dict[str, Any]:
        preset = given.get("preset", getattr(cls, "preset", None))
        return {**cls.PRESETS.get(str(preset), {}), **given}

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Returns the names of the arguments."""
        return tuple(one.name for one in fields(cls))

    def __post_init__(self) -> None:
        for name in self.names():
            value, limits, allowed = getattr(self, name), bounds(type(self), name), choices(type(self), name)
            if limits is not None and not (limits.none and value is None):
                low, high, whole, above, _ = limits
                require_number(name, value, low, high, integer=whole, open_low=above)
            elif listed := _metadata(type(self), name).get("list"):
                _require_integers(name, value, *listed, default=getattr(type(self), name))
            elif (limits := _metadata(type(self), name).get("rising")) and value is not None:
                _require_rising(name, value, *limits)
            elif allowed:
                require_choice(name, value, allowed)
            elif hints(type(self))[name] is bool:
                require_flag(name, value)
        self.check()

    def check(self) -> None:
        """Raises ValueError for values that are wrong in a way that no single field says."""

    @classmethod
    def agents_in(cls, given: Mapping[str, Any]) -> int:
        """Returns how many agents act at once in a world of these arguments, which are not checked."""
        if cls.COUNT is None:
            return 1
        count = cls._with_preset(given).get(cls.COUNT, getattr(cls, cls.COUNT))
        return count if isinstance(count, int) else 1

    def index(self, name: str) -> int:
        """Returns a kernel's number of a choice, which is its place among those allowed."""
        return choices(type(self), name).index(getattr(self, name))


def params_of(params: type[P], options: Options, **derived: Any) -> P:
    """Returns a kernel's parameters: those `derived`, and all others from the options of the same names.

    Each is made what its annotation says, int, float or float32; a choice becomes its number.
    """
    values: dict[str, Any] = {}
    names = options.names()
    for name, kind in hints(params).items():
        if name not in derived and name not in names:
            raise TypeError(f"{params.__name__}.{name} is no option of {type(options).__name__}; derive it")
        value = derived.pop(name) if name in derived else getattr(options, name)
        if isinstance(value, str) and name in names:
            value = options.index(name)
        values[name] = _CASTS[kind](value) if kind in _CASTS else value
    if derived:
        raise TypeError(f"{params.__name__} has no field {', '.join(derived)}")
    return params(**values)


@cache
def hints(kind: type) -> dict[str, Any]:
    """Returns the annotations of a class, those it inherits too."""
    return get_type_hints(kind)


def hint_of(kind: type[Options], name: str) -> Any:
    """Returns the annotation of an argument, or of a part of one: "load.columns.time"; Any where
    there is none.
    """
    first, *rest = name.split(".")
    hint = hints(kind).get(first, Any)
    for k, part in enumerate(rest):
        if k == 0 and first in kind.keywords:
            hint = get_type_hints(kind.keywords[first]).get(part, Any)
        else:
            mappings = [one for one in _members(hint) if get_origin(one) is Mapping]
            hint = get_args(mappings[0])[1] if mappings else Any
    return hint


def is_text(hint: Any) -> bool:
    """Returns whether an annotation allows texts, or lists or mappings of them, but no number and
    no switch.
    """
    members = [one for one in _members(hint) if one is not type(None)]
    if any(one in (Any, int, float, bool) for one in members):
        return False
    for one in members:
        if one in (str, Path) or get_origin(one) is Literal:
            return True
        if get_origin(one) is not None and get_args(one) and is_text(get_args(one)[-1]):
            return True
    return False


def _members(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)


@cache
def choices(kind: type[Options], name: str) -> tuple[str, ...]:
    """Returns the texts that an argument may be; none if it is no choice."""
    hint = hints(kind)[name]
    return get_args(hint) if get_origin(hint) is Literal else ()


@cache
def bounds(kind: type[Options], name: str) -> Bounds | None:
    """Returns what a number may be; None if the argument is no number."""
    return _metadata(kind, name).get("bounds")


def _metadata(kind: type[Options], name: str) -> Mapping[str, Any]:
    return next(one for one in fields(kind) if one.name == name).metadata


def _require_integers(name: str, values: object, low: int, high: int, most: int, default: object) -> None:
    form = f"use a list of different integers in [{low}, {high}], such as {default}"
    if not isinstance(values, list | tuple) or not 0 < len(values) <= most:
        raise ValueError(f"{name}={values!r} is no list of 1 to {most} numbers; {form}")
    numbers = cast(list[object], list(values))
    if any(isinstance(v, bool) or not isinstance(v, int) or not low <= v <= high for v in numbers):
        raise ValueError(f"{name}={values!r} holds what is not allowed; {form}")
    if len(set(numbers)) < len(numbers):
        raise ValueError(f"{name}={values!r} holds a number twice; {form}")


def _require_rising(name: str, values: object, low: float, high: float, most: int) -> None:
    counted = "2" if most == 2 else f"2 to {most}"
    form = f"use a list of {counted} rising numbers in [{low}, {high}]"
    if not isinstance(values, list | tuple) or not 2 <= len(values) <= most:
        raise ValueError(f"{name}={values!r} is no list of {counted} numbers; {form}")
    numbers = cast(list[object], list(values))
    if any(isinstance(v, bool) or not isinstance(v, int | float) or not low <= v <= high for v in numbers):
        raise ValueError(f"{name}={values!r} holds what is not allowed; {form}")
    if any(a >= b for a, b in pairwise(cast(list[float], numbers))):
        raise ValueError(f"{name}={values!r} does not rise; {form}")


@cache
def meanings(kind: type[Options]) -> dict[str, str]:
    """Returns what the docstring below each field says, on one line."""
    found: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        if not issubclass(base, Options):
            continue
        found |= _docstrings(base)
    return {name: found[name] for name in kind.names() if name in found}


def _docstrings(kind: type[Options]) -> dict[str, str]:
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(kind))).body[0]
    except (OSError, TypeError):  # a class that was made, not written
        return {}
    assert isinstance(tree, ast.ClassDef)
    found: dict[str, str] = {}
    for one, after in zip(tree.body, tree.body[1:], strict=False):
        if (
            isinstance(one, ast.AnnAssign)
            and isinstance(one.target, ast.Name)
            and isinstance(after, ast.Expr)
            and isinstance(after.value, ast.Constant)
        ):
            found[one.target.id] = " ".join(str(after.value.value).split())
    return found
