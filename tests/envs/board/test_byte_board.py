"""Boards of a byte a row: bits and cells, there and back."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envs.board import byte_board

property_test = settings(deadline=None, derandomize=True)  # the first call compiles


@property_test
@given(st.integers(1, 2**64 - 1), st.data())
def test_nth_finds_every_set_bit_in_order(x, data):
    places = [place for place in range(64) if x >> place & 1]
    n = data.draw(st.integers(0, len(places) - 1))
    assert byte_board.nth(np.uint64(x), n) == places[n]


@pytest.mark.parametrize("x", [1, 2**63, 2**64 - 1, 0x8100000000000081, 0xFF00000000000000])
def test_nth_finds_the_first_and_the_last_bits(x):
    places = [place for place in range(64) if x >> place & 1]
    assert [byte_board.nth(np.uint64(x), n) for n in range(len(places))] == places


@pytest.mark.parametrize("width", range(2, 9))
def test_every_cell_has_its_bit_and_back(width):
    for cell in range(8 * width):
        place = int(byte_board.place(cell, width, byte_board.reciprocal(width)))
        assert divmod(place, 8) == divmod(cell, width)
        assert byte_board.cell_at(place, width) == cell


@property_test
@given(st.integers(0, 2**64 - 1))
def test_upside_down_reverses_the_rows(x):
    cells = byte_board.unpacked(np.uint64(x), 8, 8)
    turned = byte_board.upside_down(np.uint64(x))
    np.testing.assert_array_equal(byte_board.unpacked(turned, 8, 8), cells[::-1])


@pytest.mark.parametrize(("height", "width"), [(8, 8), (6, 6), (4, 7), (8, 2)])
def test_cells_are_packed_and_unpacked(height, width):
    cells = np.random.default_rng(0).integers(0, 2, (height, width)).astype(np.int8)
    board = byte_board.packed(cells == 1)
    np.testing.assert_array_equal(byte_board.unpacked(board, height, width), cells)
    assert [int(board) >> (8 * row + column) & 1 for row, column in np.ndindex(height, width)] == [
        *cells.ravel()
    ]
