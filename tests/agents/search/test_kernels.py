"""The search's kernels are jobs of the engine: on disk, and on its threads."""

import os
import subprocess
import sys

import numpy as np
import pytest

from quadrivium.agents.search import Tree, kernels
from quadrivium.envs.board import GAMES
from quadrivium.envs.core import compile as engine
from quadrivium.envs.core import threads
from tests.fresh_process import ROOT

SEARCH = """
import torch
torch.get_num_threads()  # from now on torch does not set OpenMP's number again by itself
from quadrivium.commands.build import use_threads
use_threads(2)
import numba, numpy as np
from quadrivium.agents.search import monte_carlo_search
from quadrivium.envs.board import GAMES
game = GAMES["TicTacToe"]()
monte_carlo_search(game, 4, seed=1, slots=256).search(game.pool(256), np.arange(256))
try:
    print(numba.threading_layer())
except ValueError:
    print("none")
print(torch.get_num_threads())
"""


def test_the_search_starts_no_threads_of_numba_and_leaves_torch_its_own():
    """In a process of its own: where OpenMP is shared, Numba's first start alone would change torch's."""
    environment = {key: value for key, value in os.environ.items() if key != "OMP_NUM_THREADS"}
    done = subprocess.run(
        [sys.executable, "-c", SEARCH], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["none", "2"]
    assert done.stderr == ""


def test_the_kernels_machine_code_is_one_file_of_the_engine():
    game = GAMES["TicTacToe"]()
    Tree(game, 1, 4).read_roots(np.arange(1))
    assert "search" in [name for name, _, _ in engine.history]


def test_an_empty_tree_knows_nothing_whatever_stands_in_its_memory():
    tree = Tree(GAMES["TicTacToe"](), 2, 4)
    for array in (tree.arrays.nodes, tree.arrays.actions, tree.arrays.counts):
        array[:] = 1 << 30
    known = tree.read_roots(np.arange(2))
    assert not known.visits.any()
    assert not known.values.any()
    assert not known.priors.any()


def test_what_trees_are_found_by_follows_arrays_that_grow_and_is_left_out_of_copies():
    game = GAMES["TicTacToe"]()
    tree = Tree(game, 3, 4, width=9)
    before = tree.words
    assert tree.words is before
    tree.reserve_edges()
    assert tree.width == 9
    tree.arrays.used[1] = 1
    tree.reserve_edges()  # 1 in use, and 9 more
    assert tree.width == 13  # half as much again
    assert tree.words is not before
    assert "_words" not in tree.__getstate__()


@pytest.mark.parametrize("count", [1, 200])  # on one thread and on two
def test_new_nodes_are_listed_by_tree_whatever_runs(count):
    before = threads.get_threads()
    threads.set_threads(2)
    try:
        game = GAMES["TicTacToe"]()
        tree = Tree(game, 2 * count, 4)
        trees = np.arange(0, 2 * count, 2)
        zeros, legal = np.zeros((count, 9), np.float32), np.ones((count, 9), np.int8)
        judged = (zeros, zeros[:, 0].copy(), zeros[:, 0].copy())
        kernels.plant(tree.words, trees, np.ones(count, np.int64), judged, legal, any_order=True)
        turns, rule = (
            np.zeros(count, np.int64),
            kernels.GumbelRule(np.float32(50), np.float32(0.1), True, True),
        )
        scores = np.tile(np.arange(9, dtype=np.float32), (count, 1))
        kernels.select_gumbel(tree.words, trees, scores, turns, kernels.pack(rule))
        assert kernels.gather_new(tree.words, trees) == count
        assert tree.arrays.owners[:count].tolist() == trees.tolist()
        assert tree.arrays.sources[:count].tolist() == (trees * 4).tolist()
        assert tree.arrays.targets[:count].tolist() == (trees * 4 + 1).tolist()
        assert tree.arrays.moves[:count].tolist() == [8] * count  # the highest score
    finally:
        threads.set_threads(before)
