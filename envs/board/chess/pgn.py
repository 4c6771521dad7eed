"""Games of chess as Portable Game Notation, read to be played on; what writes it is the arena.

Source: Edwards, "Portable Game Notation Specification and Implementation Guide" (1994).
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

STANDARD = ("", "standard", "chess", "normal", "from position")
CHESS960 = ("chess960", "chess 960", "fischerandom", "fischer random", "fischerrandom")
RESULTS = ("1-0", "0-1", "1/2-1/2", "*")
_TOKEN = re.compile(
    r"""(?P<comment>\{[^}]*\}?|;[^\n]*)
      | (?P<tag>\[\s*(?P<name>\w+)\s*"(?P<value>(?:[^"\\\n]|\\.)*)"\s*\])
      | (?P<open>\() | (?P<close>\))
      | (?P<mark>\$\d+|[!?]+(?=\s|$)|e\.p\.)
      | (?P<result>(?:1-0|0-1|1/2-1/2|\*)(?![^\s(){};]))
      | (?P<number>\d+\.+|\d+(?=\s|$)|\.+)
      | (?P<move>[^\s(){};\[]+)
      | (?P<other>\S)""",
    re.VERBOSE,
)


class PgnGame(NamedTuple):
    """A game as it is written: its tags, and the moves of its main line by name."""

    tags: dict[str, str]
    moves: list[str]

    def fen(self, *, chess960: bool = False) -> str:
        """Returns where it begins; "" at the usual position. Raises ValueError for another variant."""
        variant = self.tags.get("Variant", "")
        if variant.lower() in CHESS960 and chess960 and "FEN" not in self.tags:
            raise ValueError(f"it is of the variant {variant[:40]!r}, but has no FEN to say where it begins")
        if variant.lower() not in STANDARD + (CHESS960 if chess960 else ()):
            played = "chess960 and standard chess are" if chess960 else "standard chess is"
            raise ValueError(f"it is of the variant {variant[:40]!r}; only {played} played here")
        return self.tags.get("FEN", "")


def decode(data: str | bytes) -> str:
    """Returns a file's text: UTF-8, with or without its mark, or else Latin-1, as PGN was at first."""
    if isinstance(data, str):
        return data.removeprefix("\ufeff")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def split_games(text: str) -> Iterator[PgnGame]:
    """Yields the games of a text; comments, variations and marks are passed over.

    Raises ValueError for what is no PGN, such as a bracket that is never closed.
    """
    text = re.sub(r"(?m)^%.*$", "", text)
    game, depth, ended = PgnGame({}, []), 0, False
    for found in _TOKEN.finditer(text):
        kind, word = str(found.lastgroup), found[0]
        kind = "tag" if kind in ("name", "value") else kind
        if kind == "other":
            line = text.count("\n", 0, found.start()) + 1
            raise ValueError(f'line {line}: {word!r} is no part of PGN; a tag is written [Name "value"]')
        depth += (kind == "open") - (kind == "close")
        if depth < 0:
            raise ValueError(f"line {text.count(chr(10), 0, found.start()) + 1}: ')' without '(' before it")
        if depth or kind in ("comment", "open", "close", "mark", "number"):
            continue
        if (ended or (kind == "tag" and game.moves)) and (game.moves or game.tags):
            yield game
            game, ended = PgnGame({}, []), False
        if kind == "tag":
            game.tags[found["name"]] = re.sub(r"\\(.)", r"\1", found["value"])
        elif kind == "result":
            ended = True
        else:
            game.moves.append(word)
    if depth:
        raise ValueError("a '(' is never closed")
    if game.moves or game.tags:
        yield game
