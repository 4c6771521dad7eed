"""A board game as a Gymnasium environment: one agent, one opponent, rewards at the end."""

import gymnasium
import numpy as np
import pytest

from quadrivium import envs
from quadrivium.envs.board import GAMES, ConnectFour

ID = "quadrivium/ConnectFour-v0"


def first_legal(seen):
    """Plays the leftmost column that is open."""
    return seen["action_mask"].argmax(axis=1)


def column_6(seen):
    return np.full(len(seen["action_mask"]), 6)


def outcomes(env, act, steps, seed=0):
    """Returns how many episodes the agent won, drew and lost."""
    obs, _ = env.reset(seed=seed)
    counts = np.zeros(3, np.int64)
    for _ in range(steps):
        obs, _, _, _, info = env.step(act(env, obs))
        ended = info["_metrics"]
        counts += [int(info["metrics"][name][ended].sum()) for name in ("win", "draw", "loss")]
    return counts


def test_four_in_a_column_win_with_reward_1_after_seven_plies():
    env = gymnasium.make(ID, opponent=column_6, seat="first")
    env.reset(seed=0)
    rewards = [env.step(2)[1:4] for _ in range(4)]
    assert rewards == [(0.0, False, False)] * 3 + [(1.0, True, False)]


def test_the_opponents_four_in_a_column_lose_with_reward_minus_1():
    env = gymnasium.make(ID, opponent=column_6, seat="first")
    env.reset(seed=0)
    for column in (0, 1, 2):
        env.step(column)
    _, reward, terminated, _, info = env.step(0)
    assert (reward, terminated) == (-1.0, True)
    assert info["metrics"] == {"win": 0.0, "draw": 0.0, "loss": 1.0, "first": 1.0, "plies": 8.0}
    assert info["reward_terms"] == {"outcome": -1.0}


def test_in_the_second_seat_the_opponent_has_moved_before_the_first_observation():
    env = gymnasium.make(ID, opponent=column_6, seat="second")
    obs, _ = env.reset(seed=0)
    own, other = obs["observation"]
    assert own.sum() == 0
    assert np.argwhere(other).tolist() == [[5, 6]]


def test_each_episode_draws_its_seat_anew_half_of_them_first():
    env = gymnasium.make_vec(ID, num_envs=2000, seat="random")
    env.reset(seed=0)
    first = (env.unwrapped.get_state()["seat"] == 0).mean()
    assert 0.45 < first < 0.55  # 4.5 standard errors


def test_a_policy_sees_only_the_games_where_it_is_to_move_from_its_own_side():
    seen_batches = []

    def watching(seen):
        seen_batches.append({key: value.copy() for key, value in seen.items()})
        return column_6(seen)

    env = gymnasium.make_vec(ID, num_envs=3, opponent=watching, seat="first")
    env.reset(seed=0)
    assert seen_batches == []
    env.step(np.array([0, 1, 2]))
    (seen,) = seen_batches
    assert seen["observation"].shape == (3, 2, 6, 7)
    assert seen["action_mask"].tolist() == [[1] * 7] * 3
    own, other = seen["observation"][:, 0], seen["observation"][:, 1]
    assert own.sum() == 0  # the opponent's own stones, none yet
    assert np.argwhere(other).tolist() == [[0, 5, 0], [1, 5, 1], [2, 5, 2]]


class Columns:
    """Opponents of which each plays the column of its lane; they remember which games have ended."""

    def __init__(self) -> None:
        self.heard = []

    def play(self, game, states, lanes):
        return lanes.copy()

    def ended(self, lanes, outcomes, began):
        self.heard += zip(lanes.tolist(), outcomes.tolist(), began.tolist(), strict=True)


def test_opponents_that_tell_the_lanes_apart_play_each_its_own_and_hear_once_of_each_end():
    opponents = Columns()
    env = gymnasium.make_vec(ID, num_envs=3, opponent=opponents, seat="first")
    env.reset(seed=0)
    for actions in ([6, 6, 6], [6, 5, 5], [6, 4, 6]):
        obs, *_ = env.step(np.array(actions))
    assert obs["observation"][:, 1].argmax(axis=-1).max(axis=-1).tolist() == [0, 1, 2]
    assert opponents.heard == []
    env.step(np.array([6, 0, 5]))  # a column wins; four in their own columns win in the lanes 1 and 2
    assert opponents.heard == [(0, 1, True), (1, -1, True), (2, -1, True)]
    env.step(np.array([3, 3, 3]))
    assert len(opponents.heard) == 3


def test_opponents_hear_of_draws_and_of_the_seat_that_the_agent_had():
    class First(Columns):
        def play(self, game, states, lanes):
            return game.legal(states, np.arange(len(states))).argmax(axis=1)

    opponents = First()
    env = gymnasium.make_vec("quadrivium/TicTacToe-v0", num_envs=1, opponent=opponents, seat="second")
    env.reset(seed=0)  # X plays the first that is free: 0, 2, 3, 5, 7
    for action in (1, 4, 6, 8):
        env.step(np.array([action]))
    assert opponents.heard == [(0, 0, False)]


