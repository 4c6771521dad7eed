"""Every lane function compiles to PTX, on a machine without a GPU or a driver: CUDA never rots."""

import dataclasses
import re
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace

import numba
import numpy as np
import pytest
from numba import cuda, types
from numba.core.errors import TypingError
from numba.cuda import dispatcher

from quadrivium.envs.core.lane import World, lane
from quadrivium.envs.core.rng import episode_key
from quadrivium.envs.core.setup import Setup
from tests.registry import case_name, cases, setup_of
from tests.worlds import cartpole, line, pointer

CASES = cases()
HOPPER = (9, 0)  # the compute capability to compile for

FLOAT_ROWS = types.Array(types.float32, 2, "C")


@pytest.fixture(autouse=True)
def no_driver_is_asked(monkeypatch):
    """Gives numba-cuda the compute capability that it would ask the driver for when it compiles a callee."""
    monkeypatch.setattr(dispatcher, "get_current_device", lambda: SimpleNamespace(compute_capability=HOPPER))


def kernel_of(world: World) -> Callable[..., None]:
    """Returns the kernel that does to a lane whatever can be done to it, one after the other."""
    reset, step, observe, metrics = world.reset, world.step, world.observe, world.metrics
    legal = world.legal or no_mask

    def every_role(states, actions, p, terms, obs, masks, metric_rows):
        i = cuda.grid(1)
        if i < states.shape[0]:
            s = states[i]
            s.rng = episode_key(s.seed, s.episode, p.split)
            reset(s, p)
            step(s, actions[i], p, terms[i])
            observe(s, p, obs[i])
            legal(s, p, masks[i])
            metrics(s, p, metric_rows[i])

    return every_role


@lane
def no_mask(s, p, mask):
    pass


def ptx_of(setup: Setup) -> str:
    """Returns the PTX of all lane functions of a world."""
    states = types.Array(numba.from_dtype(setup.state_dtype), 1, "C")
    actions = types.Array(numba.from_dtype(np.dtype(setup.world.action_dtype)), 2, "C")
    masks, p = types.Array(types.int8, 2, "C"), numba.typeof(setup.params)
    signature = types.void(states, actions, p, FLOAT_ROWS, FLOAT_ROWS, masks, FLOAT_ROWS)
    return cuda.compile_ptx(kernel_of(setup.world), signature, cc=HOPPER, opt=False)[
        0
    ]  # optimising takes most of the time


def distinct(found: list[tuple[str, dict[str, object]]]) -> list[tuple[str, dict[str, object]]]:
    """Returns the cases but for those that differ from an earlier one in nothing but the sizes of records."""
    firsts = {}
    for case in found:
        setup = setup_of(case[0], **case[1])
        functions = tuple(setup.world.lane_functions.values())
        firsts.setdefault((functions, setup.world.action_dtype, numba.typeof(setup.params)), case)
    return list(firsts.values())


SETUPS = {case_name(case): partial(setup_of, case[0], **case[1]) for case in distinct(CASES)} | {
    "a Dict of parts": partial(pointer.setup, masked=True),
    "two agents": partial(line.setup, walls=True),
}


@pytest.mark.parametrize("case", SETUPS)
def test_every_world_compiles_to_ptx_without_a_gpu(case):
    ptx = ptx_of(SETUPS[case]())
    assert re.search(r"^\.target sm_90", ptx, re.MULTILINE)
    assert re.search(r"\.visible \.entry \w*every_role", ptx)
    assert "malloc" not in ptx  # nothing is allocated on the device
    # Every function that is called is defined in the same text: the linker would find nothing else.
    called = set(re.findall(r"call(?:\.uni)?\s+(?:\([^)]*\),\s*)?(\w+)", ptx))
    defined = set(re.findall(r"^(?:\.visible |\.weak )?\.func\s+(?:\([^)]*\)\s*)?(\w+)", ptx, re.MULTILINE))
    assert called <= defined


@lane
def allocating_step(s, action, p, terms):
    scratch = np.zeros(s.step)
    terms[0] = scratch.sum()
    return False, False


def test_a_lane_function_that_allocates_does_not_compile():
    world = dataclasses.replace(cartpole.WORLD, name="planted", step=allocating_step)
    setup = dataclasses.replace(cartpole.setup("train", 10), world=world)
    with pytest.raises(TypingError, match="zeros"):
        ptx_of(setup)
