"""Compiled code checks nothing that it is given: what could lead it elsewhere is refused before."""

import copy
import multiprocessing
import pickle
from typing import NamedTuple

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete

import quadrivium  # noqa: F401 (registers the ids)
from quadrivium.envs.board import ConnectFour, Go, TicTacToe
from quadrivium.envs.board.baselines import tactical
from quadrivium.envs.core.checks import ConformanceError, check_env, check_vector_env
from quadrivium.envs.core.gym_env import LaneEnv, LaneVectorEnv
from quadrivium.envs.core.lane import LANE_HEADER, World, lane
from quadrivium.envs.core.setup import Setup
from quadrivium.envs.core.world_game import WorldGame

GAME = ConnectFour()
ROWS = np.arange(4)


def refused(match: str, call, *arguments, **more) -> None:
    pool = GAME.pool(8)
    before = pool.tobytes()
    with pytest.raises(ValueError, match=match):
        call(pool, *arguments, **more)
    assert pool.tobytes() == before


def test_rows_are_whole_numbers_inside_the_pool():
    refused("row 8 is outside the pool of 8 rows", GAME.legal, np.array([0, 8]))
    refused("row -1 is outside", GAME.play_random, np.array([-1]), 1)
    refused("rows are bool of shape", GAME.play_random, np.array([True, False]), 1)
    refused("rows are float64 of shape", GAME.legal, np.array([0.0, 1.0]))
    refused("row 9 is outside", GAME.copy, np.array([0]), np.array([9]))
    assert len(GAME.legal(GAME.pool(2), np.array([]))) == 0


def test_there_is_one_value_for_each_row():
    refused(
        r"actions are int64 of shape \(3,\); give integers", GAME.step, ROWS, np.zeros(3, int), check=False
    )
    refused(r"players are int64 of shape \(1,\); give integers", GAME.observe, ROWS, np.zeros(1, int))
    refused("players are 2; a player is 0 or 1", GAME.observe, ROWS, np.array([0, 1, 2, 0]))
    refused(r"targets are int64 of shape \(1,\)", GAME.copy, ROWS, np.array([5]))
    refused(r"seeds have shape \(2,\); give one for each of 4 rows", GAME.start, ROWS, np.array([1, 2]))


def test_what_is_written_fits():
    refused(
        r"out is int8 of shape \(2, 7\); give int8 of shape \(4, 7\)",
        GAME.legal,
        ROWS,
        np.zeros((2, 7), np.int8),
    )
    refused("out is int64", GAME.legal, ROWS, np.zeros((4, 7), np.int64))
    refused("in one piece", GAME.legal, ROWS, np.zeros((4, 14), np.int8)[:, ::2])


def test_a_pool_is_of_the_game_and_in_one_piece():
    for pool in (GAME.pool(8)[::2], TicTacToe().pool(4), GAME.pool(4).view(np.uint8)):
        for call in (GAME.legal, lambda some, rows: GAME.copy(some, rows, rows + 1)):
            with pytest.raises(ValueError, match="connect_four needs a pool in one piece"):
                call(pool, np.arange(2))


def test_the_tactical_player_looks_at_its_own_game_only():
    with pytest.raises(ValueError, match=r"go needs .* bytes; use those of the same game and size"):
        tactical(Go(size=9), Go(size=19).pool(2))


def test_lanes_that_never_began_are_not_stepped():
    env = gymnasium.make_vec("quadrivium/LimitOrderBook-v0", num_envs=3)
    with pytest.raises(ValueError, match=r"lanes \[0, 2\] have not begun and are left out of reset_mask"):
        env.reset(seed=0, options={"reset_mask": np.array([False, True, False])})
    with pytest.raises(ValueError, match="call reset"):
        env.step(env.action_space.sample())
    fresh = gymnasium.make("quadrivium/Explore-v0", map_count=3).unwrapped
    with pytest.raises(ValueError, match="row 0 has never begun an episode"):
        fresh.set_state(fresh.get_state())
    with pytest.raises(ValueError, match="the state is a list; this environment has"):
        fresh.set_state([])


