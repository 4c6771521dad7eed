#!/usr/bin/env bash
# Numba 0.68.1: `math.floor` of a number is a call into a library; of an array's numbers, in a loop, an instruction.
#
# One would guess that both are the processor's rounding instruction (x86 has it since SSE4.1), or neither.
# So it is not: where LLVM can make vector code of a loop, the call becomes the instruction; everywhere else, such as in a
# simulation in which each step needs the one before, it stays a call of `floorf`, and the loop takes about twice the time
# of one that casts to an integer and mends the cast of negative numbers.
set -euo pipefail

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet --disable-pip-version-check "numba==0.68.1" "numpy==2.4.6"

cat > "$place/show.py" <<'PYTHON'
import math
import platform
import sys
import time

import numba
import numpy as np

f32 = np.float32


@numba.njit
def array_floor(x, out):
    for k in range(x.shape[0]):
        out[k] = f32(math.floor(x[k]))


@numba.njit
def chain_floor(x, n):
    for _ in range(n):
        x = x * f32(1.7) + f32(0.3)
        x = x - f32(math.floor(x))
    return x


@numba.njit
def chain_cast(x, n):
    for _ in range(n):
        x = x * f32(1.7) + f32(0.3)
        whole = f32(np.int32(x))
        x = x - (whole - f32(whole > x))
    return x


def assembly(function):
    return next(iter(function.inspect_asm().values()))


def nanoseconds(function):
    best = 1e9
    for _ in range(30):
        begun = time.perf_counter()
        function(f32(0.4), 100_000)
        best = min(best, time.perf_counter() - begun)
    return 1e9 * best / 100_000


print("numba", numba.__version__, platform.machine())
if platform.machine() not in ("x86_64", "AMD64"):
    sys.exit("this is about x86")
x = np.linspace(-9, 9, 1000, dtype=f32)
array_floor(x, np.empty_like(x))
same = chain_floor(f32(0.4), 1000) == chain_cast(f32(0.4), 1000)
packed = any(word in assembly(array_floor) for word in ("roundps", "rndscaleps"))
scalar = any(word in assembly(chain_floor) for word in ("roundss", "rndscaless"))
called = "floorf" in assembly(chain_floor)
print("loop over an array: packed rounding instructions:", packed)
print("chain: rounding instruction:", scalar, "| calls floorf:", called)
print(f"chain by floor {nanoseconds(chain_floor):.1f} ns, by cast {nanoseconds(chain_cast):.1f} ns; same numbers: {same}")
sys.exit(0 if (packed, scalar, called, same) == (True, False, True, True) else "this has changed")
PYTHON
"$place/venv/bin/python" "$place/show.py"

# Seen:
#   numba 0.68.1 x86_64
#   loop over an array: packed rounding instructions: True
#   chain: rounding instruction: False | calls floorf: True
#   chain by floor 16.4 ns, by cast 9.0 ns; same numbers: True