def test_lanes_that_end_on_the_agents_move_begin_anew_without_waiting_for_the_others():
    env = gymnasium.make_vec(ID, num_envs=2, opponent=column_6, seat="first")
    env.reset(seed=0)
    for actions in ([2, 0], [2, 1], [2, 2]):
        env.step(np.array(actions))
    obs, rewards, terminated, _, info = env.step(np.array([2, 3]))  # both win: a column, and a row
    assert rewards.tolist() == [1.0, 1.0]
    assert terminated.tolist() == [True, True]
    assert obs["observation"].sum() == 0
    assert [last["observation"].sum() for last in info["final_obs"]] == [7, 7]
    assert [last["action_mask"].sum() for last in info["final_obs"]] == [0, 0]
    assert obs["action_mask"].tolist() == [[1] * 7] * 2


def test_an_illegal_move_of_the_opponent_is_an_error_that_says_so():
    env = gymnasium.make(ID, opponent=lambda seen: np.full(len(seen["action_mask"]), 9), seat="first")
    env.reset(seed=0)
    with pytest.raises(
        ValueError, match="the opponent's move 9 is illegal; legal moves: a, b, c, d, e, f, g"
    ):
        env.step(0)


def test_an_illegal_move_of_the_agent_is_an_error_and_changes_nothing():
    env = gymnasium.make(ID, opponent=first_legal, seat="first")
    env.reset(seed=0)
    for _ in range(3):
        env.step(0)  # the opponent answers in the same column: after three rounds it is full
    before = env.unwrapped.get_state()
    with pytest.raises(ValueError, match="move a is illegal; legal moves: b, c, d, e, f, g"):
        env.step(0)
    assert before.tobytes() == env.unwrapped.get_state().tobytes()
    env.step(1)


def test_the_action_space_samples_legal_moves_only():
    env = gymnasium.make_vec(ID, num_envs=64)
    env.reset(seed=0)
    env.action_space.seed(0)
    for _ in range(200):
        env.step(env.action_space.sample())  # an illegal one would raise


def test_the_random_opponent_within_the_engine_plays_like_a_random_policy_outside():
    random = np.random.default_rng(0)

    def uniform(seen):
        mask = seen["action_mask"]
        return (random.random(mask.shape) * mask).argmax(axis=1)

    def tactical(env, obs):
        return env.unwrapped.baselines["tactical"](env.unwrapped)

    inside = outcomes(gymnasium.make_vec(ID, num_envs=512), tactical, 60)
    outside = outcomes(gymnasium.make_vec(ID, num_envs=512, opponent=uniform), tactical, 60)
    for counts in (inside, outside):
        assert counts.sum() > 2500
    shares = inside[0] / inside.sum(), outside[0] / outside.sum()
    assert abs(shares[0] - shares[1]) < 0.025  # 4 standard errors of a share of 0.95 of 2500, twice


def test_the_tactical_player_takes_a_win_and_prevents_one():
    game = ConnectFour()
    env = gymnasium.make_vec(ID, num_envs=2, seat="first")
    env.reset(seed=0)
    rows = np.concatenate([game.play_moves("a g a g a g"), game.play_moves("a g b g e g")])
    rows["seat"] = 0
    env.unwrapped.set_state(rows)
    assert env.unwrapped.baselines["tactical"](env.unwrapped).tolist() == [0, 6]


def test_tactical_opponents_are_harder_than_random_ones():
    def random(env, obs):
        return env.action_space.sample()

    easy = outcomes(gymnasium.make_vec(ID, num_envs=256), random, 80)
    hard = outcomes(gymnasium.make_vec(ID, num_envs=256, opponent="tactical"), random, 80)
    assert easy[0] / easy.sum() > 0.4
    assert hard[0] / hard.sum() < 0.1


def test_training_and_test_games_draw_other_random_numbers():
    rows = {}
    for split in ("train", "test"):
        env = gymnasium.make_vec(ID, num_envs=100, split=split)
        env.reset(seed=0)
        rows[split] = set(env.unwrapped.get_state()["rng"].tolist())
    assert len(rows["train"]) == len(rows["test"]) == 100
    assert not rows["train"] & rows["test"]


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"seat": "white"}, "seat='white' is unknown: use one of 'first', 'second', 'random'"),
        ({"opponent": "rndom"}, "did you mean 'random'"),
        ({"opponnent": "random"}, "did you mean 'opponent'"),
        ({"split": "valid"}, "split='valid' is unknown"),
        ({"opponent": 3}, "opponent=3 is unknown"),
    ],
)
def test_a_wrong_argument_is_one_line_with_the_remedy(kwargs, message):
    with pytest.raises(ValueError, match=message) as caught:
        gymnasium.make(ID, **kwargs)
    assert "\n" not in str(caught.value)


def test_an_illegal_move_can_lose_instead():
    env = gymnasium.make_vec(ID, num_envs=2, opponent=first_legal, seat="first", illegal="lose")
    env.reset(seed=0)
    for _ in range(3):
        env.step(np.array([0, 0]))  # the opponent answers in the same column: after three rounds it is full
    _, rewards, terminated, _, info = env.step(np.array([0, 1]))
    assert rewards.tolist() == [-1.0, 0.0]
    assert terminated.tolist() == [True, False]
    assert info["metrics"]["loss"][0] == 1.0


def test_every_game_has_an_id():
    assert sorted(envs.BOARD_GAMES) == sorted(GAMES)
    assert {f"quadrivium/{name}-v0" for name in GAMES} <= set(gymnasium.registry)
