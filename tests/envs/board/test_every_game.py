"""What every game of the registry promises: legal moves, the record's header, the random stream, the rows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from quadrivium.envs.board import GAMES
from quadrivium.envs.core.rules import GAME_HEADER, NO_MOVE, NOBODY
from quadrivium.envs.core.threads import get_threads, set_threads
from tests.envs.board.games import (
    CASES,
    assert_equal_fields,
    case_name,
    game_of,
    positions,
    running,
    successors,
)

NAMES = [case_name(case) for case in CASES]
every_game = pytest.mark.parametrize("name", NAMES)
moments = st.integers(0, 63)  # which of 64 random positions
property_test = settings(deadline=None, derandomize=True, max_examples=25)


def test_every_game_of_the_registry_is_tested():
    assert {name for name, _ in CASES} == set(GAMES)


# ---- legal moves


@every_game
def test_every_legal_action_is_accepted_and_changes_the_board_unless_it_is_a_pass(name):
    game = game_of(name)
    for row in running(name, 24):
        before = game.cells(row)
        for action, after in zip(*successors(game, row), strict=True):
            assert (game.cells(after) != before).any() or game.move_name(row, action) == "pass"


@every_game
@property_test
@given(moment=moments, data=st.data())
def test_an_illegal_action_raises_and_leaves_the_pool_byte_for_byte_as_it_was(name, moment, data):
    game, pool = game_of(name), positions(name, 64)
    mask = game.legal(pool, np.arange(64))
    illegal = [-1, game.num_actions, 10**9, *map(int, np.flatnonzero(mask[moment] == 0))]
    action = data.draw(st.sampled_from(illegal))
    rows = np.flatnonzero((pool["over"] == 0) | (np.arange(64) == moment))
    actions = mask[rows].argmax(axis=1)  # legal ones for all others, of which none may be played
    actions[rows == moment] = action
    before = pool.tobytes()
    with pytest.raises(ValueError, match=r"illegal; legal moves: .|after the game's end") as caught:
        game.step(pool, rows, actions)
    assert "\n" not in str(caught.value)
    assert pool.tobytes() == before


@every_game
def test_every_illegal_action_of_a_position_is_refused(name):
    game = game_of(name)
    pool = running(name, 8)[:3]
    for row, mask in zip(pool, game.legal(pool, np.arange(len(pool))), strict=True):
        one = np.array([row], game.state_dtype)
        illegal = np.flatnonzero(mask == 0)
        for action in illegal[:: max(1, len(illegal) // 200)]:
            with pytest.raises(ValueError, match=r"illegal; legal moves: "):
                game.check_actions(one, np.arange(1), np.array([action]))


@every_game
def test_actions_of_a_wrong_shape_or_type_are_refused(name):
    game = game_of(name)
    pool = game.pool(2)
    for actions in (np.zeros(3, np.int64), np.zeros((2, 1), np.int64), np.zeros(2), np.array(["a", "b"])):
        with pytest.raises(ValueError, match="integers of shape"):
            game.step(pool, np.arange(2), actions)


@every_game
def test_perft_2_counts_the_legal_moves_of_all_positions_one_move_on(name):
    game = game_of(name)
    for row in running(name, 6):
        _, after = successors(game, row)
        assert game.perft(row, 2) == game.legal(after, np.arange(len(after))).sum()


# ---- the header


@every_game
def test_the_record_begins_with_the_header_and_is_whole_words(name):
    dtype = game_of(name).state_dtype
    assert dtype.itemsize % 8 == 0
    assert list(dtype.names[: len(GAME_HEADER)]) == [field for field, _ in GAME_HEADER]
    assert all(dtype[field] == np.dtype(kind) for field, kind in GAME_HEADER)


@every_game
def test_the_header_follows_a_random_game_to_its_end(name):
    game = game_of(name)
    pool, rows = game.pool(8, seed=5), np.arange(8)
    assert (pool["last_move"] == NO_MOVE).all()
    assert (pool["winner"] == NOBODY).all()
    assert (pool[["ply", "to_move", "over"]] == np.zeros(8, pool[["ply", "to_move", "over"]].dtype)).all()
    ply = 0
    while len(rows := rows[pool["over"][rows] == 0]):
        assert (game.legal(pool, rows).sum(axis=1) > 0).all()
        assert (pool["winner"][rows] == NOBODY).all()
        actions = game.random_actions(pool, rows)
        game.step(pool, rows, actions)
        ply += 1
        assert (pool["ply"][rows] == ply).all()
        if not game.num_outcomes:  # with dice a turn may have several moves
            assert (pool["to_move"][rows] == ply % 2).all()
        assert (pool["last_move"][rows] == actions).all()
        assert set(pool["over"][rows]) <= {0, 1}
    everyone = np.arange(8)
    assert set(pool["winner"]) <= {NOBODY, 0, 1}
    assert not game.legal(pool, everyone).any()
    result = game.result(pool, everyone)
    assert result.over.all()
    for winner, returns in zip(pool["winner"], result.returns, strict=True):
        assert np.sign(returns).tolist() == {NOBODY: [0, 0], 0: [1, -1], 1: [-1, 1]}[int(winner)]
        assert np.abs(returns).max() in ((1, 2, 3) if getattr(game, "gammons", False) else (0, 1))


@every_game
def test_a_running_game_has_no_returns(name):
    game, pool = game_of(name), running(name, 16)
    result = game.result(pool, np.arange(len(pool)))
    assert not result.over.any()
    assert not result.returns.any()
    assert (result.to_move == pool["to_move"]).all()


# ---- observations


@every_game
def test_planes_are_finite_and_in_the_range_of_the_game_and_every_one_is_written(name):
    game, pool = game_of(name), positions(name, 32)
    out = np.full((32, *game.observation_shape), np.nan, np.float32)
    low, high = game.observation_range
    assert game.observation_shape == (len(game.planes), game.height, game.width)
    for players in (None, np.zeros(32, np.int8), np.ones(32, np.int8)):
        out[:] = np.nan
        game.observe(pool, np.arange(32), players, out)
        assert np.isfinite(out).all()
        assert out.min() >= low
        assert out.max() <= high


@every_game
def test_without_players_the_mover_observes(name):
    game, pool = game_of(name), positions(name, 16)
    rows = np.arange(16)
    np.testing.assert_array_equal(game.observe(pool, rows), game.observe(pool, rows, pool["to_move"].copy()))


@every_game
def test_all_of_the_mask_is_written(name):
    game, pool = game_of(name), positions(name, 16)
    garbage = np.full((16, game.num_actions), 77, np.int8)
    game.legal(pool, np.arange(16), garbage)
    assert set(np.unique(garbage)) <= {0, 1}
    np.testing.assert_array_equal(garbage, game.legal(pool, np.arange(16)))


# ---- the random stream


@every_game
def test_random_actions_are_uniform_over_the_legal_ones(name):
    game = game_of(name)
    for k, row in enumerate(running(name, 12)[:6]):
        legal = np.flatnonzero(game.legal(np.array([row]), np.arange(1))[0])
        pool = np.repeat(np.array([row], game.state_dtype), 40 * len(legal))
        pool["rng"] = np.random.default_rng(k).integers(0, 2**63, len(pool), dtype=np.uint64)
        drawn = np.bincount(game.random_actions(pool, np.arange(len(pool))), minlength=game.num_actions)
        assert drawn[legal].sum() == len(pool), "an illegal action was drawn"
        if len(legal) > 1:
            assert chisquare(drawn[legal]).pvalue > 1e-6


@every_game
def test_equal_seeds_give_equal_games_and_others_do_not(name):
    game = game_of(name)
    first, again, other = game.pool(8, seed=3), game.pool(8, seed=3), game.pool(8, seed=1003)
    for pool in (first, again, other):
        game.play_random(pool, np.arange(8))
    assert first.tobytes() == again.tobytes()
    assert (first["rng"] != other["rng"]).all()


@every_game
def test_a_row_is_the_same_bytes_alone_in_a_batch_and_with_any_number_of_threads(name):
    game = game_of(name)
    batch = game.pool(160, seed=9)
    game.play_random(batch, np.arange(160), 40, restart=True)
    threads = get_threads()
    set_threads(1)
    try:
        alone = game.pool(160, seed=9)
        game.play_random(alone, np.arange(160), 40, restart=True)
        assert alone.tobytes() == batch.tobytes()
    finally:
        set_threads(threads)
    for k in (0, 159):
        single = game.pool(1, seed=9 + k)
        game.play_random(single, np.arange(1), 40, restart=True)
        assert single.tobytes() == batch[k : k + 1].tobytes()


@every_game
def test_random_actions_and_steps_play_the_game_of_play_random(name):
    game = game_of(name)
    one, other, rows = game.pool(4, seed=2), game.pool(4, seed=2), np.arange(4)
    game.play_random(one, rows, 4)
    for _ in range(4):
        game.step(other, rows, game.random_actions(other, rows))
    assert one.tobytes() == other.tobytes()


# ---- the rows


@every_game
def test_a_copied_row_is_a_clone_with_the_same_future(name):
    game = game_of(name)
    pool = game.pool(8)
    pool[:4] = running(name, 32)[-4:]
    game.copy(pool, np.arange(4), np.arange(4, 8))
    assert pool[:4].tobytes() == pool[4:].tobytes()
    game.play_random(pool, np.arange(4))  # apart, so that a clone that shares anything shows it
    game.play_random(pool, np.arange(4, 8))
    assert pool[:4].tobytes() == pool[4:].tobytes()


@every_game
def test_start_writes_every_field_whatever_the_row_held(name):
    game = game_of(name)
    fresh = game.pool(16, seed=1)
    garbage = np.random.default_rng(0).bytes(16 * game.state_dtype.itemsize)
    pool = np.frombuffer(bytearray(garbage), game.state_dtype)
    game.start(pool, np.arange(16), np.arange(1, 17))
    pool["seat"] = fresh["seat"]
    assert_equal_fields(pool, fresh)
    game.play_random(pool, np.arange(16), 20, restart=True)
    game.play_random(fresh, np.arange(16), 20, restart=True)
    assert_equal_fields(pool, fresh)


@every_game
def test_a_game_begun_anew_is_a_fresh_one_but_for_its_stream(name):
    game = game_of(name)
    pool, rows = game.pool(8), np.arange(8)
    game.play_random(pool, rows)
    game.start(pool, rows, rows)
    assert_equal_fields(pool, game.pool(8))
