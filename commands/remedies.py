"""Remedies in the words of the command line: what a message proposes in Python's, as it is typed."""

import re
from collections.abc import Generator
from contextlib import contextmanager

from quadrivium.agents.errors import UserError
from quadrivium.envs import options_of
from quadrivium.envs.core.options import hint_of

_PROPOSED = re.compile(r"\b(\w+)=('[^']*'|\[[^\]]*\]|\{[^}]*\}|[-+\w.]*\w)")


@contextmanager
def typed_remedies(env_id: str, form: str = "--env.kwargs.{} {}") -> Generator[None]:
    """Adds to a UserError how its remedies are typed: adjust='none' is `--env.kwargs.load.adjust none`."""
    try:
        yield
    except UserError as error:
        options = remedies_of(env_id, str(error), form)
        if not options:
            raise
        raise UserError(f"{error} (on the command line: {' or '.join(options)})") from error


def remedies_of(env_id: str, message: str, form: str = "--env.kwargs.{} {}") -> list[str]:
    """Returns the options by which the remedies of a message, which follow its semicolon, are typed."""
    kind = options_of(env_id)
    if kind is None:
        return []
    found: list[str] = []
    for name, value in _PROPOSED.findall(message.partition("; ")[2]):
        place = next((f"{first}.{name}" for first in kind.keywords if _has(kind, f"{first}.{name}")), name)
        if place == name and name not in kind.names():
            continue
        told = form.format(_option(place), _text(value))
        pair = re.fullmatch(r"\{'(\w+)': (.*)\}", value)
        if pair is not None:
            told = form.format(_option(f"{place}.{pair[1]}"), _text(pair[2]))
        if told not in found:
            found.append(told)
    return found


def _has(kind: type, name: str) -> bool:
    return hint_of(kind, name) is not hint_of(kind, "nothing.of.that.name")  # pyright: ignore[reportArgumentType]


def _option(name: str) -> str:
    return name.replace("_", "-")


def _text(value: str) -> str:
    """Returns a Python literal as YAML in a shell."""
    if value in ("None", "True", "False"):
        return {"None": "null", "True": "true", "False": "false"}[value]
    if value == "...":
        return "NAME"
    if value.startswith("["):
        return '"[NAME, ...]"' if "..." in value else f'"{value}"'
    bare = value.strip("'\"")
    return bare if re.fullmatch(r"[-+\w.%:/]+", bare) else f'"{bare}"'
