"""Boards of a byte a row: bits and cells, there and back."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quadrivium.envs.board import byte_board

property_test = settings(deadline=None, derandomize=True)  # the first call compiles


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
