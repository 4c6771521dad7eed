"""The documentation's pages of the board games: made from the registry, with programs that run."""

import importlib.util
import re
from pathlib import Path

import pytest

from quadrivium.envs.board import GAMES

DOCS = Path(__file__).parents[1] / "docs"
spec = importlib.util.spec_from_file_location("board_pages", DOCS / "board_pages.py")
assert spec
assert spec.loader
board_pages = importlib.util.module_from_spec(spec)
spec.loader.exec_module(board_pages)


@pytest.mark.parametrize("name", GAMES)
def test_the_programs_of_a_page_run(name, capsys):
    names: dict[str, object] = {}
    for program in board_pages.programs(name).values():
        exec(program, names)
    assert "to move" in capsys.readouterr().out


@pytest.mark.parametrize("name", GAMES)
def test_a_page_says_what_the_game_is_and_takes(name):
    page, game = board_pages.page(name), GAMES[name]()
    assert page.startswith(f"# {game.title}\n")
    assert f"`quadrivium/{name}-v0`" in page
    assert f"::: {GAMES[name].__module__}.{name}" in page
    assert all(plane in page for plane in game.planes)
    assert all(f'position_text(row, "{form}")' in page for form in game.formats)


def test_the_page_of_othello_has_its_options_and_a_board():
    page = board_pages.page("Othello")
    assert "| `size` | `int` | `8` |" in page
    assert re.search(r"^8( [.xo]){8}$", page, re.MULTILINE | re.IGNORECASE)


def test_the_programs_of_the_overview_run(capsys):
    names: dict[str, object] = {}
    for program in re.findall(r"```python\n(.*?)```", (DOCS / "board_games.md").read_text(), re.DOTALL):
        exec(program, names)
    assert capsys.readouterr().out.splitlines()[-1] == "d"
