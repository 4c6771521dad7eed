"""2048: every push of every ply beside OpenSpiel, pushes by hand, what chance may do, and how a game ends."""

import gymnasium
import numpy as np
import pytest

from quadrivium.envs.core.chance import CHANCE
from quadrivium.envs.core.world_game import WorldGame
from quadrivium.envs.puzzles.twenty_forty_eight.kernel import DOWN, LEFT, RIGHT, UP
from quadrivium.envs.puzzles.twenty_forty_eight.pushes import board_of, push_all, tiles
from quadrivium.envs.puzzles.twenty_forty_eight.tables import tables, tiles_of
from tests.registry import setup_of

ID = "quadrivium/TwentyFortyEight-v0"
ONE = np.arange(1)


@pytest.fixture(scope="module")
def game():
    return WorldGame(setup_of(ID))


def placed(game, cells):
    """Returns a pool (1,) with a board."""
    pool = game.pool(1)
    pool["board"] = board_of(np.array(cells))
    return pool


def board_in(state):
    """Returns the tiles (16,) of a state of OpenSpiel's."""
    return [int(word) for word in str(state).split()]


@pytest.mark.parametrize("seed", range(4))
def test_every_push_of_every_ply_of_random_games_is_openspiels(game, seed):
    """Boards, points, what chance may do, and ends; 10 games a seed.

    Legal is a push that changes OpenSpiel's board. Its own list may lack some: it takes a tile that the last
    push made for one that cannot be joined.
    """
    pyspiel = pytest.importorskip("pyspiel")
    theirs = pyspiel.load_game("2048(max_tile=65536)")
    random, plies, lists_alike, four = np.random.default_rng(seed), 0, 0, np.arange(4)
    for _ in range(10):
        pool = game.pool(5, int(random.integers(2**40)))
        pool["board"] = 0
        other = theirs.new_initial_state()
        for _ in range(2):  # the first two tiles, which a reset draws
            outcome, _ = other.chance_outcomes()[random.integers(len(other.chance_outcomes()))]
            other.apply_action(outcome)
            pool["board"][0] |= np.uint64((1 + outcome % 2) << 4 * (outcome // 2))
        while True:
            before = board_in(other)
            assert tiles(pool["board"][0]).ravel().tolist() == before
            result = game.branch(pool, np.zeros(4, np.int64), 1 + four, four)
            legal = np.flatnonzero(game.legal(pool, ONE)[0]).tolist()
            changing = []
            for push in four:
                after = other.clone()
                after.apply_action(push)
                assert tiles(pool["board"][1 + push]).ravel().tolist() == board_in(after)
                if board_in(after) != before:
                    assert result.returns[push, 0] == after.rewards()[0]
                    changing.append(int(push))
            assert legal == changing
            assert set(other.legal_actions()) <= set(legal)
            lists_alike += other.legal_actions() == legal
            assert bool(game.result(pool, ONE).over[0]) == (not legal)
            plies += 1
            if not legal:
                assert other.is_terminal()
                break
            push = int(random.choice(legal))
            other.apply_action(push)
            assert result.to_move[push] == CHANCE
            chances, expected = game.chances(pool, np.array([1 + push]))[0], dict(other.chance_outcomes())
            assert np.flatnonzero(chances).tolist() == sorted(expected)
            np.testing.assert_allclose(
                chances[sorted(expected)], [expected[k] for k in sorted(expected)], rtol=1e-6
            )
            outcome = int(random.choice(sorted(expected)))
            other.apply_action(outcome)
            game.branch(pool, np.array([1 + push]), ONE, np.array([outcome]))
        assert pool["score"][0] == other.returns()[0]
    assert plies > 500
    assert lists_alike > 0.8 * plies


@pytest.mark.parametrize(
    ("row", "left", "points"),
    [
        ([2, 2, 2, 2], [4, 4, 0, 0], 8),  # not one 8: a tile is made once a push
        ([4, 2, 2, 0], [4, 4, 0, 0], 4),  # nor is the new 4 joined to the old one
        ([2, 0, 2, 4], [4, 4, 0, 0], 4),
        ([0, 2, 2, 2], [4, 2, 0, 0], 4),  # the pair nearest to the side
        ([2, 4, 2, 4], [2, 4, 2, 4], 0),
        ([32768, 32768, 0, 2], [32768, 32768, 2, 0], 0),
        ([16384, 16384, 0, 0], [32768, 0, 0, 0], 32768),
    ],
)
def test_a_row_is_pushed_as_by_hand(row, left, points):
    board = np.zeros((4, 4), np.int64)
    board[2] = row
    expected = np.zeros((4, 4), np.int64)
    expected[2] = left
    for turns, push in enumerate((LEFT, DOWN, RIGHT, UP)):  # each turn takes left to down, down to right, …
        after, earned = push_all(board_of(np.rot90(board, turns))[None])
        np.testing.assert_array_equal(tiles(after[0, push]), np.rot90(expected, turns))
        assert earned[0, push] == points


def test_a_table_of_rows_keeps_what_tiles_sum_to_and_turns_round(game):
    table, rows = tables(), tiles_of(np.arange(1 << 16))
    sums = np.where(rows > 0, 1 << rows, 0).sum(axis=1)
    for pushed in (table.left, table.right):
        after = tiles_of(pushed)
        assert (np.where(after > 0, 1 << after, 0).sum(axis=1) == sums).all()
    backwards = (rows[:, ::-1] << np.arange(0, 16, 4)).sum(axis=1)
    np.testing.assert_array_equal(tiles_of(table.right), tiles_of(table.left[backwards])[:, ::-1])


def test_the_kernel_pushes_as_the_tables_do_on_whole_boards(game):
    random = np.random.default_rng(0)
    exponents = random.integers(0, 6, (200, 16)).astype(np.uint64)
    boards = np.bitwise_or.reduce(exponents << np.arange(0, 64, 4, dtype=np.uint64), axis=1)
    after, earned = push_all(boards)
    pool = game.pool(400)
    pool["board"][:200] = boards
    legal = game.legal(pool, np.arange(200))
    np.testing.assert_array_equal(legal != 0, after != boards[:, None])
    for push in range(4):
        rows = np.flatnonzero(legal[:, push])
        result = game.branch(pool, rows, rows + 200, np.full(len(rows), push))
        np.testing.assert_array_equal(pool["board"][rows + 200], after[rows, push])
        np.testing.assert_array_equal(result.returns[:, 0], earned[rows, push])


def test_a_game_is_over_when_no_push_changes_anything(game):
    stuck = [[2, 4, 2, 4], [4, 2, 4, 2], [2, 4, 2, 4], [4, 2, 8, 0]]
    pool = placed(game, stuck)
    game.step(pool, ONE, np.array([RIGHT]))  # the last cell of the row is filled from the left: 0 4 2 8
    assert tiles(pool["board"][0])[3, 1:].tolist() == [4, 2, 8]
    assert bool(game.result(pool, ONE).over[0]) == (not game.legal(pool, ONE).any())


def test_the_goal_ends_a_game():
    game = WorldGame(setup_of(ID, goal="1024"))
    pool = placed(game, [[512, 512, 0, 0], [0] * 4, [0] * 4, [0] * 4])
    game.step(pool, ONE, np.array([LEFT]))
    assert game.result(pool, ONE).over.tolist() == [True]
    assert game.metrics(pool, ONE)["highest_tile"].tolist() == [1024]


def test_a_ninth_of_the_new_tiles_are_twos_to_one_four_in_every_empty_cell(game):
    start = placed(game, [[2, 0, 0, 0], [0, 4, 8, 16], [4, 8, 16, 32], [8, 16, 32, 64]])
    pool = np.repeat(start, 40_000)
    pool["rng"] = np.random.default_rng(0).integers(2**63, size=len(pool), dtype=np.uint64)
    game.step(pool, np.arange(len(pool)), np.full(len(pool), RIGHT))
    cells = tiles(pool["board"]).reshape(-1, 16)
    where = pool["new_cell"].astype(np.int64)
    outcomes = 2 * where + (cells[np.arange(len(pool)), where] == 4)
    share = np.bincount(outcomes, minlength=32) / len(pool)
    expected = np.zeros(32)
    expected[[0, 2, 4, 8]] = 0.9 / 4
    expected[[1, 3, 5, 9]] = 0.1 / 4
    np.testing.assert_allclose(share, expected, atol=5 * np.sqrt(0.25 / len(pool)))


def test_an_illegal_push_is_refused_by_name_or_ends_the_game():
    env = gymnasium.make(ID)
    env.reset(seed=0)
    state = env.unwrapped.get_state()
    state["board"] = board_of(np.array([[2, 0, 0, 0], [4, 0, 0, 0], [2, 0, 0, 0], [4, 0, 0, 0]]))
    env.unwrapped.set_state(state)
    with pytest.raises(
        ValueError, match=r"action left changes nothing and is illegal; legal actions: right$"
    ):
        env.step(LEFT)
    ending = gymnasium.make(ID, illegal="end")
    ending.reset(seed=0)
    ending.unwrapped.set_state(state)
    _, reward, terminated, _, _ = ending.step(LEFT)
    assert (reward, terminated) == (0.0, True)


def test_baselines_push_as_they_say():
    batch = gymnasium.make_vec(ID, num_envs=3)
    batch.reset(seed=0)
    states = batch.unwrapped.get_state()
    states["board"] = board_of(
        np.array(
            [
                [[2, 0, 0, 2], [0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]],  # down is open, left earns 4
                [[2, 0, 0, 0], [4, 0, 0, 0], [2, 0, 0, 0], [4, 0, 0, 0]],  # right alone
                [[8, 2, 0, 0], [8, 2, 0, 0], [4, 4, 0, 0], [2, 2, 0, 0]],  # down 20, left and right 12
            ]
        )
    )
    batch.unwrapped.set_state(states)
    assert batch.unwrapped.baselines["corner"](batch).tolist() == [DOWN, RIGHT, DOWN]
    assert batch.unwrapped.baselines["greedy"](batch).tolist() == [LEFT, RIGHT, DOWN]


def test_what_is_no_tile_is_refused():
    with pytest.raises(ValueError, match=r"3 is no tile; use 2, 4, 8"):
        board_of(np.full((4, 4), 3))


def test_a_game_is_told_and_drawn():
    env = gymnasium.make(ID, render_mode="ansi")
    env.reset(seed=0)
    assert env.render().splitlines()[-1] == "score 0"
    drawn = gymnasium.make(ID, render_mode="rgb_array")
    observation, _ = drawn.reset(seed=0)
    first = drawn.render()
    assert first.shape == (462, 418, 3)
    drawn.step(int(np.argmax(observation["action_mask"])))
    assert (drawn.render() != first).any()


def test_random_returns_play_the_games_of_play_random(game):
    one = game.pool(6, 3)
    other = one.copy()
    returns = game.random_returns(one, np.arange(6))
    game.play_random(other, np.arange(6))
    for field in one.dtype.names:
        np.testing.assert_array_equal(one[field], other[field], err_msg=field)
    np.testing.assert_array_equal(returns, other["score"])
    short = game.pool(6, 3)
    assert (game.random_returns(short, np.arange(6), 5) == short["score"]).all()
    assert (short["moves"] == 5).all()
