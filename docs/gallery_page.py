"""Fills the gallery with the models that come with the package, as their cards say; a hook of MkDocs.

The films are those of `films.py`. The page asks for them with `<!-- the models -->`.
"""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from world_pages import table

from quadrivium.agents.evaluation.report import describe
from quadrivium.agents.runs.model import read_card
from quadrivium.commands.build import MODELS, model_names
from quadrivium.commands.models import shown_measures, shown_results

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

MARK = "<!-- the models -->"
FOLDER = Path(__file__).parent


def section(name: str, card: dict[str, Any]) -> str:
    """Returns what the page shows of a model: its film, and its results beside the scripted players'."""
    held_out = card["held_out"]
    measures = shown_measures(card)
    players = {f"model:{name}": held_out["measures"]} | held_out["baselines"]
    rows = [(f"`{player}`", *shown_results(found, measures)) for player, found in players.items()]
    trained = f"{card['steps']:,} steps, {card['minutes']:g} minutes, seed {card['seed']}"
    file = f"films/{name}.webp"
    film = [f"![An episode of {name}]({file}){{ loading=lazy }}"] if (FOLDER / file).is_file() else []
    return "\n\n".join(
        [
            f"### {name}",
            f"`{describe(card['environment'], held_out['kwargs'])}`, {card['algorithm']}: {trained}.",
            *film,
            table((f"{held_out['episodes']} held-out episodes", *measures), rows),
        ]
    )


def models() -> str:
    """Returns the sections of all models, those of a world under its name, other people's worlds last."""
    cards = {name: read_card(MODELS / name) for name in model_names()}

    def world(name: str) -> str:
        return cards[name]["environment"].removeprefix("quadrivium/")

    names = sorted(cards, key=lambda name: ("/" not in cards[name]["environment"], world(name), name))
    parts = [
        part
        for title, group in groupby(names, world)
        for part in (f"## {title}", *(section(name, cards[name]) for name in group))
    ]
    return "\n\n".join(parts)


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """MkDocs calls this for each page."""
    return markdown.replace(MARK, models()) if MARK in markdown else markdown
