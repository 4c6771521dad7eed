"""What `quadrivium.envs.core.native` counts on in Numba: a new version that differs fails here, and says
where."""

import gc
import operator
from typing import NamedTuple

import numba
import numpy as np
import pytest
from numba.core import codegen, compiler, typed_passes, types
from numba.core.compiler_machinery import PassManager

from quadrivium.envs.core.compile import code_of
from quadrivium.envs.core.lane import lane
from quadrivium.envs.core.native import (
    BYTE_ROW,
    FLOAT_ROW,
    UNNEEDED_PASSES,
    WORD_ROW,
    LaneCompiler,
    Params,
    address,
    call,
    copy_bytes,
    pack,
    record_at,
    row_at,
)
from quadrivium.envs.core.threads import run

RECORD = np.dtype([("small", "i2"), ("x", "f4"), ("many", "f8", (3,))], align=True)


class Values(NamedTuple):
    """One of each kind of parameter."""

    flag: bool
    small: np.int8
    count: int
    seed: np.uint64
    single: np.float32
    double: float
    row: np.ndarray
    plane: np.ndarray


VALUES = Values(
    flag=True,
    small=np.int8(-3),
    count=-(2**60),
    seed=np.uint64(2**64 - 5),
    single=np.float32(0.1),
    double=0.1,
    row=np.arange(4.0),
    plane=np.arange(12, dtype=np.float32).reshape(3, 4)[:, ::2],
)


def test_every_pass_that_is_left_out_is_one_of_numbas():
    known = {kind.__name__ for kind in typed_passes.__dict__.values() if isinstance(kind, type)}
    for module in ("untyped_passes", "ir_utils"):
        known |= set(vars(__import__(f"numba.core.{module}", fromlist=[module])))
    assert known >= UNNEEDED_PASSES
    made = {kind.__name__ for kind, _ in pipeline(compiler.Compiler).passes}
    kept = {kind.__name__ for kind, _ in pipeline(LaneCompiler).passes}
    assert made - kept == (made & UNNEEDED_PASSES) | {"NativeLowering"}
    assert kept - made == {"LaneLowering"}


def pipeline(kind) -> PassManager:
    flags = compiler.Flags()
    made = kind.__new__(kind)
    made.state = compiler.StateDict()
    made.state.flags, made.state.func_ir = flags, None
    (passes,) = made.define_pipelines()
    return passes


@pytest.mark.parametrize(
    "name",
    ["_final_module", "_linking_libraries", "_reload_init", "_finalized"],
)
def test_a_code_library_has_what_ours_uses(name):
    assert hasattr(numba.core.registry.cpu_target.target_context.codegen().create_library("probe"), name)


@pytest.mark.parametrize(
    "name",
    ["_optimize_final_module", "_finalize_final_module", "_get_compiled_object", "_set_compiled_object"],
)
def test_a_code_library_can_what_ours_calls(name):
    assert callable(getattr(codegen.JITCodeLibrary, name))


def test_an_array_lies_where_numpy_says():
    for array in (
        np.zeros(3),
        np.zeros((2, 3), np.int8)[:, 1:],
        np.zeros(2, RECORD),
        np.zeros(0),
        np.ones(()),
    ):
        assert address(array) == array.ctypes.data


@lane
def read_all(s, p, out):
    out[0] = p.flag
    out[1] = p.small
    out[2] = p.count == -(2**60)
    out[3] = p.seed == np.uint64(2**64 - 5)
    out[4] = p.single == np.float32(0.1)
    out[5] = p.double == 0.1
    out[6] = p.row[3] + p.row.shape[0]
    out[7] = p.plane[2, 1] + 100 * p.plane.shape[1]
    s.x = 7


def test_parameters_reach_a_lane_function_as_they_are():
    state, out, words = np.zeros(1, RECORD), np.zeros(8, np.float32), pack(VALUES)
    kinds = (numba.from_dtype(RECORD), Params(numba.typeof(VALUES)), FLOAT_ROW)
    called(read_all, kinds, address(state), address(words), address(out), 8)
    assert out.tolist() == [1, -3, 1, 1, 1, 1, 3 + 4, 10 + 200]
    assert state["x"][0] == 7


