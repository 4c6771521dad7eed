"""The language of Stage's worlds: models with properties, macros, and files that include others."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

_TOKEN = re.compile(r'(?P<gap>\s+|#[^\n]*)|"(?P<text>[^"\n]*)"|(?P<sign>[()\[\]])|(?P<word>[^\s()\[\]"#]+)')
_DEEPEST, _MOST_FILES = 50, 100

Value = str | list[str]


@dataclass
class Model:
    """A model, or a macro that models are made by."""

    kinds: tuple[str, ...]  # what it is called, and the macros behind that
    line: int
    properties: dict[str, Value] = field(default_factory=dict[str, Value])


class Worldfile(NamedTuple):
    """What a world holds."""

    properties: dict[str, Value]  # of the world itself
    models: list[Model]  # at its top, in their order


class _Token(NamedTuple):
    text: str
    sign: bool  # a bracket; otherwise a word or a text in quotes
    quoted: bool
    line: int


def read_worldfile(file: Path) -> Worldfile:
    """Reads a `.world` and what it includes; raises ValueError with file, line and what is wrong, in one
    line.
    """
    world = Worldfile({}, [])
    _Reader(world).read(file, [])
    return world


class _Reader:
    def __init__(self, world: Worldfile) -> None:
        self._world = world
        self._macros: dict[str, Model] = {}
        self._files = 0

    def read(self, file: Path, within: list[Path]) -> None:
        """Reads a file that is included by the files `within`."""
        self._files += 1
        if file in within or self._files > _MOST_FILES:
            raise ValueError(f"{file} includes itself, or too much; take the include out")
        tokens, at = _tokens(file), 0
        while at < len(tokens):
            at = self._statement(file, tokens, at, self._world.properties, [*within, file])

    def _statement(
        self, file: Path, tokens: list[_Token], at: int, into: dict[str, Value], within: list[Path]
    ) -> int:
        """Reads an include, a macro, a model or a property at the top; returns where the next begins."""
        token = tokens[at]
        if token.text == "include" and not token.quoted:
            self.read(file.parent / _word(file, tokens, at + 1).text, within)
            return at + 2
        if token.text == "define" and not token.quoted:
            name, base = _word(file, tokens, at + 1), _word(file, tokens, at + 2)
            macro, at = self._model(file, tokens, at + 2, base, 0)
            macro.kinds = (name.text, *macro.kinds)
            self._macros[name.text] = macro
            return at
        if _is(tokens, at + 1, "("):
            model, at = self._model(file, tokens, at, _word(file, tokens, at), 0)
            self._world.models.append(model)
            return at
        return _property(file, tokens, at, into)

    def _model(
        self, file: Path, tokens: list[_Token], at: int, name: _Token, depth: int
    ) -> tuple[Model, int]:
        """Reads `NAME ( ... )` from the name on; models within it are read and left aside."""
        if not _is(tokens, at + 1, "(") or depth > _DEEPEST:
            raise ValueError(f"{file}, line {name.line}: '(' is missing after {name.text!r}; mend it there")
        macro = self._macros.get(name.text, Model((name.text,), name.line))
        model = Model(macro.kinds, name.line, dict(macro.properties))
        at += 2
        while not _is(tokens, at, ")"):
            if _is(tokens, at + 1, "("):
                _, at = self._model(file, tokens, at, _word(file, tokens, at), depth + 1)
            else:
                at = _property(file, tokens, at, model.properties)
        return model, at + 1


def _property(file: Path, tokens: list[_Token], at: int, into: dict[str, Value]) -> int:
    """Reads `NAME VALUE` or `NAME [VALUE ...]`, an index `NAME[0]` being part of the name."""
    name = _word(file, tokens, at)
    at += 1
    if _is(tokens, at, "[") and _is(tokens, at + 2, "]") and not _is(tokens, at + 1, "["):
        following = tokens[at + 3] if at + 3 < len(tokens) else None
        if following is not None and following.line == name.line and not _is(tokens, at + 3, ")"):
            at += 3  # the index of one of several
    if not _is(tokens, at, "["):
        into[name.text] = _word(file, tokens, at).text
        return at + 1
    values, at = list[str](), at + 1
    while not _is(tokens, at, "]"):
        values.append(_word(file, tokens, at).text)
        at += 1
    into[name.text] = values
    return at + 1


def _is(tokens: list[_Token], at: int, sign: str) -> bool:
    return at < len(tokens) and tokens[at].sign and tokens[at].text == sign


def _word(file: Path, tokens: list[_Token], at: int) -> _Token:
    if at >= len(tokens):
        raise ValueError(f"{file} ends too soon: a bracket is open, or a value is missing; mend its end")
    token = tokens[at]
    if token.sign:
        raise ValueError(
            f"{file}, line {token.line}: {token.text!r} where a name or a value is expected; mend it there"
        )
    return token


def _tokens(file: Path) -> list[_Token]:
    try:
        text = file.read_text(encoding="utf-8-sig", errors="replace")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no name of a file"
        raise ValueError(
            f"{file} cannot be read ({reason}); give a .world and all that it includes"
        ) from None
    tokens, at, line = list[_Token](), 0, 1
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise ValueError(f"{file}, line {line}: a text in quotes has no end; mend it there")
        if found["gap"] is None:
            quoted = found["text"] is not None
            tokens.append(
                _Token(found["text"] if quoted else found[0], found["sign"] is not None, quoted, line)
            )
        line += found[0].count("\n")
        at = found.end()
    return tokens
