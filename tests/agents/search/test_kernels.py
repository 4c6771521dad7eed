"""Machine code on disk is never older than what it was made of."""

import shutil
from pathlib import Path

import pytest

from quadrivium.agents.search import kernels
from quadrivium.agents.search.kernels import compiling

KERNELS = ("expand_and_back_up", "gather_new", "gather_results", "keep_subtrees", "plant", "read_roots")


@pytest.fixture
def copied(tmp_path, monkeypatch):
    """A copy of the kernels' sources, which `cache_directory` takes for its own."""
    folder = tmp_path / "kernels"
    shutil.copytree(Path(compiling.__file__).parent, folder)
    monkeypatch.setattr(compiling, "__file__", str(folder / "compiling.py"))
    return folder


@pytest.mark.parametrize("name", ["layout.py", "edges.py", "gumbel.py", "puct.py", "growth.py", "roots.py"])
def test_a_change_in_any_file_is_kept_elsewhere(copied, name):
    before = compiling.cache_directory()
    assert compiling.cache_directory() == before
    with (copied / name).open("a") as file:
        file.write("\nANOTHER = 1\n")
    assert compiling.cache_directory() != before


@pytest.mark.parametrize("name", [*KERNELS, "select_gumbel", "select_puct"])
def test_every_kernel_is_kept_there(name):
    assert Path(getattr(kernels, name)._cache.cache_path).is_relative_to(compiling.cache_directory())
