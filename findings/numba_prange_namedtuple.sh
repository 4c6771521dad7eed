#!/usr/bin/env bash
# Numba 0.68.1: writes to an array that is in a NamedTuple are lost in a prange loop.
#
# One would guess that `t.a[i] = 1.0` in a loop over `numba.prange` writes to the caller's array, as it does in a plain
# loop, in the same loop over a plain tuple, and in Python.
# So it is not: if `t` is a NamedTuple and the function is compiled with parallel=True, the array stays as it was, without
# an error or a warning. A function that is called in the loop, and given `t`, does write.
set -euo pipefail

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet --disable-pip-version-check "numba==0.68.1" "numpy==2.4.6"

cat > "$place/show.py" <<'PYTHON'
import sys
from typing import NamedTuple

import numba
import numpy as np


class Arrays(NamedTuple):
    a: np.ndarray


def fill_named(t):
    for i in numba.prange(t.a.shape[0]):
        t.a[i] = 1.0


def fill_plain(t):
    for i in numba.prange(t[0].shape[0]):
        t[0][i] = 1.0


@numba.njit
def write(t, i):
    t.a[i] = 1.0


def fill_by_call(t):
    for i in numba.prange(t.a.shape[0]):
        write(t, i)


def filled(function, kind):
    a = np.zeros(4)
    function(kind(a))
    return a.tolist()


def plain(a):
    return (a,)


seen = {
    "Python, NamedTuple": filled(fill_named, Arrays),
    "njit, NamedTuple": filled(numba.njit(fill_named), Arrays),
    "njit parallel, tuple": filled(numba.njit(parallel=True)(fill_plain), plain),
    "njit parallel, NamedTuple, by a call": filled(numba.njit(parallel=True)(fill_by_call), Arrays),
    "njit parallel, NamedTuple": filled(numba.njit(parallel=True)(fill_named), Arrays),
}
print("numba", numba.__version__, "numpy", np.__version__)
for name, values in seen.items():
    print(f"{name}: {values}")
*others, surprise = seen.values()
sys.exit(0 if surprise == [0.0] * 4 and all(values == [1.0] * 4 for values in others) else 1)
PYTHON

if "$place/venv/bin/python" "$place/show.py"; then
    echo "as described: the writes are lost"
else
    echo "changed: no longer as described" >&2
    exit 1
fi

# Seen:
#   numba 0.68.1 numpy 2.4.6
#   Python, NamedTuple: [1.0, 1.0, 1.0, 1.0]
#   njit, NamedTuple: [1.0, 1.0, 1.0, 1.0]
#   njit parallel, tuple: [1.0, 1.0, 1.0, 1.0]
#   njit parallel, NamedTuple, by a call: [1.0, 1.0, 1.0, 1.0]
#   njit parallel, NamedTuple: [0.0, 0.0, 0.0, 0.0]
