"""Pictures of what a network and a search think of positions."""

from typing import NamedTuple

import numpy as np
import pytest

from quadrivium.envs.board.board_game import BoardGame
from quadrivium.envs.board.registry import GAMES
from quadrivium.envs.board.render import StudyRenderer
from quadrivium.envs.board.render.annotations import PLAYED, SEARCH

ROW = np.arange(1)


class Study(NamedTuple):
    row: np.void
    policy: np.ndarray
    search: np.ndarray
    action: int
    value: float


def study(game: BoardGame, moves: int = 4, *, value: float = 0.0) -> Study:
    """A position in which the search is sure of its first legal move and the network of nothing."""
    pool = game.pool(1, seed=3)
    game.play_random(pool, ROW, moves)
    legal = game.legal(pool, ROW)[0] != 0
    search = np.zeros(game.num_actions, np.float32)
    search[legal.argmax()] = 1
    return Study(pool[0], (legal / legal.sum()).astype(np.float32), search, int(legal.argmax()), value)


def coloured(picture: np.ndarray, colour: tuple[int, int, int], tolerance: int = 30) -> np.ndarray:
    """Rows and columns (P, 2) of the pixels near a colour."""
    return np.argwhere((np.abs(picture.astype(int) - colour) <= tolerance).all(axis=2))


@pytest.mark.parametrize("name", GAMES)
def test_twelve_studies_make_a_grid_of_rgb_bytes(name: str):
    game = GAMES[name]()
    renderer = StudyRenderer(game)
    one, twelve = renderer([study(game)]), renderer([study(game, k % 5) for k in range(12)])
    assert one.dtype == twelve.dtype == np.uint8
    assert one.shape[2] == 3
    assert twelve.shape[0] > 2.5 * one.shape[0]
    assert 1200 <= twelve.shape[1] <= 1500


@pytest.mark.parametrize("name", GAMES)
def test_the_move_played_stands_in_brackets_on_its_square(name: str):
    game = GAMES[name]()
    renderer = StudyRenderer(game)
    with_move = study(game)
    without = with_move._replace(action=-1)
    gold = {tuple(p) for p in coloured(renderer([with_move]), PLAYED)}
    gold -= {tuple(p) for p in coloured(renderer([without]), PLAYED)}
    place = renderer._touched(with_move.row, with_move.action)[-1]
    cell = renderer._painter.look.cell
    x, y = renderer._at(place)
    at = np.array([y + 46, x + 11])  # beneath the legend, right of the margin
    near = [p for p in gold if (np.abs(np.array(p) - at) < 0.55 * cell).all()]
    assert len(near) > 20
    assert min(p[0] for p in near) < at[0] < max(p[0] for p in near)
    assert min(p[1] for p in near) < at[1] < max(p[1] for p in near)


def test_a_larger_share_is_a_larger_disc():
    game = GAMES["Othello"]()
    seen = study(game)
    areas = []
    for share in (0.25, 0.5, 1.0):
        thought = seen._replace(search=seen.search * share, policy=np.zeros_like(seen.policy))
        areas.append(len(coloured(StudyRenderer(game)([thought])[46:], SEARCH)))
    assert areas[1] / areas[0] == pytest.approx(2, rel=0.25)
    assert areas[2] / areas[0] == pytest.approx(4, rel=0.25)


def test_moves_that_lead_from_the_same_cell_to_the_same_cell_are_one():
    """Four promotions are one arrow, and take their shares together."""
    game = GAMES["Chess"]()
    pool = game.parse_position("8/P6k/8/8/8/8/8/K7 w - - 0 1")
    actions = [game.parse_move(pool[0], f"a8={kind}") for kind in "QRBN"]
    search = np.zeros(game.num_actions, np.float32)
    search[actions] = 0.25
    seen = Study(pool[0], search, search, actions[0], 0.0)
    shares = StudyRenderer(game)._shares(seen)
    assert {places: tuple(share) for places, share in shares.items()} == {((1, 0), (0, 0)): (1.0, 1.0)}


def test_a_pass_is_drawn_nowhere():
    game = GAMES["Go"](size=5)
    search = np.zeros(game.num_actions, np.float32)
    search[-1] = 1
    renderer = StudyRenderer(game)
    seen = Study(game.pool(1)[0], search, search, game.num_actions - 1, 0.0)
    assert renderer._shares(seen) == {}
    assert renderer([seen]).size


def test_the_bar_belongs_to_the_first_player_as_far_as_the_value_goes():
    game = GAMES["ConnectFour"]()
    renderer = StudyRenderer(game)
    empty = study(game, 0)._replace(action=-1)
    red = np.array(renderer._painter.look.paints[0].fill)
    lengths = []
    for value in (-1.0, 0.0, 0.5, 1.0):
        found = coloured(renderer([empty._replace(value=value)])[46 + 34 + 200 :], tuple(red), 25)
        lengths.append(0 if not len(found) else np.ptp(found[:, 1]) + 1)
    whole = lengths[-1]
    assert lengths[0] < 0.05 * whole
    assert np.array(lengths[1:]) == pytest.approx(np.array([0.5, 0.75, 1.0]) * whole, abs=4)
