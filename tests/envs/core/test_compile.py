"""The machine code: compiled once, kept on disk, never stale, each world apart."""

import dataclasses
import os
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from numba.core import types

from quadrivium.envs.core.compile import cache_root, code_file, history
from quadrivium.envs.core.gym_env import LaneVectorEnv
from quadrivium.envs.core.lane import lane
from quadrivium.envs.core.launch import lane_jobs, world_code
from quadrivium.envs.core.native import FLOAT_ROW, WORD_ROW, row_at
from tests.fresh_process import runner
from tests.worlds import cartpole

HELPER = """
from quadrivium.envs.core.lane import lane

@lane
def gain():
    return 1.0
"""
# A world of two files, so that one of them can be edited.
WORLD = """
import sys, time, json
from typing import NamedTuple
import numpy as np
from gymnasium.spaces import Box, Discrete
from quadrivium.envs.core.gym_env import LaneVectorEnv
from quadrivium.envs.core.setup import Setup
from quadrivium.envs.core.lane import LANE_HEADER, World, lane
from quadrivium.envs.core.compile import history
import tiny_helper

class Params(NamedTuple):
    split: int

STATE = np.dtype([*LANE_HEADER, ("x", "f4")], align=True)

@lane
def reset_one(s, p):
    s.x = 0

@lane
def step_one(s, action, p, terms):
    s.x += 10
    terms[0] = tiny_helper.gain()  # found through its module
    return False, False

@lane
def observe_one(s, p, out):
    out[0] = s.x

WORLD = World("tiny", Params, reset_one, step_one, observe_one, observe_one, ("gain",), ("x",))

def main():
    setup = Setup(WORLD, Params(0), STATE, Box(-np.inf, np.inf, (1,)), Discrete(2))
    env, alone = LaneVectorEnv(setup, 8), LaneVectorEnv(setup, 1)
    start = time.thread_time()
    env.reset(seed=0); alone.reset(seed=0)
    obs, rewards, *_ = env.step(np.zeros(8, int))
    alone.step(np.zeros(1, int))
    seconds = time.thread_time() - start
    json.dump({
        "seconds": seconds, "obs": float(obs[0, 0]), "reward": float(rewards[0]),
        "files": [str(path) for name, _, path in history if name == "tiny"],
        "compiled": [name for name, what, _ in history if what == "compiled"],
        "loaded": [name for name, what, _ in history if what == "loaded"],
    }, sys.stdout)
"""


@pytest.fixture
def tiny(tmp_path):
    """Returns a function that runs the tiny world in a process of its own and gives back what it reports."""
    return runner(tmp_path, {"tiny_helper": HELPER, "tiny_world": WORLD}, "tiny_world")


CODE = ["tiny", "lanes", "threads"]


def test_the_second_process_compiles_nothing_and_starts_in_well_under_a_second(tiny):
    first = tiny()
    assert (first["compiled"], first["loaded"]) == (CODE, [])
    (path,) = first["files"]
    written = Path(path).stat().st_mtime_ns
    second = tiny()
    assert (second["compiled"], second["loaded"]) == ([], CODE)
    assert second["seconds"] < 0.7  # processor time, mostly 0.05; the first takes two or three
    assert Path(path).stat().st_mtime_ns == written


def test_an_edited_kernel_never_runs_as_old_machine_code(tiny, tmp_path):
    before = tiny()
    assert (before["obs"], before["reward"]) == (10, 1)

    (tmp_path / "tiny_helper.py").write_text(HELPER.replace("1.0", "2.0"))  # a file that the kernel calls
    helper_edited = tiny()
    assert (helper_edited["obs"], helper_edited["reward"]) == (10, 2)
    assert helper_edited["files"] != before["files"]

    (tmp_path / "tiny_world.py").write_text(WORLD.replace("s.x += 10", "s.x += 20"))
    kernel_edited = tiny()
    assert (kernel_edited["obs"], kernel_edited["reward"]) == (20, 2)

    (tmp_path / "tiny_helper.py").write_text(HELPER)
    (tmp_path / "tiny_world.py").write_text(WORLD)
    assert tiny()["files"] == before["files"]


