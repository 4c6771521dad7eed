"""Games as batched functions over the rows of a pool: every row on its own, and as if it were alone."""

from typing import NamedTuple

import numpy as np
import pytest
from scipy.stats import chisquare

from quadrivium.envs.board import ConnectFour, Gomoku, TicTacToe
from quadrivium.envs.board.connect_four import kernel
from quadrivium.envs.core.game import Game, words_of
from quadrivium.envs.core.lane import lane
from quadrivium.envs.core.pool_jobs import ROWS_WORTH_THREADS
from quadrivium.envs.core.rules import NO_MOVE, NOBODY, Rules
from tests.fresh_process import runner

GAME = ConnectFour()


def differing_rows(n=48, seed=0):
    """Returns a pool of games at different moments, none of them over."""
    pool = GAME.pool(n, seed)
    for k in range(n):
        GAME.play_random(pool, np.array([k]), k % 7)
    assert not pool["over"].any()
    return pool


def first_legal(pool, rows):
    return GAME.legal(pool, rows).argmax(axis=1)


# ---- rows


@pytest.mark.parametrize("n", [3, 4 * ROWS_WORTH_THREADS + 5])
def test_a_batch_does_what_each_row_does_alone(n):
    batch, alone = differing_rows(n), differing_rows(n)
    order = np.random.default_rng(0).permutation(n)
    mask, planes = GAME.legal(batch, order), GAME.observe(batch, order)
    drawn = GAME.random_actions(batch, order)
    GAME.step(batch, order, drawn)
    for k, row in enumerate(order):
        one = np.array([row])
        np.testing.assert_array_equal(GAME.legal(alone, one)[0], mask[k])
        np.testing.assert_array_equal(GAME.observe(alone, one)[0], planes[k])
        assert GAME.random_actions(alone, one)[0] == drawn[k]
        GAME.step(alone, one, drawn[k : k + 1])
    assert batch.tobytes() == alone.tobytes()


def test_rows_that_are_not_named_stay_as_they_are():
    pool, before = differing_rows(), differing_rows()
    named = np.arange(1, 48, 3)
    others = np.setdiff1d(np.arange(48), named)
    GAME.step(pool, named, first_legal(pool, named))
    GAME.play_random(pool, named)
    GAME.start(pool, named[::2], np.arange(len(named[::2])))
    GAME.random_actions(pool, named[::2])
    changed = (words_of(pool) != words_of(before)).any(axis=1)
    assert not changed[others].any()
    assert changed[named].all()


def test_one_source_may_fill_many_rows():
    pool = differing_rows()
    sources, targets = np.array([5, 5, 5, 2, 5]), np.array([40, 41, 47, 42, 46])
    expected = words_of(pool).copy()
    expected[targets] = expected[sources]
    GAME.copy(pool, sources, targets)
    np.testing.assert_array_equal(words_of(pool), expected)


def test_what_games_write_to_the_given_array_is_what_they_return():
    pool, rows = differing_rows(), np.arange(48)
    mask, planes = np.full((48, 7), 9, np.int8), np.full((48, 2, 6, 7), np.nan, np.float32)
    assert GAME.legal(pool, rows, mask) is mask
    assert GAME.observe(pool, rows, out=planes) is planes
    np.testing.assert_array_equal(mask, GAME.legal(pool, rows))
    np.testing.assert_array_equal(planes, GAME.observe(pool, rows))


def test_players_may_be_asked_for_by_seat():
    pool, rows = differing_rows(), np.arange(48)
    first, second = (GAME.observe(pool, rows, np.full(48, seat, np.int8)) for seat in (0, 1))
    np.testing.assert_array_equal(first, second[:, ::-1])
    mover = np.where(pool["to_move"][:, None, None, None] == 0, first, second)
    np.testing.assert_array_equal(GAME.observe(pool, rows), mover)


# ---- random play