@pytest.mark.parametrize("mask", [np.array([1, 0, 0]), ["yes", "no", "no"], np.array([0.0, np.nan, 1.0])])
def test_a_reset_mask_is_of_bools(mask):
    env = gymnasium.make_vec("quadrivium/SignChain-v0", num_envs=3)
    env.reset(seed=0)
    with pytest.raises(ValueError, match="one bool a lane"):
        env.reset(options={"reset_mask": mask})


# ---- copies of worlds in search


def played(game: WorldGame) -> bytes:
    pool = game.pool(4)
    game.play_random(pool, np.arange(4), 5)
    return pool.tobytes()


def test_a_pickled_world_in_search_works_in_another_process():
    env = gymnasium.make("quadrivium/SingleAsset-v0", observation="vector", scenarios=2, episode_bars=8)
    game = WorldGame(env.unwrapped.setup)
    expected = played(game)
    twin = pickle.loads(pickle.dumps(game))
    twin.params.bars[:] *= 2  # its own
    assert played(twin) != expected
    assert played(game) == expected
    with multiprocessing.get_context("spawn").Pool(1) as workers:
        assert workers.apply(played, (game,)) == expected
    assert played(copy.deepcopy(game)) == expected


# ---- a world of one number, with faults to be planted


class Params(NamedTuple):
    """None of its own."""

    split: int = 0


STATE = np.dtype([*LANE_HEADER, ("x", "f4")], align=True)


@lane
def reset_one(s, p):
    s.x = 0


@lane
def step_one(s, action, p, terms):
    s.x += 1
    terms[0] = 1
    return s.x > 5, False


@lane
def write_one(s, p, out):
    out[0] = s.x


@lane
def write_two(s, p, out):
    out[0] = s.x
    out[1] = 99


@lane
def two_terms(s, action, p, terms):
    terms[0] = 1
    terms[1] = 1
    return False, False


@lane
def asserting_step(s, action, p, terms):
    assert s.x >= 0
    return False, False


def setup(**roles) -> Setup:
    names = {"reward_terms": ("one",), "metric_names": ("x",)}
    own = {"reset": reset_one, "step": step_one, "observe": write_one, "metrics": write_one}
    world = World(name="one_number", params=Params, **(own | roles), **names)
    return Setup(world, Params(), STATE, Box(-np.inf, np.inf, (1,)), Discrete(2))


@pytest.mark.parametrize(
    ("roles", "row"),
    [({"observe": write_two}, "obs"), ({"step": two_terms}, "terms"), ({"metrics": write_two}, "metrics")],
)
def test_the_conformance_suite_finds_who_writes_behind_its_row(roles, row):
    planted = setup(**roles)
    with pytest.raises(ConformanceError, match=f"wrote 4 bytes behind its row of {row}, which has 4"):
        check_env(lambda **_: LaneEnv(planted))
    with pytest.raises(ConformanceError, match=f"behind its row of {row}"):
        check_vector_env(lambda num_envs, **_: LaneVectorEnv(planted, num_envs))


def test_a_lane_function_that_asserts_is_refused_by_name():
    with pytest.raises(TypeError, match=r"asserting_step raises or asserts, in .*test_unchecked_code.py"):
        LaneEnv(setup(step=asserting_step)).reset()


def adder(amount: float, table: np.ndarray):
    @lane
    def step(s, action, p, terms):
        terms[0] = amount + table[1]
        return False, False

    return step


def test_functions_of_one_name_with_other_constants_are_other_code():
    def reward(amount: float, second: float) -> float:
        env = LaneEnv(setup(step=adder(amount, np.array([0.0, second]))))
        env.reset(seed=0)
        return env.step(0)[1]

    assert [reward(1.0, 1.0), reward(2.0, 1.0), reward(1.0, 5.0)] == [2.0, 3.0, 6.0]