def called(function, kinds, *words: int) -> int:
    """Calls a lane function by its address, through a job."""
    where = code_of(f"test_{function.py_func.__name__}", {"it": (function, kinds)})["it"]
    record = np.array([(where, *words, *[0] * (5 - len(words)))], CALL)
    return run(
        code_of("test_job", {"job": (job, (numba.from_dtype(CALL), types.int64, types.int64))})["job"],
        address(record),
        1,
    )


CALL = np.dtype([(name, "i8") for name in "cabdef"])


@lane
def job(b, first, last):
    return call(b.c, (b.a, b.b, b.d, b.e, b.f))


@lane
def truths(s, number):
    return number > 2, s.small == 5


@lane
def signed(number):
    return np.int32(-number)


def test_truths_come_back_as_bits_and_integers_as_themselves():
    state = np.zeros(1, RECORD)
    for small, number, bits in ((0, 0, 0), (0, 3, 1), (5, 0, 2), (5, 3, 3)):
        state["small"] = small
        assert called(truths, (numba.from_dtype(RECORD), types.int64), address(state), number) == bits
    assert called(signed, (types.int32,), 12) == -12


@lane
def rows(source, target, length):
    numbers, bytes_ = row_at(source, length, WORD_ROW), row_at(target + 8, 1, BYTE_ROW)
    copy_bytes(target, source, 8)
    bytes_[0] = numbers[1]
    record_at(target + 16, SMALL).small = 9


SMALL = numba.from_dtype(np.dtype([("small", "i2")]))


def test_rows_and_records_lie_at_their_addresses():
    source, target = np.array([11, -2], np.int64), np.zeros(3, np.int64)
    called(rows, (types.int64, types.int64, types.int64), address(source), address(target), 2)
    assert target.tolist() == [11, 254, 9]


@lane
def half(x):
    return 0.5 * x


@lane
def row_of_bytes(s, p, rows):
    rows[0, 0] = 1


class OneText(NamedTuple):
    """A parameter that is no number."""

    name: str


def test_what_a_c_function_cannot_take_or_give_is_refused_by_name():
    with pytest.raises(TypeError, match="half returns float64; a C function returns truths"):
        code_of("test_half", {"it": (half, (types.int64,))})
    plane = types.Array(types.int8, 2, "C")
    with pytest.raises(TypeError, match=r"row_of_bytes takes array\(int8, 2d, C\); a C function takes rows"):
        code_of("test_plane", {"it": (row_of_bytes, (types.int64, types.int64, plane))})
    with pytest.raises(TypeError, match="parameter name of OneText is unicode_type; use a number or array"):
        Params(numba.typeof(OneText("a")))


def test_a_lane_function_can_be_called_from_python_and_from_numbas_own_functions():
    @numba.njit
    def twice(x):
        return 2 * half(x)

    assert half(3) == 1.5
    assert twice(3) == 3.0
    assert half(4.0) == 2.0


@lane
def sum_of_three(x):
    return x * 2.5 + x * 3.5 + x * 4.5


@lane
def sum_of_two(x):
    return x * 5.5 + x * 6.5


def test_numbas_templates_of_an_operator_are_tried_once(monkeypatch):
    tried = []
    numbas = types.BaseFunction.get_call_type

    def count(self, context, args, kws):
        if self.typing_key is operator.mul:
            tried.append(args)
        return numbas(self, context, args, kws)

    monkeypatch.setattr(types.BaseFunction, "get_call_type", count)
    for function in (sum_of_three, sum_of_two):
        function.compile((types.float32,))
    assert len(tried) == len(set(tried)), "once for each kind of operands, typed or lowered"
    assert len(tried) <= 2


def test_the_collector_of_cycles_rests_while_code_is_made_and_goes_on_after(monkeypatch, tmp_path):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))  # what an earlier run has kept is not made
    resting = []
    kept = LaneCompiler.define_pipelines
    monkeypatch.setattr(
        LaneCompiler, "define_pipelines", lambda self: resting.append(not gc.isenabled()) or kept(self)
    )
    called(triple, (types.int64,), 4)
    assert resting
    assert all(resting)
    assert gc.isenabled()


@lane
def triple(number):
    return 3 * number