def test_half_a_file_is_made_anew(tiny):
    (path,) = tiny()["files"]
    whole = Path(path).read_bytes()
    Path(path).write_bytes(whole[: len(whole) // 2])
    again = tiny()
    assert (again["compiled"], again["obs"]) == (["tiny"], 10)
    assert Path(path).stat().st_size > len(whole) // 2


@pytest.mark.skipif(os.name == "nt", reason="a folder of Windows is written in spite of its mode")
def test_a_folder_that_cannot_be_written_costs_nothing_but_time(tiny, tmp_path):
    (tmp_path / "cache").write_text("a file where the folder should be")
    for _ in range(2):
        made = tiny()
        assert (made["compiled"], made["obs"], made["reward"]) == (CODE, 10, 1)


def test_numba_cache_dir_is_respected(monkeypatch, tmp_path):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    assert cache_root() == tmp_path
    assert code_file("nothing", {}).parent == tmp_path


def test_parameters_and_sizes_do_not_compile_anew():
    before = None
    for n, max_steps in ((2, 10), (3, 20), (64, 30)):
        env = cartpole.CartPoleVectorEnv(n, max_steps=max_steps)
        env.reset(seed=0)
        env.step(np.zeros(n, int))
        count = len(history)
        assert before in (None, count)
        before = count


def test_worlds_share_the_jobs():
    setup, other = cartpole.setup("train", 10), cartpole.setup("train", 10)
    code = world_code(setup.world, setup.state_dtype, setup.params)
    assert world_code(other.world, other.state_dtype, other.params) == code
    assert not set(code.values()) & set(lane_jobs().values())


class OtherParams(NamedTuple):
    """The fields of CartPole's, another class."""

    split: int
    max_steps: int


@lane
def other_step(s, action, p, terms):
    terms[0] = -1.0
    return False, False


def test_two_worlds_with_the_same_record_and_fields_stay_apart():
    setup = cartpole.setup("train", 10)
    world = dataclasses.replace(cartpole.WORLD, name="other", params=OtherParams, step=other_step)
    other = LaneVectorEnv(dataclasses.replace(setup, world=world, params=OtherParams(0, 10)), 2)
    own = LaneVectorEnv(setup, 2)
    for env, reward in ((other, -1), (own, 1), (other, -1)):
        env.reset(seed=0)
        assert env.step(np.zeros(2, int))[1].tolist() == [reward, reward]


def test_two_worlds_with_one_parameter_class_and_record_stay_apart():
    setup = cartpole.setup("train", 10)
    other = dataclasses.replace(setup, world=dataclasses.replace(setup.world, name="other", step=other_step))
    for chosen, reward in ((other, -1), (setup, 1)):
        env = LaneVectorEnv(chosen, 2)
        env.reset(seed=0)
        assert env.step(np.zeros(2, int))[1].tolist() == [reward, reward]


def reader(kind):
    @lane
    def read(first):
        return row_at(first, 1, kind)[0] > 0, False

    return read


def test_functions_over_other_types_or_constants_have_files_of_their_own():
    def scale(factor):
        @lane
        def scaled(x, factor=factor):
            return np.int64(x * factor)

        return scaled

    def look_up(table):
        @lane
        def looked_up(k):
            return np.int64(table[k])

        return looked_up

    def file_of(function):
        return code_file("told_apart", {"it": (function, (types.int64,))})

    for make, one, other in (
        (reader, FLOAT_ROW, WORD_ROW),
        (scale, 2, 3),
        (look_up, np.array([1, 2]), np.array([1, 3])),
        (look_up, np.array([1, 2]), np.array([1, 2], np.int8)),
    ):
        assert file_of(make(one)) != file_of(make(other))
        assert file_of(make(one)) == file_of(make(one))
