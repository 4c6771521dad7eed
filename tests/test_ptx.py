"""Every lane function compiles to PTX, on a machine without a GPU or a driver: CUDA never rots."""

import dataclasses
import re
from functools import partial
from types import SimpleNamespace
from typing import NamedTuple

import numba
import numpy as np
import pytest
from numba import cuda, types
from numba.core.errors import TypingError
from numba.cuda import dispatcher

from envs.core.lane import lane
from envs.core.lanes import Lanes
from envs.core.launch import begin_episode, lane_legal, lane_metrics, lane_observe, launchers, step_lane
from envs.core.setup import Setup
from tests.registry import case_name, cases, setup_of
from tests.worlds import cartpole, line, pointer

CASES = cases()
HOPPER = (9, 0)  # the compute capability to compile for

FLOAT_ROWS = types.Array(types.float32, 2, "C")


@pytest.fixture(autouse=True)
def no_driver_is_asked(monkeypatch):
    """Gives numba-cuda the compute capability that it would ask the driver for when it compiles a callee."""
    monkeypatch.setattr(dispatcher, "get_current_device", lambda: SimpleNamespace(compute_capability=HOPPER))


def reset_kernel(states, p, out):
    i = cuda.grid(1)
    if i < states.shape[0]:
        begin_episode(states[i], p)
        lane_observe(states[i], p, out.obs[i])
        lane_legal(states[i], p, out.masks[i])


def metrics_kernel(states, p, metrics):
    i = cuda.grid(1)
    if i < states.shape[0]:
        lane_metrics(states[i], p, metrics[i])


def step_kernel(states, actions, p, autoreset, out):
    i = cuda.grid(1)
    if i < states.shape[0]:
        step_lane(i, states, actions, p, autoreset, out)


def ptx_of(setup: Setup) -> dict[str, str]:
    """Returns the PTX of the three kernels of a world."""
    launchers(setup.world)  # registers the world with the dispatch by parameter class
    states = types.Array(numba.from_dtype(setup.state_dtype), 1, "C")
    p = numba.typeof(setup.params)
    actions = types.Array(numba.from_dtype(np.dtype(setup.world.action_dtype)), 2, "C")
    out = numba.typeof(Lanes(setup, 2).outputs)
    signatures = {
        reset_kernel: types.void(states, p, out),
        metrics_kernel: types.void(states, p, FLOAT_ROWS),
        step_kernel: types.void(states, actions, p, types.boolean, out),
    }
    return {
        kernel.__name__: cuda.compile_ptx(kernel, signature, cc=HOPPER)[0]
        for kernel, signature in signatures.items()
    }


SETUPS = {case_name(case): partial(setup_of, case[0], **case[1]) for case in CASES} | {
    "a Dict of parts": partial(pointer.setup, masked=True),
    "two agents": partial(line.setup, walls=True),
}


@pytest.mark.parametrize("case", SETUPS)
def test_every_world_compiles_to_ptx_without_a_gpu(case):
    for kernel, ptx in ptx_of(SETUPS[case]()).items():
        assert re.search(r"^\.target sm_90", ptx, re.MULTILINE)
        assert re.search(rf"\.visible \.entry \w*{kernel}", ptx)
        assert "malloc" not in ptx  # nothing is allocated on the device
        # Every function that is called is defined in the same text: the linker would find nothing else.
        called = set(re.findall(r"call(?:\.uni)?\s+(?:\([^)]*\),\s*)?(\w+)", ptx))
        defined = set(
            re.findall(r"^(?:\.visible |\.weak )?\.func\s+(?:\([^)]*\)\s*)?(\w+)", ptx, re.MULTILINE)
        )
        assert called <= defined


class PlantedParams(NamedTuple):
    """A class of its own: it tells the launcher which world runs."""

    split: int


@lane
def allocating_step(s, action, p, terms):
    scratch = np.zeros(s.step)
    terms[0] = scratch.sum()
    return False, False


def test_a_lane_function_that_allocates_does_not_compile():
    world = dataclasses.replace(cartpole.WORLD, name="planted", params=PlantedParams, step=allocating_step)
    setup = dataclasses.replace(cartpole.setup("train", 10), world=world, params=PlantedParams(0))
    with pytest.raises(TypingError, match="zeros"):
        ptx_of(setup)
