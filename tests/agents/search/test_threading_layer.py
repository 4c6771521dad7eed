"""The threads of the search where OpenMP is missing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from quadrivium.agents.search.kernels import compiling

ROOT = Path(__file__).resolve().parents[3]
SEARCH = """
import sys
sys.modules["numba.np.ufunc.omppool"] = None
import numba, numpy as np
from quadrivium.agents.search import monte_carlo_search
from quadrivium.envs.board import GAMES
game = GAMES["TicTacToe"]()
search = monte_carlo_search(game, 20, seed=1, slots=2)
print(search.search(game.pool(2), np.arange(2)).actions.tolist(), numba.threading_layer())
"""


@pytest.mark.parametrize(
    ("system", "remedy"),
    [
        ("linux", "apt-get install libgomp1"),
        ("darwin", "brew install libomp"),
        ("win32", "Visual C++ Redistributable"),
        ("haiku1", "install OpenMP's library"),
    ],
)
def test_without_openmp_one_line_says_what_to_install_on_each_system(monkeypatch, capsys, system, remedy):
    monkeypatch.setitem(sys.modules, "numba.np.ufunc.omppool", None)
    monkeypatch.setattr(sys, "platform", system)
    assert compiling.threading_layer() == "workqueue"
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("note: Numba finds no OpenMP (")
    assert remedy in line
    assert ("apt-get" in line) == (system == "linux")


def test_with_openmp_nothing_is_said(capsys):
    assert compiling.threading_layer() == "omp"
    assert capsys.readouterr().err == ""


def test_without_openmp_the_search_plays_on_other_threads():
    environment = {key: value for key, value in os.environ.items() if key != "NUMBA_THREADING_LAYER"}
    done = subprocess.run(
        [sys.executable, "-c", SEARCH], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("]")[1].strip() == "workqueue"
    assert [line for line in done.stderr.splitlines() if "OpenMP" in line] == done.stderr.splitlines()[:1]
