"""The tables by which boards are turned."""

import numpy as np
import pytest

from quadrivium.envs.board.symmetries import identity, of_cells, square


def test_the_identity_leaves_cells_and_actions_as_they_are():
    same = identity(2, 3, 9)
    assert len(same) == 1
    assert same.cells.tolist() == [[0, 1, 2, 3, 4, 5]]
    assert same.actions.tolist() == [[0, 1, 2, 3, 4, 5, 6, 7, 8]]


def test_the_eight_turns_of_a_square_by_hand():
    turned = square(2)
    # Of the board 01/23: as it is, three quarter turns to the left, then the same of its mirror image.
    assert turned.cells.tolist() == [
        [0, 1, 2, 3],
        [1, 3, 0, 2],
        [3, 2, 1, 0],
        [2, 0, 3, 1],
        [0, 2, 1, 3],
        [2, 3, 0, 1],
        [3, 1, 2, 0],
        [1, 0, 3, 2],
    ]
    np.testing.assert_array_equal(turned.actions, turned.cells)


@pytest.mark.parametrize("size", [2, 3, 5, 8])
def test_the_turns_of_a_square_are_a_group(size):
    cells = square(size).cells
    turns = {tuple(table) for table in cells}
    assert len(turns) == 8
    assert (cells[0] == np.arange(size * size)).all()
    assert {tuple(one[other]) for one in cells for other in cells} == turns


@pytest.mark.parametrize("size", [3, 4])
def test_a_turn_keeps_distances_between_cells(size):
    where = np.stack(np.divmod(np.arange(size * size), size), axis=1)
    apart = np.abs(where[:, None] - where[None]).sum(axis=2)
    for table in square(size).cells:
        np.testing.assert_array_equal(apart[table][:, table], apart)


def test_a_turned_board_and_its_turned_policy_stay_together():
    rng = np.random.default_rng(0)
    planes, policy = rng.random((2, 16)), rng.random(17)
    for cells, actions in zip(square(4, 1).cells, square(4, 1).actions, strict=True):
        assert policy[actions][-1] == policy[-1]  # the pass
        np.testing.assert_array_equal(policy[actions][:16], policy[:16][cells])
        assert planes[:, cells].shape == planes.shape


def test_actions_beyond_the_cells_are_not_turned():
    board = np.arange(6).reshape(2, 3)
    half_turn = of_cells([board, board[::-1, ::-1]], extra_actions=2)
    assert half_turn.cells.tolist() == [[0, 1, 2, 3, 4, 5], [5, 4, 3, 2, 1, 0]]
    assert half_turn.actions.tolist() == [[0, 1, 2, 3, 4, 5, 6, 7], [5, 4, 3, 2, 1, 0, 6, 7]]