def test_a_row_of_a_pool_draws_from_the_stream_of_its_own_seed():
    pool = GAME.pool(6, seed=10)
    for k in range(6):
        assert pool[k : k + 1].tobytes() == GAME.pool(1, seed=10 + k).tobytes()
    GAME.play_random(pool, np.arange(6))
    GAME.start(pool, np.array([4, 1]), np.array([14, 11]))
    fresh = GAME.pool(6, seed=10)
    np.testing.assert_array_equal(words_of(pool)[[4, 1]], words_of(fresh)[[4, 1]])


def test_random_play_stops_at_the_end():
    pool, rows = GAME.pool(32), np.arange(32)
    GAME.play_random(pool, rows)
    assert pool["over"].all()
    before = pool.tobytes()
    GAME.play_random(pool, rows)
    GAME.play_random(pool, rows, 5)
    assert pool.tobytes() == before


def test_random_play_makes_as_many_moves_as_asked_for():
    pool, rows = GAME.pool(8), np.arange(8)
    GAME.play_random(pool, rows, 0)
    assert pool.tobytes() == GAME.pool(8).tobytes()
    GAME.play_random(pool, rows, 3)
    GAME.play_random(pool, rows, 2)
    assert (pool["ply"] == 5).all()


def test_restarting_play_is_draws_moves_and_new_games_in_turn():
    pool, expected, rows = GAME.pool(16), GAME.pool(16), np.arange(16)
    first = GAME.pool(1)[0]
    restarts = 0
    for _ in range(100):
        for k in np.flatnonzero(expected["over"]):
            for field in set(GAME.state_dtype.names) - {"seed", "episode", "rng", "seat"}:
                expected[k][field] = first[field]
            restarts += 1
        GAME.step(expected, rows, GAME.random_actions(expected, rows))
    GAME.play_random(pool, rows, 100, restart=True)
    assert restarts > 16
    assert pool.tobytes() == expected.tobytes()


@pytest.mark.parametrize("moves", ["", "d d d d d d", "a a a a a a b b b b b b c"])
def test_each_legal_action_is_drawn_equally_often(moves):
    n = 70_000
    pool = np.repeat(GAME.play_moves(moves), n)
    pool["rng"] = GAME.pool(n, seed=5)["rng"]
    legal = GAME.legal(pool, np.arange(1))[0]
    drawn = np.bincount(GAME.random_actions(pool, np.arange(n)), minlength=7)
    assert (drawn[legal == 0] == 0).all()
    assert chisquare(drawn[legal == 1]).pvalue > 1e-4


# ---- illegal actions


def test_an_illegal_action_is_named_with_the_legal_ones_and_nothing_is_played():
    pool = np.concatenate([GAME.pool(2), GAME.play_moves("d d d d d d"), GAME.pool(1)])
    before = pool.tobytes()
    with pytest.raises(ValueError, match=r"^move d is illegal; legal moves: a, b, c, e, f, g$"):
        GAME.step(pool, np.arange(4), np.array([0, 1, 3, 2]))
    for action in (-1, 7, 2**40):
        with pytest.raises(
            ValueError, match=rf"^move {action} is illegal; legal moves: a, b, c, d, e, f, g$"
        ):
            GAME.step(pool, np.arange(4), np.array([0, action, 0, 2]))
    assert pool.tobytes() == before


def test_a_game_without_a_notation_names_numbers():
    game = Game(kernel.RULES, kernel.ConnectFourParams(), kernel.STATE, 7, (2, 6, 7))
    pool = GAME.play_moves("d d d d d d")
    with pytest.raises(ValueError, match=r"^move 3 is illegal; legal moves: 0, 1, 2, 4, 5, 6$"):
        game.step(pool, np.arange(1), np.array([3]))


def test_of_many_legal_moves_forty_are_named():
    game = Gomoku()
    pool = game.play_moves("h8")
    with pytest.raises(ValueError, match=r"^move h8 is illegal; legal moves: a15, .*, j13 and 184 more$"):
        game.step(pool, np.arange(1), np.array([112]))


def test_a_move_after_the_end_is_refused():
    pool = GAME.play_moves("a b a b a b a")
    with pytest.raises(ValueError, match="move c was played after the game's end; begin a new game"):
        GAME.step(pool, np.arange(1), np.array([2]))


