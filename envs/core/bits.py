# A kernel file: Numba's types, not Python's.
# pyright: basic, reportMissingParameterType=false
"""Sets of squares as the bits of a uint64.

Plain arithmetic, so that the CPU and CUDA compile the same source; LLVM knows these idioms and emits the
machine's own instructions for them (`popcnt`, `tzcnt`).
"""

import numpy as np

from quadrivium.envs.core.lane import lane

ONE = np.uint64(1)
_TWO, _THREE, _FOUR, _S7, _EIGHT, _S56 = (np.uint64(n) for n in (2, 3, 4, 7, 8, 56))
_BYTE, _NIBBLE, _BYTE_TOPS = np.uint64(0xFF), np.uint64(0xF), np.uint64(0x8080808080808080)
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
    """Returns the number (int64) of the n-th lowest set bit, n from 0; at least n + 1 are set.

    By halves, from the sums that counting the bits goes through: without a loop, whose length the processor
    cannot foresee where n is random (an eighth of the time of a random game of Othello).
    """
    n = np.uint64(n)
    twos = x - ((x >> ONE) & _PAIRS)
    fours = (twos & _NIBBLE_PAIRS) + ((twos >> _TWO) & _NIBBLE_PAIRS)
    up_to_byte = ((fours + (fours >> _FOUR)) & _NIBBLES) * _BYTES  # a byte's sum with those below it
    passed = ((n * _BYTES | _BYTE_TOPS) - up_to_byte) & _BYTE_TOPS  # bytes whose sum is at most n
    at = (((passed >> _S7) * _BYTES) >> _S56) * _EIGHT
    n -= ((up_to_byte << _EIGHT) >> at) & _BYTE
    below = (fours >> at) & _NIBBLE
    above = n >= below
    n -= below if above else np.uint64(0)
    at += _FOUR if above else np.uint64(0)
    below = (twos >> at) & _THREE
    above = n >= below
    n -= below if above else np.uint64(0)
    at += _TWO if above else np.uint64(0)
    at += ONE if n >= (x >> at) & ONE else np.uint64(0)
    return np.int64(at)
