"""Puts tables of arguments and observations into the pages of worlds, as they declare them; a hook of MkDocs.

A page asks for them with `<!-- arguments of quadrivium/Highway-v0 -->` and `<!-- observations of ... -->`;
for the README's table of all worlds with `<!-- the table of worlds in README.md -->`.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gymnasium
import numpy as np

from quadrivium import envs
from quadrivium.envs.core.options import Options, bounds, choices, hints, meanings
from quadrivium.envs.core.setup import Setup

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

README = Path(__file__).parents[1] / "README.md"
ALL_WORLDS = "<!-- the table of worlds in README.md -->"
MARK = re.compile(r"<!-- (arguments|observations) of (\S+) -->")
SMALL = {"map_count": 1, "scenarios": 1}  # as little as shows the columns
MORE = {"guide": True, "arrivals": "hawkes"}  # with which there are more columns than without
LONGEST_BLOCK = 16


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """Returns a Markdown table."""
    escaped = [tuple(cell.replace("|", "\\|") for cell in row) for row in rows]
    cells = [head, tuple("---" for _ in head), *escaped]
    return "\n".join("| " + " | ".join(row) + " |" for row in cells)


# ---- arguments


def arguments(options: type[Options]) -> str:
    """Returns a table of the arguments of a world, those of its own first."""
    told = meanings(options)
    names = [name for name in options.names() if name != "split"] + ["split"]
    rows = [(f"`{one}`", allowed(options, one), f"`{default(options, one)}`", told[one]) for one in names]
    return table(("argument", "allowed", "default", "meaning"), rows)


def default(options: type[Options], name: str) -> str:
    """Returns an argument's default as it is written in Python."""
    value = getattr(options.of({}), name)  # what its default preset says, too
    if isinstance(value, float):
        return f"{value:g}"
    return f'"{value}"' if isinstance(value, str) else repr(value)


def allowed(options: type[Options], name: str) -> str:
    """Returns what an argument may be."""
    if texts := choices(options, name):
        return ", ".join(f'`"{text}"`' for text in texts)
    limits = bounds(options, name)
    if limits is not None:
        kind = "integer" if limits.integer else "number"
        begin = "(" if limits.above else "["
        ends = f"{_figure(limits.low)}, {_figure(limits.high)}"
        return f"{kind} in {begin}{ends}]" + (" or `None`" if limits.none else "")
    hint = hints(options)[name]
    return "`True`, `False`" if hint is bool else f"`{_short(hint)}`"


def _figure(value: float) -> str:
    """Returns a number with commas, and exponents only where it is long."""
    return f"{value:,}" if isinstance(value, int) and value < 1e9 else f"{value:,g}".replace("inf", "∞")


def _short(hint: Any) -> str:
    return re.sub(r"\b(?:\w+\.)+", "", inspect.formatannotation(hint))


# ---- observations


def setups(env_id: str) -> dict[str, Setup]:
    """Returns the settings of a world in which its observations have other columns, by their names."""
    options = envs.options_of(env_id)
    assert options is not None
    kind = gymnasium.envs.registration.load_env_creator(gymnasium.spec(env_id).entry_point)
    common = {name: value for name, value in (SMALL | MORE).items() if name in options.names()}
    shown = "".join(f", `{name}={value!r}`" for name, value in common.items() if name in MORE)
    settings: dict[str, Mapping[str, Any]] = {}
    for text in choices(options, "observation") if "observation" in options.names() else ():
        settings[f'`observation="{text}"`{shown}'] = {"observation": text}
    settings = settings or {shown.removeprefix(", "): {}}
    return {name: kind.setup_of(options.of({**common, **one})) for name, one in settings.items()}


