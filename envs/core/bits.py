# A kernel file: Numba's types, not Python's.
# pyright: basic, reportMissingParameterType=false
"""Sets of squares as the bits of a uint64.

Plain arithmetic, so that the CPU and CUDA compile the same source; LLVM knows these idioms and emits the
machine's own instructions for them (`popcnt`, `tzcnt`).
"""

import numpy as np

from envs.core.lane import lane

ONE = np.uint64(1)
_TWO, _FOUR, _S56 = np.uint64(2), np.uint64(4), np.uint64(56)
_PAIRS = np.uint64(0x5555555555555555)
_NIBBLE_PAIRS = np.uint64(0x3333333333333333)
_NIBBLES = np.uint64(0x0F0F0F0F0F0F0F0F)
_BYTES = np.uint64(0x0101010101010101)


@lane
def count(x):
    """Returns how many bits of a uint64 are set, as int64."""
    x = x - ((x >> ONE) & _PAIRS)
    x = (x & _NIBBLE_PAIRS) + ((x >> _TWO) & _NIBBLE_PAIRS)
    x = (x + (x >> _FOUR)) & _NIBBLES
    return np.int64((x * _BYTES) >> _S56)


@lane
def bit(i):
    """Returns the uint64 with bit `i` alone."""
    return ONE << np.uint64(i)


@lane
def has(x, i):
    """Returns whether bit `i` is set."""
    return (x >> np.uint64(i)) & ONE != np.uint64(0)


@lane
def lowest(x):
    """Returns the index of the lowest set bit, as int64; 64 if none is set."""
    return count(~x & (x - ONE))


@lane
def without_lowest(x):
    """Returns `x` without its lowest set bit."""
    return x & (x - ONE)


@lane
def nth(x, n):
    """Returns the index of the n-th lowest set bit, n from 0; at least n + 1 bits are set."""
    for _ in range(n):
        x = x & (x - ONE)
    return count(~x & (x - ONE))
