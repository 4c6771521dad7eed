"""Writes a documentation page for every board game of the registry; a hook of MkDocs, see mkdocs.yml."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from quadrivium.envs.board import GAMES
from quadrivium.envs.board.board_game import BoardGame

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

DOCS = Path(__file__).parent
SECTION = "Board games"
TABLE_MARK = "<!-- the games of the registry -->"
SEED = 7  # of the example positions
ENVIRONMENT_ARGUMENTS = ("split", "seat", "opponent")  # explained by BoardEnv

GYMNASIUM = """
import gymnasium

import quadrivium

env = gymnasium.make("quadrivium/{name}-v0", opponent="random", seat="first")
obs, info = env.reset(seed=0)
over = False
while not over:
    action = env.action_space.sample(obs["action_mask"])
    obs, reward, terminated, truncated, info = env.step(action)
    over = terminated or truncated
"""

AGAINST_A_POLICY = """
def first_legal(seen):
    return seen["action_mask"].argmax(axis=1)


batch = gymnasium.make_vec("quadrivium/{name}-v0", num_envs=64, opponent=first_legal, seat="random")
obs, info = batch.reset(seed=0)
obs, rewards, terminated, truncated, info = batch.step(first_legal(obs))
"""

PETTINGZOO = """
from quadrivium.envs.board import {module}_v0

env = {module}_v0.env()
env.reset(seed=0)
for agent in env.agent_iter():
    observation, reward, termination, truncation, info = env.last()
    if termination or truncation:
        action = None
    else:
        action = env.action_space(agent).sample(observation["action_mask"])
    env.step(action)
"""

POOL = """
import numpy as np

from quadrivium.envs.board import GAMES

game = GAMES["{name}"]()
pool, rows = game.pool(100, seed=0), np.arange(100)
while len(running := rows[pool["over"] == 0]):
    game.step(pool, running, game.random_actions(pool, running))
print(game.result(pool, rows).returns.mean(axis=0))  # of the first player and of the second
print(game.position_text(pool[0], "ascii"))
"""


def module_of(name: str) -> str:
    """Returns "connect_four" for "ConnectFour": the folder of a game, which names its PettingZoo module."""
    return GAMES[name].__module__.split(".")[-2]


def programs(name: str) -> dict[str, str]:
    """Returns the programs of a game's page by their headings; each runs after those before it."""
    texts = {
        "In Gymnasium": GYMNASIUM,
        "Against a policy of your own, in a batch": AGAINST_A_POLICY,
        "In PettingZoo": PETTINGZOO,
        "Over a pool of positions": POOL,
    }
    return {heading: text.format(name=name, module=module_of(name)) for heading, text in texts.items()}


def table(head: tuple[str, ...], rows: list[tuple[object, ...]]) -> str:
    """Returns a Markdown table."""
    cells = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in cells)


def options(name: str) -> str:
    """Returns the constructor's own arguments with their defaults."""
    parameters = inspect.signature(GAMES[name]).parameters.values()
    rows: list[tuple[object, ...]] = [
        (f"`{p.name}`", f"`{inspect.formatannotation(p.annotation)}`", f"`{p.default!r}`")
        for p in parameters
        if p.name not in ENVIRONMENT_ARGUMENTS
    ]
    if not rows:
        return "None of its own."
    return table(("option", "type", "default"), rows)


def facts(name: str, game: BoardGame) -> str:
    """Returns the game's numbers and names as a table."""
    low, high = game.observation_range
    planes, height, width = game.observation_shape
    shape = f"{planes} planes of {height} × {width}, float32 in [{low:g}, {high:g}]"
    rows: list[tuple[object, ...]] = [
        ("Gymnasium", f"`quadrivium/{name}-v0`"),
        ("PettingZoo", f"the same id, or `from quadrivium.envs.board import {module_of(name)}_v0`"),
        ("class", f"`{GAMES[name].__module__}.{GAMES[name].__name__}`, in `quadrivium.envs.board.GAMES`"),
        ("players", " and ".join(game.players)),
        ("actions", game.num_actions),
        ("observation", shape),
        ("symmetries", f"{len(game.symmetries)}" + (" (none but to leave it)" * (len(game.symmetries) == 1))),
        ("position formats", ", ".join(f"`{form}`" for form in game.formats)),
        ("a position", f"{game.state_dtype.itemsize} bytes"),
    ]
    return table(("", "with the defaults"), rows)


