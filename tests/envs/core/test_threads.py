"""Work on many rows: every row once, on as many threads as are there, and never one that is waited for in
vain."""

import os
import subprocess
import sys
import threading
import time

import numba
import numpy as np
import pytest
from numba.core import types

from quadrivium.envs.core import rng, threads
from quadrivium.envs.core.compile import code_of
from quadrivium.envs.core.lane import lane
from quadrivium.envs.core.native import WORD_ROW, address, row_at
from tests.fresh_process import ROOT

BATCH = np.dtype([("out", "i8"), ("count", "i8"), ("work", "i8")])
MOST = 3000


@lane
def count_rows(b, first, last):
    out = row_at(b.out, b.count, WORD_ROW)
    for k in range(first, last):
        z = np.uint64(k)
        for _ in range(b.work):
            z = rng.mix(z)
        out[k] += 1 + np.int64(z & np.uint64(0))


@pytest.fixture
def two_threads():
    before = threads.get_threads()
    threads.set_threads(2)
    yield
    threads.set_threads(before)


def counted(rows: int, work: int = 1) -> np.ndarray:
    """Returns how often the job was done on each row."""
    out, batch = np.zeros(MOST, np.int64), np.zeros(1, BATCH)
    batch["out"], batch["count"], batch["work"] = address(out), MOST, work
    code = code_of("test_count", {"job": (count_rows, (numba.from_dtype(BATCH), types.int64, types.int64))})
    threads.run_parallel(code["job"], address(batch), rows)
    return out


@pytest.mark.usefixtures("two_threads")
def test_every_row_is_worked_on_once_whatever_their_number():
    for rows in [0, 1, 2, 31, 32, 33, 500, MOST] * 20:
        out = counted(rows)
        assert (out[:rows] == 1).all()
        assert not out[rows:].any()


@pytest.mark.usefixtures("two_threads")
def test_runs_that_follow_each_other_with_pauses_lose_no_row():
    for pause in (0, 1e-5, 1e-4, 1e-3, 1e-2):  # followers awake, falling asleep, asleep
        for _ in range(30):
            assert (counted(200)[:200] == 1).all()
            time.sleep(pause)


@pytest.mark.usefixtures("two_threads")
def test_python_threads_that_step_at_once_do_not_disturb_each_other():
    wrong = []

    def step() -> None:
        wrong.extend(1 for _ in range(200) if not (counted(MOST) == 1).all())

    together = [threading.Thread(target=step) for _ in range(3)]
    for one in together:
        one.start()
    for one in together:
        one.join()
    assert not wrong


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.usefixtures("two_threads")
def test_the_child_of_a_fork_has_threads_of_its_own():
    counted(MOST)
    child = os.fork()
    if child == 0:
        os._exit(0 if (counted(MOST) == 1).all() else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert (counted(MOST) == 1).all()


def test_threads_are_at_least_one_and_at_most_the_cores():
    before = threads.get_threads()
    try:
        with pytest.raises(ValueError, match="threads=0: an integer of at least 1"):
            threads.set_threads(0)
        threads.set_threads(10_000)
        assert threads.get_threads() == numba.config.NUMBA_NUM_THREADS
    finally:
        threads.set_threads(before)


def test_a_program_ends_although_followers_sleep():
    program = (
        "import gymnasium, quadrivium; from quadrivium.envs.core import threads; threads.set_threads(2);"
        "env = gymnasium.make_vec('quadrivium/SignChain-v0', num_envs=256); env.reset(seed=0);"
        "env.step(env.action_space.sample()); print('stepped')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "stepped\n", "")
