"""One network for boards of several sizes."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from gymnasium.spaces import Box

from quadrivium.agents.alphazero.agent import AlphaZero
from quadrivium.agents.alphazero.config import AlphaZeroConfig
from quadrivium.agents.alphazero.learn.network import PolicyValueNet
from quadrivium.agents.nets import NetConfig
from quadrivium.agents.training.hooks import Hooks
from quadrivium.envs.board.registry import GAMES
from tests.agents.alphazero.test_agent import stop_after

TRUNKS = ["cnn", "transformer"]


def net(game, trunk):
    config = NetConfig(trunk=trunk, width=8, depth=1, heads=2, normalize_inputs=False)
    return PolicyValueNet(Box(-1, 1, game.observation_shape), game.num_actions, config, policy_head="conv")


@pytest.mark.parametrize("trunk", TRUNKS)
@pytest.mark.parametrize("name", ["Go", "Othello"])
def test_a_network_made_for_one_size_says_on_another_what_one_made_for_that_size_says(name, trunk):
    small, large = GAMES[name](size=4), GAMES[name](size=6)
    one, other = net(large, trunk), net(small, trunk)
    other.load_state_dict(one.state_dict())
    pool, rows = small.pool(8), np.arange(8)
    small.play_random(pool, rows, 3)
    obs = torch.from_numpy(small.observe(pool, rows))
    for ours, theirs in zip(one.judge(obs), other.judge(obs), strict=True):
        torch.testing.assert_close(ours, theirs)


def agent(seed=0, **options):
    config = AlphaZeroConfig(
        n_steps=8, simulations=4, batch_size=32, learning_starts=32, cache=1000, score_coef=0.1,
        net=NetConfig(trunk="cnn", width=8, depth=1, normalize_inputs=False), other_sizes=[3, 4], **options
    )  # fmt: skip
    go = GAMES["Go"]
    return AlphaZero(config, go(size=5), others=[go(size=3), go(size=4)], games=10, seed=seed, device="cpu")


def test_games_of_all_sizes_are_played_and_learned_from():
    learner = agent().learn(10 * 8 * 12)
    assert [practice.games for practice in learner._practices] == [4, 3, 3]
    positions = [practice.replay.total for practice in learner._practices]
    assert min(positions) > 32
    # every position is learned from four times (`reuse`), but for what is left of a batch
    for practice in learner._practices:
        assert practice.owed < 32
    assert learner._learner.updates == sum(4 * n // 32 for n in positions)


def test_a_curriculum_plays_one_size_after_the_other_and_then_its_own_with_all_games():
    class Watch(Hooks):
        def on_iteration_logged(self):
            moved = [practice.state()["self_play/moves"].tobytes() for practice in self.agent._practices]
            played.append([now != then for now, then in zip(moved, before, strict=True)].index(True))
            before[:] = moved
            return True

    learner, played = agent(curriculum=0.5), []
    before = [practice.state()["self_play/moves"].tobytes() for practice in learner._practices]
    learner.learn(10 * 8 * 12, hooks=Watch())
    assert played == [1, 1, 1, 2, 2, 2, 0, 0, 0, 0, 0, 0]
    assert [practice.games for practice in learner._practices] == [10, 10, 10]
    assert learner.num_timesteps == 10 * 8 * 12
    for practice in learner._practices:
        assert practice.owed < 32  # what a size has paid for is learned before the next


def test_a_curriculum_without_other_sizes_is_refused():
    with pytest.raises(ValueError, match=r"curriculum=0\.5 has no other_sizes to begin with; give"):
        AlphaZero(AlphaZeroConfig(curriculum=0.5), GAMES["Go"](size=5), games=4, device="cpu")


@pytest.mark.parametrize("curriculum", [0.0, 0.8])
def test_resuming_on_several_sizes_is_exact(curriculum):
    whole = agent(curriculum=curriculum).learn(10 * 8 * 8)
    first = agent(curriculum=curriculum).learn(10 * 8 * 8, hooks=stop_after(4))
    second = agent(seed=5, curriculum=curriculum)
    second.restore(first.snapshot())
    second.learn(10 * 8 * 8 - second.num_timesteps, reset_num_timesteps=False)
    ours, theirs = whole.snapshot(), second.snapshot()
    assert len(ours.state) == len(theirs.state) > 20
    for key, array in ours.state.items():
        assert (array == theirs.state[key]).all(), key
    for key, tensor in ours.weights.items():
        assert torch.equal(tensor, theirs.weights[key]), key


def test_batches_of_the_sizes_take_turns():
    learner = agent()
    for practice, owed in zip(learner._practices, (4 * 32, 2 * 32, 0), strict=True):
        practice.owed, practice.replay = float(owed), SimpleNamespace(size=1000)
    turns = [learner._practices.index(practice) for practice in learner._learner._turns(learner._practices)]
    assert turns == [0, 1, 0, 0, 1, 0]


def test_a_network_that_depends_on_the_size_is_refused():
    config = AlphaZeroConfig(policy_head="dense", other_sizes=[3])
    with pytest.raises(ValueError, match=r"depends on the size of the board.*policy_head conv"):
        AlphaZero(config, GAMES["Go"](size=5), others=[GAMES["Go"](size=3)], games=4, device="cpu")


def test_too_few_games_for_the_sizes_are_refused():
    with pytest.raises(ValueError, match="1 games are too few for boards of 2 sizes"):
        AlphaZero(AlphaZeroConfig(), GAMES["Go"](size=5), others=[GAMES["Go"](size=3)], games=1, device="cpu")
