# Kernel code: a record has no static type, and Numba is partly typed.
# pyright: basic, reportMissingParameterType=false, reportPrivateImportUsage=false, reportAttributeAccessIssue=false
"""A lane function called for each record of a batch by itself: for planners and other onlookers."""

from functools import cache
from typing import Any

import numba
import numpy as np
from numba.core import types

from quadrivium.envs.core.compile import code_of
from quadrivium.envs.core.lane import lane
from quadrivium.envs.core.native import FLOAT_ROW, Params, address, call, pack
from quadrivium.envs.core.threads import run_parallel

_EACH = np.dtype(
    [
        ("code", "i8"),  # addresses and sizes, as `for_each` gives them
        ("states", "i8"),
        ("state_bytes", "i8"),
        ("params", "i8"),
        ("number", "i8"),
        ("out", "i8"),
        ("width", "i8"),
    ],
    align=True,
)


@lane
def _for_each(b, first, last):
    for i in range(first, last):
        call(b.code, (b.states + i * b.state_bytes, b.params, b.number, b.out + 4 * i * b.width, b.width))


@cache
def _job() -> int:
    return code_of("each", {"each": (_for_each, (numba.from_dtype(_EACH), types.int64, types.int64))})["each"]


def for_each(name: str, function: Any, states: np.ndarray, params: Any, number: int, out: np.ndarray) -> None:
    """Calls the lane function `(s, p, number, row)` for each record of `states` (N,), on all threads.

    name: of its machine code. out: (N, ...) float32; row i, flattened, is what call i writes.
    """
    kind = (numba.from_dtype(states.dtype), Params(numba.typeof(params)), types.int64, FLOAT_ROW)
    words, record = pack(params), np.zeros(1, _EACH)
    assert states.flags.c_contiguous
    assert out.flags.c_contiguous
    record["code"] = code_of(name, {"each": (function, kind)})["each"]
    record["states"], record["state_bytes"] = address(states), states.dtype.itemsize
    record["params"], record["number"] = address(words), number
    record["out"], record["width"] = address(out), out[0].size if len(out) else 0
    run_parallel(_job(), address(record), len(states))
