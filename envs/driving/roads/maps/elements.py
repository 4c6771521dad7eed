"""Elements of an XML file with the lines on which they stand, for files that may come from anywhere.

A file with a document type is refused, so that no entity is ever expanded and nothing else is ever opened.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn
from xml.parsers import expat

MOST_BYTES = 200_000_000
_DEEPEST = 60


class _Refused(Exception):
    """A reason, while the file is parsed."""


@dataclass
class Element:
    """An element.

    Attributes:
        file: of which it is one.
        line: on which it begins.
    """

    file: Path
    name: str
    attributes: dict[str, str]
    line: int
    parts: list[Element] = field(default_factory=list)

    def all(self, name: str) -> Iterator[Element]:
        """Yields the parts of that name."""
        return (part for part in self.parts if part.name == name)

    def one(self, name: str) -> Element | None:
        """Returns the first part of that name."""
        return next(self.all(name), None)

    def text(self, name: str, default: str | None = None) -> str:
        """Returns an attribute; ValueError where it is missing and has no default."""
        found = self.attributes.get(name, default)
        if found is None:
            self.fail(f"has no {name}", f"give it {name}=…")
        return found

    def number(self, name: str, default: float | None = None) -> float:
        """Returns an attribute that is a finite number."""
        given = self.attributes.get(name)
        if given is None and default is not None:
            return default
        try:
            found = float(self.text(name))
        except ValueError:
            found = math.nan
        if given is None or not math.isfinite(found):
            self.fail(
                f"has {name}={given!r}" if given is not None else f"has no {name}", "give a finite number"
            )
        return found

    def fail(self, fault: str, remedy: str) -> NoReturn:
        """Raises ValueError: what is wrong with this element, and what to do about it."""
        identity = self.attributes.get("id")
        name = self.name if identity is None else f"{self.name} {identity[:40]!r}"
        raise ValueError(f"{self.file}, line {self.line}: {name} {fault}; {remedy}")


def read_elements(file: Path, root: str, kind: str) -> Element:
    """Returns the outermost element of a file, which must be called `root`.

    kind: what such a file is, in errors. Raises ValueError for a file that cannot be read or is none.
    """
    try:
        size = file.stat().st_size
        if size > MOST_BYTES:
            raise ValueError(
                f"{file} has {size:,} bytes; at most {MOST_BYTES:,} are read: cut a smaller part out"
            )
        text = file.read_bytes()
    except OSError as error:
        raise ValueError(f"{file} cannot be read ({error.strerror}); give the path of {kind}") from None
    if not text.strip():
        raise ValueError(f"{file} is empty; give {kind}")
    outermost: list[Element] = []
    opened: list[Element] = []
    parser = expat.ParserCreate()

    def begin(name: str, attributes: dict[str, str]) -> None:
        name = name.rpartition(":")[2]
        if not opened and name != root:
            raise _Refused(f"is <{name}>, and {kind} is <{root}>; give such a file")
        if len(opened) >= _DEEPEST:
            raise _Refused(f"holds elements more than {_DEEPEST} deep; give {kind}")
        element = Element(file, name, attributes, parser.CurrentLineNumber)
        (opened[-1].parts if opened else outermost).append(element)
        opened.append(element)

    def refuse(*_: object) -> None:
        raise _Refused("declares a document type, which is not read; take the lines of <!DOCTYPE …> out")

    parser.StartElementHandler = begin
    parser.EndElementHandler = lambda _: opened.pop()
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(text, True)
    except _Refused as reason:
        raise ValueError(f"{file}, line {parser.CurrentLineNumber}: the file {reason}") from None
    except (expat.ExpatError, ValueError, LookupError) as error:
        reason = str(error).splitlines()[0] if str(error) else "unknown encoding"
        raise ValueError(f"{file} is no XML ({reason}); give {kind}, saved anew") from None
    return outermost[0]