def observations(env_id: str) -> str:
    """Returns tables of what each number of a world's observations is."""
    blocks: list[str] = []
    shown: set[tuple[str, tuple[str, ...]]] = set()
    for name, setup in setups(env_id).items():
        for part, space in setup.observation_parts.items():
            if (part, setup.columns[part]) in shown:
                continue
            shown.add((part, setup.columns[part]))
            shape = " × ".join(map(str, space.shape or ()))
            head = [f"`{part}` ({shape})"] + ([name] if name else [])
            word = "plane" if len(space.shape or ()) == 3 else "number"
            blocks.append(", ".join(head) + ":")
            blocks.append(table((word, "what it is", "range"), columns(setup, part)))
    return "\n\n".join(blocks)


def columns(setup: Setup, part: str) -> list[tuple[str, str, str]]:
    """Returns the rows of a part's table; what differs in numbers only, many times, stands in one row."""
    texts = setup.columns[part]
    space = setup.observation_parts[part]
    planes = len(space.shape or ()) == 3
    low, high = (np.moveaxis(side, 0, -1) if planes else side for side in (space.low, space.high))
    lows, highs = (side.reshape(-1, len(texts)) for side in (low, high))

    def limits(k: int) -> str:
        return f"[{lows[:, k].min():g}, {highs[:, k].max():g}]".replace("inf", "∞").replace("-", "−")

    rows: list[tuple[str, str, str]] = []
    k = 0
    while k < len(texts):
        block, times = _repeated(texts[k:])
        for offset in range(block):
            first, last = k + offset, k + offset + (times - 1) * block
            places = f"{first}" if times == 1 else f"{first} … {last}"
            if times > 1 and block > 1:
                places = f"{first}, {first + block} … {last}"
            rows.append((places, _merged(texts[first], texts[last]), limits(first)))
        k += block * times
    return rows


def _repeated(texts: tuple[str, ...]) -> tuple[int, int]:
    """Returns how many texts at the beginning are repeated, but for their numbers, and how many times."""
    forms = [re.sub(r"\d+", "#", text) for text in texts]
    best = (1, 1)
    for block in range(1, min(LONGEST_BLOCK, len(forms)) + 1):
        times = 1
        while forms[times * block : (times + 1) * block] == forms[:block]:
            times += 1
        if times >= 3 and block * times > best[0] * best[1]:
            best = (block, times)
    return best


def _merged(first: str, last: str) -> str:
    """Returns a text in which the numbers run from those of `first` to those of `last`."""
    ends = iter(re.findall(r"\d+", last))

    def run(match: re.Match[str]) -> str:
        end = next(ends)
        return match[0] if match[0] == end else f"{match[0]} … {end}"

    return re.sub(r"\d+", run, first)


# ---- all worlds


def worlds() -> str:
    """Returns the README's table of worlds, with links and pictures in the form of the documentation."""
    text = README.read_text(encoding="utf-8")
    section = text.partition("[start:worlds]")[2].partition("[end:worlds]")[0]
    rows = re.findall(r"^\|.*\|$", section, re.MULTILINE)
    picture = re.compile(r'<img src="docs/(\S+)" width="(\d+)" alt="(\w+)">')
    table = "\n".join(picture.sub(r"![\3](\1){ width=\2 }", row).replace("](docs/", "](") for row in rows)
    return re.sub(r"(?<=/)(\w+)(-v0`\]\()board_games.md", _own_page, table)


def _own_page(link: re.Match[str]) -> str:
    """Returns the link of a game to its page, which `board_pages.py` makes, instead of that of all games."""
    return f"{link[1]}{link[2]}reference/board/{envs.module_name(link[1]).removesuffix('_v0')}.md"


# ---- what MkDocs calls


def filled(markdown: str) -> str:
    """Returns a page's text with the tables that it asks for."""

    def written(mark: re.Match[str]) -> str:
        if mark[1] == "observations":
            return observations(mark[2])
        options = envs.options_of(mark[2])
        if options is None:
            raise ValueError(f"a page asks for the arguments of {mark[2]!r}, which is no id of ours")
        return arguments(options)

    markdown = MARK.sub(written, markdown)
    return markdown.replace(ALL_WORLDS, worlds()) if ALL_WORLDS in markdown else markdown


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Puts the tables where a page asks for them."""
    return filled(markdown)
