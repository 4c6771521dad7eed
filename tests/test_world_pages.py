"""The tables in the pages of worlds: what is declared, and nothing twice."""

import importlib.util
from pathlib import Path

import pytest

from quadrivium import envs

DOCS = Path(__file__).parents[1] / "docs"
spec = importlib.util.spec_from_file_location("world_pages", DOCS / "world_pages.py")
assert spec
assert spec.loader
world_pages = importlib.util.module_from_spec(spec)
spec.loader.exec_module(world_pages)

WORLDS = [f"quadrivium/{name}-v0" for name in envs.WORLDS]


@pytest.mark.parametrize("name", WORLDS)
def test_every_argument_is_in_the_table(name):
    table = world_pages.arguments(envs.options_of(name)).splitlines()[2:]
    assert len(table) == len(envs.options_of(name).names())
    for option in envs.options_of(name).names():
        assert sum(row.startswith(f"| `{option}` |") for row in table) == 1


@pytest.mark.parametrize("name", WORLDS)
def test_every_part_of_an_observation_has_a_table(name):
    text = world_pages.observations(name)
    for setup in world_pages.setups(name).values():
        for part in setup.observation_parts:
            assert f"`{part}` (" in text


def test_a_row_says_what_is_allowed_by_default_and_meant():
    table = world_pages.arguments(envs.options_of("quadrivium/Highway-v0"))
    assert "| `lanes` | integer in [1, 16] | `3` | of the road |" in table
    assert '| `reward` | `"safe"`, `"classic"` | `"safe"` |' in table
    assert "number in (0, 10,000]" in table
    assert "or `None`" in world_pages.arguments(envs.options_of("quadrivium/Portfolio-v0"))


def test_numbers_that_run_stand_in_one_row():
    text = world_pages.observations("quadrivium/Highway-v0")
    assert "| 4 … 35 | distance of beam 0 … 31, by the lidar's range | [−1, 1] |" in text
    text = world_pages.observations("quadrivium/Portfolio-v0")
    assert "| 0, 4 … 60 | log_return, 15 … 0 bars ago | [−5, 5] |" in text
    assert "| 1 … 4 | position of ASSET1 … 4 |" in text


def test_a_page_that_asks_for_a_world_that_is_not_ours_is_refused():
    assert "| `persistence` |" in world_pages.filled("<!-- arguments of quadrivium/SignChain-v0 -->")
    with pytest.raises(ValueError, match="no id of ours"):
        world_pages.filled("<!-- arguments of CartPole-v1 -->")
