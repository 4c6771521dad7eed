"""The README and the documentation: programs run, commands are understood, links lead somewhere."""

import importlib
import re
import shlex
import sys
from pathlib import Path

import pettingzoo
import pytest

from quadrivium.commands.command_line import parse_arguments
from quadrivium.commands.evaluate_options import parser
from quadrivium.commands.sweep.command import parse_sweep_arguments
from quadrivium.configs.schema import load_config
from quadrivium.configs.sweep import load_sweep
from quadrivium.configs.tournament import load_tournament
from quadrivium.envs.core.threads import get_threads, set_threads
from tests.registry import IDS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
GENERATED = "reference/board/"  # by docs/board_pages.py
COMMAND = re.compile(r"(?:quadrivium |python )(train|evaluate)(?:\.py)?\b(.*)")
PICTURES = ROOT / "docs" / "pictures"


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def blocks(text: str, language: str) -> list[str]:
    """The blocks of code of a language, "" for what is typed into a terminal."""
    found = re.findall(r"^```(\w*)\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    return [body for kind, body in found if kind == language]


def commands() -> list[tuple[str, str, str]]:
    """Every call of the two commands that could be typed as it stands: page, command, arguments."""
    found = []
    for page in PAGES:
        for block in blocks(page.read_text(encoding="utf-8"), ""):
            for line in block.replace("\\\n", " ").splitlines():
                words = COMMAND.match(line)
                # `[--option]`, NAME and … stand for something else
                if words and not re.search(r"[\[…]|\bCONFIG\b|\bNAME\b", words[2]):
                    found.append((name_of(page), words[1], words[2].partition("  #")[0].strip()))
    return found


def test_the_command_of_the_tests_is_where_ci_looks_for_it():
    assert 'pip install -e ".[test]" && pytest' in README.splitlines()


# Pages whose programs, one after another, run as they stand; other pages' need a run, or data of yours.
RUNNING = [
    "README.md",
    "docs/index.md",
    "docs/environments.md",
    "docs/engine.md",
    "docs/leagues.md",
    "docs/roads_of_your_own.md",
    "docs/trading_reports.md",
    "docs/reference/crowd_nav.md",
    "docs/reference/limit_order_book.md",
    "docs/reference/point_nav.md",
    "docs/reference/poker.md",
    "docs/reference/twenty_forty_eight.md",
]


@pytest.mark.parametrize("page", RUNNING)
def test_the_programs_of_a_page_run(page, tmp_path, monkeypatch):
    if not hasattr(pettingzoo, "make") and "pettingzoo.make" in (ROOT / page).read_text(encoding="utf-8"):
        pytest.skip("PettingZoo has a registry from 1.27 on")
    monkeypatch.chdir(tmp_path)
    threads = get_threads()
    names: dict[str, object] = {}
    try:
        for program in blocks((ROOT / page).read_text(encoding="utf-8"), "python"):
            exec(program.replace("num_envs=256", "num_envs=4").replace("10_000", "100"), names)
    finally:
        set_threads(threads)


def test_the_tournament_of_the_readme_is_one(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(blocks(README, "yaml")[0], encoding="utf-8")
    assert len(load_tournament(path).players) == 4


@pytest.mark.parametrize(("page", "command", "arguments"), commands())
def test_a_command_is_understood(page, command, arguments, monkeypatch):
    monkeypatch.chdir(ROOT)
    words = shlex.split(arguments)
    if command == "evaluate":
        known, unknown = parser().parse_known_args(words)
        assert unknown == []
        if known.command == "tournament" and known.config.parts[0] == "configs":
            load_tournament(known.config)
        return
    if words[:1] == ["sweep"]:
        load_sweep(parse_sweep_arguments(words[1:]).config)
        return
    read = parse_arguments(words)
    if read.config is not None:
        load_config(read.config, read.overrides)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_to_files(page):
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    links = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'<img src="([^"]+)"', text)
    for link in links:
        target = link.partition("#")[0]
        if target and "://" not in target and not target.startswith(GENERATED):
            assert (page.parent / target).exists(), link
    for folder in ("benchmarks", "configs", "tests", "docs"):
        for path in re.findall(rf"`(?:[^`\n]* )?({folder}/[\w/.]+\.\w+)", text):
            assert "NAME" in path or (ROOT / path).exists(), path


def test_every_id_is_in_the_table_of_the_readme_with_its_picture():
    rows = README.partition("[start:worlds]")[2].partition("[end:worlds]")[0].splitlines()
    shown = [re.search(r'src="docs/pictures/(\w+)\.png".*`(quadrivium/\w+-v\d+)`', row) for row in rows]
    found = {match[2]: match[1] for match in shown if match}
    assert found == {name: name.removeprefix("quadrivium/").removesuffix("-v0") for name in IDS}


def test_pictures_are_small():
    sizes = {path.name: path.stat().st_size for path in PICTURES.glob("*.png")}
    assert {f"{name.removeprefix('quadrivium/').removesuffix('-v0')}.png" for name in IDS} == set(sizes)
    assert max(sizes.values()) < 30_000
    assert sum(sizes.values()) < 400_000


def test_figures_of_the_readme_are_among_the_results():
    results = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")
    table = README.partition("## Ten figures")[2].partition("\n## ")[0]
    rows = [row.split("|")[2:4] for row in table.splitlines() if row.startswith("| ") and "`" in row]
    assert len(rows) == 10
    for row in rows:
        for figure in re.findall(r"\d[\d,.]*\d|\d+", " ".join(row)):
            assert figure in results, figure


def test_the_table_of_driving_scenarios_is_what_the_benchmarks_wrote(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "path", [str(ROOT / "benchmarks"), *sys.path])
    assert importlib.import_module("driving_table").table() in README
