import numpy as np
import pytest

from quadrivium.agents.explain.marks import AGAINST, FOR, Mark, PartView, marks
from quadrivium.agents.explain.overlay import cell_map, draw_over

GREEN, MAGENTA = (19, 138, 54), (208, 22, 140)


def test_a_tokens_ring_has_an_area_in_proportion_to_what_it_did():
    weights = np.array([[[3.0, 1.0], [-0.5, -0.5], [0.01, 0.0], [2.0, 2.0]]])  # sums 4, -1, 0.01 and 4
    places = np.array([[30.0, 40.0], [90.0, 40.0], [60.0, 60.0], [np.nan, np.nan]])
    view = PartView("cars", ["x", "y"], weights, ["a", "b", "c", ""], places)
    first, second = marks([view], 0, (100, 80))  # the third did next to nothing, the last is absent
    assert (first.x, first.y, first.radius, first.label, first.colour) == (30, 40, 24, "+4", FOR)
    assert (second.x, second.radius, second.label, second.colour) == (90, 12, "-1", AGAINST)
    assert not first.filled
    assert marks([view], 0, (80, 80)) == [first]  # the second lies outside


def test_a_cells_disc_fits_its_cell_and_sums_the_planes():
    weights = np.zeros((2, 2, 1, 2))  # (T, C, H, W)
    weights[1, 0], weights[1, 1] = [[3.0, 0.5]], [[1.0, -1.5]]
    view = PartView("board", ["own", "other"], weights, places=np.array([[[10.0, 10.0], [40.0, 10.0]]]))
    first, second = marks([view], 1, (50, 20))
    assert first.filled
    assert (first.weight, second.weight) == (4.0, -1.0)
    assert first.radius == pytest.approx(0.46 * 30)
    assert second.radius == pytest.approx(0.23 * 30)
    assert marks([PartView("board", ["own", "other"], weights)], 1, (50, 20)) == []


def test_marks_are_drawn_on_a_copy_of_the_frame():
    frame = np.full((60, 100, 3), 40, np.uint8)
    ring, cell = Mark(30.5, 30.5, 15.0, 1.0, False, ""), Mark(80.5, 30.5, 10.0, -1.0, True, "")
    drawn = draw_over(frame, [ring, cell])
    assert (frame == 40).all()
    assert tuple(drawn[30, 45]) == GREEN  # on the edge, 15 px to the right
    assert tuple(drawn[30, 47]) not in ((40, 40, 40), GREEN)  # the halo
    np.testing.assert_allclose(drawn[30, 30], 40 + 0.25 * (np.array(GREEN) - 40), atol=1)
    np.testing.assert_allclose(drawn[30, 80], 40 + 0.85 * (np.array(MAGENTA) - 40), atol=1)
    assert (drawn[:8] == 40).all()
    assert (drawn[30, 55:68] == 40).all()
    partly = draw_over(frame, [Mark(0.0, 59.0, 15.0, 1.0, False, "+1")])  # over the corner
    assert tuple(partly[59, 15]) != (40, 40, 40)


def test_a_label_stands_above_its_ring():
    frame = np.zeros((80, 80, 3), np.uint8)
    bare, labelled = (draw_over(frame, [Mark(40.0, 50.0, 12.0, 1.0, False, text)]) for text in ("", "+0.5"))
    rows = np.flatnonzero((bare != labelled).any((1, 2)))
    assert 20 < rows.min() < rows.max() < 40


def test_a_map_of_cells_is_white_where_nothing_is_and_deepest_at_the_largest():
    picture = cell_map(np.array([[0.0, 2.0], [-2.0, 1.0]]))
    assert picture.tolist() == [
        [[255, 255, 255], list(GREEN)],
        [list(MAGENTA), [137, 196, 154]],  # half of the way from white
    ]
    assert (cell_map(np.zeros((2, 3))) == 255).all()
