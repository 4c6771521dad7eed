"""A world of ours is in every place where it must be; a test says which one was forgotten."""

import ast
import importlib
import re
import tomllib
from pathlib import Path

import gymnasium
import pettingzoo
import pytest

from quadrivium import envs
from quadrivium.envs.board import GAMES
from quadrivium.envs.core.options import Options, bounds, choices, meanings
from tests.golden.trace import path_of
from tests.registry import CONFIGURATIONS, IDS, setup_of

ROOT = Path(__file__).parents[1]
WORLDS = [f"quadrivium/{name}-v0" for name in envs.WORLDS]


def pages() -> dict[str, str]:
    """The reference pages in the navigation, by file, as written."""
    text = (ROOT / "mkdocs.yml").read_text()
    return {page: (ROOT / "docs" / page).read_text() for page in re.findall(r"reference/\w+\.md", text)}


def test_every_id_is_registered_from_the_two_tables():
    assert set(IDS) == {*WORLDS, *(f"quadrivium/{name}-v0" for name in envs.BOARD_GAMES)}
    assert set(envs.BOARD_GAMES) == set(GAMES)


@pytest.mark.parametrize("name", IDS)
def test_an_id_has_both_faces_and_declares_its_arguments(name):
    spec = gymnasium.spec(name)
    for entry in (spec.entry_point, spec.vector_entry_point):
        assert callable(gymnasium.envs.registration.load_env_creator(entry))
    assert issubclass(envs.options_of(name), Options)


@pytest.mark.skipif(not hasattr(pettingzoo, "make"), reason="PettingZoo has a registry from 1.27 on")
def test_pettingzoo_makes_every_game_and_every_world_of_several_agents_by_its_id():
    ours = {
        kind: {name for name in registry if name.startswith("quadrivium/")}
        for kind, registry in (("aec", pettingzoo.aec_registry), ("parallel", pettingzoo.parallel_registry))
    }
    assert ours["aec"] == {f"quadrivium/{game}-v0" for game in (*envs.BOARD_GAMES, *envs.CARD_GAMES)}
    assert ours["parallel"] == {
        f"quadrivium/{name}-v0"
        for name, module in envs.WORLDS.items()
        if hasattr(importlib.import_module(module), f"{name}ParallelEnv")
    }
    game = pettingzoo.make("aec", "quadrivium/Go-v0", size=5)
    game.reset(seed=0)
    assert game.observation_space(game.possible_agents[0])["observation"].shape[1:] == (5, 5)
    crowd = pettingzoo.make("parallel", "quadrivium/CrowdNav-v0", robots=4)
    assert len(crowd.reset(seed=0)[0]) == 4


def test_other_ids_declare_nothing():
    assert envs.options_of("CartPole-v1") is None
    assert envs.options_of("quadrivium/NoSuchWorld-v0") is None


@pytest.mark.parametrize("name", IDS)
def test_an_id_has_a_golden_trace(name):
    assert path_of(name).exists(), "write it with: python -m tests.golden.trace"


def test_configurations_are_of_ids_that_there_are():
    assert set(CONFIGURATIONS) <= set(IDS)


@pytest.mark.parametrize("name", WORLDS)
def test_a_world_has_a_page_in_the_navigation_with_its_tables(name):
    short = name.removeprefix("quadrivium/").removesuffix("-v0")
    module = envs.WORLDS[short]
    having = [page for page, text in pages().items() if f"::: {module}.{short}Env\n" in text]
    assert len(having) == 1, f"docs/reference has {len(having)} pages with `::: {module}.{short}Env`"
    text = pages()[having[0]]
    assert f"<!-- arguments of {name} -->" in text
    assert f"<!-- observations of {name} -->" in text


def lane_modules() -> set[str]:
    """The modules outside the engine that hold functions decorated with `@lane`."""
    found = set()
    for path in (ROOT / "envs").rglob("*.py"):
        functions = [one for one in ast.walk(ast.parse(path.read_text())) if isinstance(one, ast.FunctionDef)]
        decorators = [d.id for one in functions for d in one.decorator_list if isinstance(d, ast.Name)]
        if "lane" in decorators and path.parent != ROOT / "envs" / "core":
            found.add(".".join(("quadrivium", *path.relative_to(ROOT).with_suffix("").parts)))
    return found


def test_every_module_with_lane_functions_is_held_to_what_kernels_may_import():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    kernels = next(one for one in contracts if one["name"].startswith("kernels know"))["source_modules"]
    assert lane_modules() - set(kernels) == set(), "list it in pyproject.toml"
    assert [one for one in kernels if not (ROOT / f"{one.replace('.', '/')}.py").exists()] == []


CONFIGURED = [(name, kwargs) for name in IDS for kwargs in CONFIGURATIONS.get(name, [{}])]


@pytest.mark.parametrize(("name", "kwargs"), CONFIGURED)
def test_every_number_of_an_observation_is_described(name, kwargs):
    setup = setup_of(name, **kwargs)
    assert set(setup.columns) == set(setup.observation_parts)
    for part, texts in setup.columns.items():
        shape = setup.observation_parts[part].shape
        assert len(texts) == (shape[0] if len(shape) == 3 else shape[-1])
        assert len(set(texts)) == len(texts)


@pytest.mark.parametrize("name", WORLDS)
def test_every_argument_says_what_it_means_and_what_is_allowed(name):
    options = envs.options_of(name)
    told = meanings(options)
    assert {one for one in options.names() if not told.get(one)} == set()
    for one in options.names():
        default = getattr(options, one)
        limits, allowed = bounds(options, one), choices(options, one)
        assert not allowed or default in allowed
        assert limits is None or default is None or limits.low <= default <= limits.high
