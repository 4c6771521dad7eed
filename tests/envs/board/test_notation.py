"""Cells and diagrams as text, in both directions of numbering, with errors that say what is wrong."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quadrivium.envs.board import notation
from quadrivium.envs.board.notation import GO_LETTERS, LETTERS, cell_name, diagram, parse_cell, parse_diagram

GLYPHS = {0: ".", 1: "x", -1: "o"}
PLAYERS = ("red", "blue")
CELLS = np.array([[0, 1, 0], [-1, 0, 1]], np.int8)


@pytest.mark.parametrize(
    ("cell", "height", "options", "name"),
    [
        ((7, 0), 8, {}, "a1"),
        ((0, 7), 8, {}, "h8"),
        ((4, 3), 8, {}, "d4"),
        ((0, 0), 8, {"from_top": True}, "a1"),
        ((7, 2), 8, {"from_top": True}, "c8"),
        ((0, 8), 19, {}, "i19"),
        ((0, 8), 19, {"letters": GO_LETTERS}, "j19"),
        ((18, 18), 19, {"letters": GO_LETTERS}, "t1"),
    ],
)
def test_names_of_cells_by_hand(cell, height, options, name):
    assert cell_name(*cell, height, **options) == name
    assert parse_cell(name, height, height, **options) == cell
    assert parse_cell(f" {name.upper()}\n", height, height, **options) == cell


@settings(deadline=None)
@given(
    st.integers(1, 25), st.integers(1, 25), st.sampled_from([LETTERS, GO_LETTERS]), st.booleans(), st.data()
)
def test_every_cell_has_a_name_of_its_own(height, width, letters, from_top, data):
    row, column = data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))
    name = cell_name(row, column, height, letters, from_top)
    assert parse_cell(name, height, width, letters, from_top) == (row, column)


@pytest.mark.parametrize(
    ("text", "letters"),
    [
        ("", LETTERS),
        ("a", LETTERS),
        ("1a", LETTERS),
        ("a0", LETTERS),
        ("a9", LETTERS),
        ("i1", LETTERS),
        ("i1", GO_LETTERS),
        ("a 1", LETTERS),
        ("a1 b1", LETTERS),
        ("a001", LETTERS),
        ("a-1", LETTERS),
        ("ä1", LETTERS),
        ("a٣", LETTERS),
    ],
)
def test_what_names_no_cell_is_refused_with_an_example(text, letters):
    with pytest.raises(
        ValueError, match="is no cell: use a letter a-h and a number 1-8, such as 'e4'"
    ) as caught:
        parse_cell(text, 8, 8, letters)
    assert repr(text) in str(caught.value)


def test_diagrams_by_hand():
    assert diagram(CELLS, GLYPHS, "red") == "2 . x .\n1 o . x\n  a b c\nred to move"
    assert diagram(CELLS, GLYPHS, "red", slant=1) == "2 . x .\n 1 o . x\n    a b c\nred to move"
    assert diagram(CELLS, GLYPHS, "blue", from_top=True) == "1 . x .\n2 o . x\n  a b c\nblue to move"


def test_numbers_of_two_digits_keep_the_columns_in_line():
    lines = diagram(np.zeros((10, 2), int), GLYPHS, "red").splitlines()
    assert lines[:2] == ["10 . .", " 9 . ."]
    assert lines[-2] == "   a b"


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 2), st.booleans(), st.integers(0, 1), st.data())
def test_a_diagram_reads_back(height, width, slant, from_top, to_move, data):
    values = data.draw(
        st.lists(st.sampled_from([0, 1, -1]), min_size=height * width, max_size=height * width)
    )
    cells = np.array(values, np.int8).reshape(height, width)
    text = diagram(cells, GLYPHS, PLAYERS[to_move], slant=slant, from_top=from_top)
    again, mover = parse_diagram(text, GLYPHS, PLAYERS, (height, width), from_top)
    np.testing.assert_array_equal(again, cells)
    assert again.dtype == np.int8
    assert mover == to_move


def test_numbers_letters_and_blank_lines_may_be_left_out():
    text = "\n  . x .\n\n  o . x  \n blue to move\n\n"
    cells, mover = parse_diagram(text, GLYPHS, PLAYERS, (2, 3))
    np.testing.assert_array_equal(cells, CELLS)
    assert mover == 1


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "the last line '' does not say who is to move: write 'red to move' or 'blue to move'"),
        (". x .\no . x", "the last line 'o . x' does not say who is to move"),
        (". x .\no . x\ngreen to move", "the last line 'green to move' does not say"),
        (". x .\nred to move", r"the diagram has 1 rows of \[3\] cells; this board has 2 rows of 3"),
        (". x .\no . x\n. . .\nred to move", r"the diagram has 3 rows of \[3\] cells"),
        (". x .\no . x .\nred to move", r"the diagram has 2 rows of \[3, 4\] cells"),
        (". x .\no . w\nred to move", "'w' in row 1 is no piece: use '.', 'x', 'o'"),
        ("red to move", r"the diagram has 0 rows of \[\] cells"),
    ],
)
def test_a_bad_diagram_is_refused_with_its_line(text, error):
    with pytest.raises(ValueError, match=error):
        parse_diagram(text, GLYPHS, PLAYERS, (2, 3))


def test_the_row_of_an_error_is_numbered_as_the_board_is():
    with pytest.raises(ValueError, match="'w' in row 2 is no piece"):
        parse_diagram(". x .\no . w\nred to move", GLYPHS, PLAYERS, (2, 3), from_top=True)


def test_go_leaves_out_the_i_alone():
    assert set(LETTERS) - set(GO_LETTERS) == {"i"}
    assert list(notation.GO_LETTERS) == sorted(notation.GO_LETTERS)
