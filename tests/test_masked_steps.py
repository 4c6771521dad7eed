"""No agent takes an illegal action: what benchmarks/masked_steps.py counts, over fewer steps."""

import importlib
import json
import sys
from pathlib import Path

import gymnasium
import numpy as np
import pytest
import torch

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def masked_steps(monkeypatch):
    monkeypatch.setattr(sys, "path", [str(BENCHMARKS), *sys.path])
    threads = torch.get_num_threads()
    yield importlib.import_module("masked_steps")
    torch.set_num_threads(threads)


def test_on_no_path_is_an_action_illegal(masked_steps, tmp_path):
    output = tmp_path / "masked.json"
    options = ["--steps", "8000", "--searched", "600", "--worlds", "TicTacToe", "KuhnPoker", "--output"]
    assert masked_steps.main([*options, str(output)]) == 0
    worlds = json.loads(output.read_text())["worlds"]
    paths = worlds["quadrivium/TicTacToe-v0"]
    assert set(paths) == {*masked_steps.SHARES, *masked_steps.SEARCHED}
    assert set(worlds["quadrivium/KuhnPoker-v0"]) == set(masked_steps.SHARES)
    for path, found in paths.items():
        share = masked_steps.SHARES.get(path)
        assert found["steps"] >= (600 if share is None else share * 8000)
        assert found["illegal"] == 0


def test_illegal_actions_are_counted_where_there_are_some(masked_steps):
    env = masked_steps.Watched(gymnasium.make_vec("quadrivium/TicTacToe-v0", num_envs=3))
    obs, _ = env.reset(seed=0)
    legal = obs["action_mask"]
    taken = np.array([4, 4, 4])
    obs, *_ = env.step(taken)
    assert (env.steps, env.illegal) == (3, int((legal[:, 4] == 0).sum()))
    env.step(taken)  # the centre is taken, of all three
    assert env.illegal == int((legal[:, 4] == 0).sum()) + 3


def test_illegal_moves_of_self_play_are_counted(masked_steps):
    game = masked_steps.WatchedGame(masked_steps.make_game("quadrivium/TicTacToe-v0", {}))
    pool, rows = game.pool(2), np.arange(2)
    game.step(pool, rows, np.array([0, 1]))
    with pytest.raises(ValueError, match="illegal"):
        game.step(pool, rows, np.array([0, 2]))
    assert (game.steps, game.illegal) == (4, 1)
