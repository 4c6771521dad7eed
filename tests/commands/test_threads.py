"""The number of threads that a run is given is the number that it has."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
USE = """
import torch
torch.get_num_threads()  # from now on torch does not set OpenMP's number again by itself
from quadrivium.commands.build import use_threads
use_threads(1)
import numpy as np
from quadrivium.agents.search import monte_carlo_search
from quadrivium.envs.board import GAMES
game = GAMES["TicTacToe"]()
monte_carlo_search(game, 4, seed=1, slots=2).search(game.pool(2), np.arange(2))
print(torch.get_num_threads())
"""


def test_torch_keeps_its_threads_when_the_search_starts_its_own():
    """In a process of its own: where OpenMP is shared, the first start alone would change them."""
    environment = {key: value for key, value in os.environ.items() if key != "OMP_NUM_THREADS"}
    done = subprocess.run(
        [sys.executable, "-c", USE], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "1"