@pytest.mark.parametrize(
    "actions", [np.array([1.0, 2.0]), np.array([1]), np.array([[1, 2]]), np.array([True, False])]
)
def test_actions_that_are_no_integers_of_the_batch_are_refused(actions):
    with pytest.raises(ValueError, match=r"2 games need integers of shape \(2,\)"):
        GAME.step(GAME.pool(2), np.arange(2), actions)


# ---- results


def test_results_by_seat():
    full = "a b a b a b b a b a b a c d c d c d d c d c d c e f e f e f f e f e f e g g g g g g"
    games = ["d", "a b a b a b a", "g a b a b a b a", full]
    pool = np.concatenate([GAME.play_moves(moves) for moves in games])
    result = GAME.result(pool, np.array([3, 2, 1, 0]))
    assert result.over.tolist() == [True, True, True, False]
    assert result.to_move.tolist() == [0, 0, 1, 1]
    assert result.returns.tolist() == [[0, 0], [-1, 1], [1, -1], [0, 0]]
    assert (result.over.dtype, result.returns.dtype) == (bool, np.float32)
    result.returns[:] = 5  # the caller's own
    assert pool["winner"].tolist() == [NOBODY, 0, 1, NOBODY]
    assert GAME.pool(1)["last_move"].tolist() == [NO_MOVE]


# ---- perft


def lines(game, row, depth, count_ended):
    """Counts by recursion, a position at a time."""
    if depth == 0:
        return 1
    if row["over"]:
        return int(count_ended)
    one = np.array([row], game.state_dtype)
    total = 0
    for action in np.flatnonzero(game.legal(one, np.arange(1))[0]):
        after = one.copy()
        game.step(after, np.arange(1), np.array([action]))
        total += lines(game, after[0], depth - 1, count_ended)
    return total


@pytest.mark.parametrize("count_ended", [False, True])
@pytest.mark.parametrize(
    ("game", "moves"),
    [(GAME, "a b a b a b"), (GAME, "d d d d d d c c c c c c e e e e"), (TicTacToe(), "b2 a1 c1")],
)
def test_perft_is_what_a_plain_recursion_counts(game, moves, count_ended):
    row = game.play_moves(moves)[0]
    for depth in range(5):
        expected = lines(game, row, depth, count_ended)
        assert game.perft(row, depth, count_ended=count_ended) == expected


def test_perft_of_an_ended_game():
    row = GAME.play_moves("a b a b a b a")[0]
    assert [GAME.perft(row, depth) for depth in range(4)] == [1, 0, 0, 0]
    assert [GAME.perft(row, depth, count_ended=True) for depth in range(4)] == [1, 1, 1, 1]


def test_perft_leaves_the_row_as_it_is():
    pool = GAME.play_moves("d d")
    before = pool.tobytes()
    GAME.perft(pool[0], 4)
    assert pool.tobytes() == before


# ---- compiled code


class OtherParams(NamedTuple):
    """The fields of connect four's, another class."""

    threats: int = 0
    split: int = 0
    seat: int = 2
    opponent: int = 0


def test_two_games_with_equal_records_and_fields_stay_apart():
    misere = Rules(
        **{**vars(kernel.RULES), "name": "other", "params": OtherParams, "legal": kernel_legal_but_d}
    )
    other = Game(misere, OtherParams(), kernel.STATE, 7, (2, 6, 7))
    rows = np.arange(1)
    for game, mask in ((other, [1, 1, 1, 0, 1, 1, 1]), (GAME, [1] * 7), (other, [1, 1, 1, 0, 1, 1, 1])):
        assert game.legal(game.pool(1), rows).tolist() == [mask]


@lane
def kernel_legal_but_d(s, p, mask):
    for column in range(7):
        mask[column] = column != 3


