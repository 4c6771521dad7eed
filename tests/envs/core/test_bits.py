"""Sets of squares beside Python's own integers."""

import numba
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from quadrivium.envs.core import bits

ALL = 2**64 - 1
words = st.one_of(
    st.integers(0, ALL),
    st.sets(st.integers(0, 63), max_size=4).map(lambda squares: sum(1 << i for i in squares)),
    st.sets(st.integers(0, 63), max_size=4).map(lambda squares: ALL - sum(1 << i for i in squares)),
)
property_test = settings(deadline=None, max_examples=300)


def indices(x: int) -> list[int]:
    return [i for i in range(64) if x >> i & 1]


@property_test
@given(words)
@example(0)
@example(ALL)
def test_count_is_bit_count(x):
    assert bits.count(np.uint64(x)) == x.bit_count()


@property_test
@given(words)
@example(0)
@example(1 << 63)
@example(ALL)
def test_lowest_is_the_number_of_trailing_zeros_and_64_of_none(x):
    assert bits.lowest(np.uint64(x)) == ((x & -x).bit_length() - 1 if x else 64)


@property_test
@given(words)
@example(0)
@example(1 << 63)
def test_without_lowest_clears_one_bit(x):
    assert int(bits.without_lowest(np.uint64(x))) == x & (x - 1)


@property_test
@given(words)
@example(ALL)
@example(1 << 63)
@example(1)
def test_nth_lists_the_set_bits_in_order(x):
    assert [bits.nth(np.uint64(x), n) for n in range(x.bit_count())] == indices(x)


@pytest.mark.parametrize("i", range(64))
def test_bit_and_has_mean_the_same_square(i):
    assert int(bits.bit(i)) == 1 << i
    alone = np.uint64(bits.bit(i))
    assert bits.has(alone, i)
    assert not bits.has(~alone, i)


@property_test
@given(words)
def test_has_says_each_square(x):
    assert [i for i in range(64) if bits.has(np.uint64(x), i)] == indices(x)


def test_results_are_of_the_types_that_kernels_count_on():
    x = np.uint64(0b1010)
    assert all(type(value) is int for value in (bits.count(x), bits.lowest(x), bits.nth(x, 1)))
    for function, argument in ((bits.bit, numba.int64), (bits.without_lowest, numba.uint64)):
        function.compile((argument,))
        assert function.overloads[argument,].signature.return_type == numba.uint64