def example(game: BoardGame) -> str:
    """Returns a random position in the middle of a game in all formats, and how its moves are written."""
    end, pool, row = game.pool(1, SEED), game.pool(1, SEED), np.arange(1)
    game.play_random(end, row)
    moves: list[str] = []
    for _ in range(int(end["ply"][0]) // 2):
        action = game.random_actions(pool, row)
        moves.append(game.move_name(pool[0], int(action[0])))
        game.step(pool, row, action)
    legal = [game.move_name(pool[0], int(a)) for a in np.flatnonzero(game.legal(pool, row)[0])]
    shown = ", ".join(f"`{move}`" for move in legal[:12])
    more = f" and {len(legal) - 12} more" if len(legal) > 12 else ""
    parts = [f"A random game after {len(moves)} moves, the last of them `{' '.join(moves[-6:])}`."]
    for form in game.formats:
        text = game.position_text(pool[0], form)
        parts.append(f'`position_text(row, "{form}")`:\n\n```text\n{text}\n```')
    parts.append(
        f"Legal moves are {shown}{more}. `parse_position` and `parse_move` read what is written here."
    )
    return "\n\n".join(parts)


def page(name: str) -> str:
    """Returns the page of a game as Markdown."""
    game = GAMES[name]()
    picture = f"images/board/{name}.png"
    blocks = [f"# {game.title}"]
    if (DOCS / picture).exists():
        blocks.append(f"![A game of {game.title}](../../{picture}){{ width=320 }}")
    blocks += [
        f"::: {GAMES[name].__module__}.{GAMES[name].__name__}\n"
        "    options:\n"
        "      show_root_heading: false\n"
        "      show_root_toc_entry: false\n"
        "      show_bases: false\n"
        "      members: false",
        facts(name, game),
        "## Options",
        options(name),
        "The environments take the game's options too; Gymnasium's also `opponent`, `seat` and `split`, "
        "see [Board games](../../board_games.md).",
        "## Planes",
        table(("plane", "shows"), list(enumerate(game.planes))),
        "## Moves and positions as text",
        example(game),
    ]
    for heading, program in programs(name).items():
        blocks.append(f"## {heading}\n\n```python\n{program.strip()}\n```")
    return "\n\n".join(blocks) + "\n"


def path_of(name: str) -> str:
    """Returns where the page of a game is, below the documentation's folder."""
    return f"reference/board/{module_of(name)}.md"


def overview() -> str:
    """Returns all games as a table."""
    rows: list[tuple[object, ...]] = []
    for name, game_class in GAMES.items():
        game = game_class()
        planes, height, width = game.observation_shape
        rows.append(
            (
                f"[{game.title}]({path_of(name)})",
                f"`{name}-v0`",
                f"`{module_of(name)}_v0`",
                game.num_actions,
                f"{planes}&nbsp;×&nbsp;{height}&nbsp;×&nbsp;{width}",
                len(game.symmetries),
            )
        )
    head = ("game", "id", "PettingZoo module", "actions", "planes", "symmetries")
    return table(head, rows)


# ---- what MkDocs calls


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Adds the pages to the navigation, below the section's overview."""
    section = next(entry[SECTION] for entry in config.nav or [] if SECTION in entry)
    section.extend({GAMES[name].title: path_of(name)} for name in GAMES)
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages themselves."""
    from mkdocs.structure.files import File

    for name in GAMES:
        files.append(File.generated(config, path_of(name), content=page(name)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Puts the table of the games where a page asks for it."""
    return markdown.replace(TABLE_MARK, overview()) if TABLE_MARK in markdown else markdown