# A game of two files, so that one of them can be edited: whoever takes the last of a heap wins.
HELPER = """
from quadrivium.envs.core.lane import lane

@lane
def heap():
    return 5
"""
TINY = """
import sys, time, json
from typing import NamedTuple
import numpy as np
from quadrivium.envs.core.game import Game
from quadrivium.envs.core.lane import lane
from quadrivium.envs.core.compile import history
from quadrivium.envs.core.lane import lane
from quadrivium.envs.core.rules import GAME_HEADER, Rules
import tiny_heap

class Params(NamedTuple):
    split: int = 0
    seat: int = 0
    opponent: int = 0

STATE = np.dtype([*GAME_HEADER, ("left", "i4")], align=True)

@lane
def start_one(s, p):
    s.ply = 0
    s.last_move = -1
    s.to_move = 0
    s.over = 0
    s.winner = -1
    s.left = tiny_heap.heap()

@lane
def play_one(s, p, action):
    s.left -= action + 1
    s.ply += 1
    s.last_move = action
    if s.left == 0:
        s.over = 1
        s.winner = s.to_move
    s.to_move = 1 - s.to_move

@lane
def legal_one(s, p, mask):
    for action in range(3):
        mask[action] = s.over == 0 and action < s.left

@lane
def random_action_one(s, p):
    return 0

@lane
def observe_one(s, p, player, out):
    out[0] = s.left

RULES = Rules("tiny", Params, start_one, play_one, legal_one, random_action_one, observe_one)

def main():
    game = Game(RULES, Params(), STATE, 3, (1, 1, 1))
    rows = np.arange(4)
    start = time.thread_time()
    pool = game.pool(8)
    game.copy(pool, rows, rows + 4)
    game.step(pool, rows, game.random_actions(pool, rows))
    left = game.observe(pool, rows)[0].item()
    game.play_random(pool, rows)
    perft = game.perft(game.pool(1)[0], 3)
    seconds = time.thread_time() - start
    json.dump({
        "seconds": seconds, "left": left, "perft": perft,
        "files": [str(path) for name, _, path in history if name == "tiny"],
        "compiled": [name for name, what, _ in history if what == "compiled"],
        "loaded": [name for name, what, _ in history if what == "loaded"],
    }, sys.stdout)
"""


@pytest.fixture
def tiny(tmp_path):
    """Returns a function that runs the tiny game in a process of its own and gives back what it reports."""
    return runner(tmp_path, {"tiny_heap": HELPER, "tiny_game": TINY}, "tiny_game")


def test_the_second_process_compiles_nothing(tiny):
    first, second = tiny(), tiny()
    assert (first["compiled"], first["loaded"]) == (["pools", "tiny", "threads"], [])
    assert (second["compiled"], second["loaded"]) == ([], ["pools", "tiny", "threads"])
    assert second["seconds"] < first["seconds"] / 3
    assert (
        (second["left"], second["perft"]) == (first["left"], first["perft"]) == (4, 10)
    )  # triples of 1 to 3 of sum at most 5


def test_edited_rules_never_run_as_old_machine_code(tiny, tmp_path):
    before = tiny()
    (tmp_path / "tiny_heap.py").write_text(HELPER.replace("5", "2"))  # a file that the rules call
    edited = tiny()
    assert (edited["left"], edited["perft"]) == (1, 0)
    assert edited["files"] != before["files"]
    (tmp_path / "tiny_heap.py").write_text(HELPER)
    (tmp_path / "tiny_game.py").write_text(TINY.replace("action + 1", "1"))
    assert tiny()["perft"] == 27


def test_a_row_outside_the_pool_is_an_error_before_anything_is_played():
    game = ConnectFour()
    pool = game.pool(2)
    before = pool.copy()
    with pytest.raises(ValueError, match="row 2 is outside the pool of 2 rows"):
        game.step(pool, np.array([0, 2]), np.array([0, 0]))
    assert pool.tobytes() == before.tobytes()


def test_no_random_action_is_drawn_in_a_game_that_is_over():
    game = ConnectFour()
    pool = np.concatenate([game.pool(1), game.play_moves("a b a b a b a")])
    with pytest.raises(ValueError, match="row 1 is a game that is over"):
        game.random_actions(pool, np.arange(2))
