"""Players that search worlds by their rules: what they play, and what is refused in one line."""

import gymnasium
import numpy as np
import pytest

from quadrivium.agents.errors import UserError
from quadrivium.agents.evaluation.players import make_player
from quadrivium.commands.searching import SEARCHING
from quadrivium.envs.puzzles.twenty_forty_eight.kernel import DOWN
from quadrivium.envs.puzzles.twenty_forty_eight.pushes import board_of

ID = "quadrivium/TwentyFortyEight-v0"


@pytest.fixture(scope="module")
def batch():
    env = gymnasium.make_vec(ID, num_envs=2)
    env.reset(seed=0)
    return env


@pytest.mark.parametrize("text", ["mcts:40", "mcts:40?leaf=estimate", "expectimax:1", "expectimax:2"])
def test_a_search_joins_the_two_largest_tiles_and_leaves_the_lanes_as_they_are(batch, text):
    states = batch.unwrapped.get_state()
    # Downwards or upwards two tiles 1024 become one; sideways nothing does.
    states["board"] = board_of(np.array([[1024, 2, 0, 0], [1024, 4, 0, 0], [0] * 4, [0] * 4]))
    batch.unwrapped.set_state(states)
    player = make_player(text, batch, SEARCHING)
    assert player.name == text
    actions = player.act(None, batch)
    assert set(actions.tolist()) <= {0, DOWN}
    np.testing.assert_array_equal(player.act(None, batch), actions)
    assert batch.unwrapped.get_state().tobytes() == states.tobytes()


@pytest.mark.parametrize(
    ("text", "env_id", "told"),
    [
        ("mcts:0", ID, "'0' is no positive whole number; write mcts:100"),
        ("mcts:9?leaf=net", ID, "'leaf=net' is no way to judge: rollout or estimate"),
        ("expectimax:deep", ID, "write expectimax:1"),
        ("expectimax:1", "quadrivium/SignChain-v0", "sign_chain does not say what it draws; write mcts:100"),
        (
            "mcts:9?leaf=estimate",
            "quadrivium/SignChain-v0",
            "has no rule of thumb to judge by; write mcts:100",
        ),
        ("mcts:9", "quadrivium/TicTacToe-v0", "is a game of two; there mcts:N plays in tournaments"),
        ("mcts:9", "CartPole-v1", "this environment is none of ours"),
    ],
)
def test_what_cannot_be_searched_is_refused_in_a_line(text, env_id, told):
    env = gymnasium.make_vec(env_id, num_envs=1)
    with pytest.raises(UserError, match=told) as caught:
        make_player(text, env, SEARCHING)
    assert "\n" not in str(caught.value)
