"""What the fuzzers of files share: how texts are broken, and what counts as an answer to them."""

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

HARD = (
    *("0", "-1", "1e999", "nan", "99999999999999999999", "[", "]", "{", "}", "(", ")", ";", "\\", '"', "'"),
    *(
        "\0",
        "\n",
        "\t",
        " ",
        ":",
        "-",
        "é",
        "囲",
        "\ufeff",
        "null",
        "[]",
        "/",
        "%",
        "true",
        "&a",
        "*a",
        "---\n",
    ),
    *("!!python/object:os.system", "tt", "zz", "SZ[99]", "KM[x]", "O-O", "=Q", "9", "e8"),
)
"""Numbers, signs and names that break programs."""


class Kind(NamedTuple):
    """A kind of files: how one is made, and what reads it and asserts that what was read stands."""

    make: Callable[[np.random.Generator], Any]
    check: Callable[[Any], None]
    refusals: tuple[type[Exception], ...] = (ValueError,)
    """the exceptions that may refuse one, in a line that says something"""


def broken(texts: Sequence[str], rng: np.random.Generator) -> str:
    """Returns one of the texts, broken in one to three places."""
    text = texts[rng.integers(len(texts))]
    for _ in range(rng.integers(1, 4)):
        a = int(rng.integers(0, len(text) + 1))
        b = a + int(rng.integers(1, 8))
        hard, other = HARD[rng.integers(len(HARD))], texts[rng.integers(len(texts))]
        ways = [
            text[:a] + hard + text[b:],
            text[:a] + hard + text[a:],
            text[:a] + text[b:],  # taken out
            text[:b] + text[a:],  # doubled
            text[:a] + other[rng.integers(len(other)) :],
            text[:a] + chr(int(rng.integers(1, 0x250))) + text[a + 1 :],
        ]
        text = ways[rng.integers(len(ways))]
    return text


def attempt(kinds: Mapping[str, Kind], kind: str, seed: int) -> tuple[str, Any]:
    """Returns "read", "refused" or what is wrong with the answer to a broken file, and the file."""
    make, check, refusals = kinds[kind]
    file = make(np.random.default_rng([seed, len(kind)]))
    try:
        check(file)
    except refusals as error:
        line = str(error).strip()
        says = "\n" not in line and len(line) > 15 and not line.endswith(":")
        return "refused" if says else f"{type(error).__name__} says {line!r}", file
    except Exception as error:
        return f"{type(error).__name__}: {error}", file
    return "read", file


def run(description: str | None, kinds: Mapping[str, Kind]) -> int:
    """Tries many files of each kind, and prints how many were read and refused, and what failed."""
    return run_each(description, list(kinds), partial(attempt, kinds))


def run_each(
    description: str | None, names: Sequence[str], tried: Callable[[str, int], tuple[str, Any]]
) -> int:
    """As `run`, of kinds by their names; tried: takes a kind and a seed, and returns as `attempt` does."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="+", choices=names, default=list(names))
    arguments = parser.parse_args()
    failures = 0
    for kind in arguments.only:
        counts = Counter[str]()
        for seed in range(arguments.seed, arguments.seed + arguments.count):
            outcome, file = tried(kind, seed)
            counts[outcome if outcome in ("read", "refused") else "failed"] += 1
            if outcome not in ("read", "refused"):
                failures += 1
                if counts["failed"] <= 20:
                    print(f"{kind}, seed {seed}: {outcome[:300]}\n    {file!r}", file=sys.stderr)
        print(f"{kind}: {dict(counts)}", flush=True)
    return int(failures > 0)
