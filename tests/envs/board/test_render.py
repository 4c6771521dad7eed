"""Pictures and text of positions say where the pieces are, what was played last and who is to move."""

import itertools
import re
from pathlib import Path

import numpy as np
import pygame
import pytest

from quadrivium.envs.board import ansi as text
from quadrivium.envs.board.ansi import ansi, caption
from quadrivium.envs.board.board_game import BoardGame
from quadrivium.envs.board.registry import GAMES
from quadrivium.envs.board.render import BoardRenderer
from quadrivium.envs.board.render.chessmen import CHESSMEN, chessman
from quadrivium.envs.board.render.looks import look_of, star_points
from quadrivium.envs.board.render.pieces import paint_of
from quadrivium.envs.core.picture import Sketch, pixels
from quadrivium.envs.core.rules import NO_MOVE

SIZES = {
    "Breakthrough": [{"rows": 4, "columns": 2}, {"rows": 7, "columns": 5}],
    "Go": [{"size": 2}, {"size": 19}],
    "Hex": [{"size": 2}, {"size": 19}],
    "Othello": [{"size": 4}, {"size": 6}],
}
BOARDS = [(name, options) for name in GAMES for options in [{}, *SIZES.get(name, [])]]
TOP_PX = 48  # the strip with the caption


def under_way(game: BoardGame, moves: int = 5) -> np.void:
    pool = game.pool(1, seed=11)
    game.play_random(pool, np.arange(1), moves)
    return pool[0]


def changed(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Rows and columns (P, 2) of the pixels that differ."""
    return np.argwhere((a != b).any(axis=2))


def board_pixels(game: BoardGame) -> np.ndarray:
    look = look_of(game)
    sketch = Sketch(look.size)
    look.paint_board(sketch)
    return pygame.surfarray.array3d(sketch.finish()).transpose(1, 0, 2).astype(int)


def same_picture(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether two pictures are equal but for shades on slanting edges (a quarter of a pixel's contrast)."""
    difference = np.abs(a - b).max(axis=2)
    return bool(difference.max() <= 96 and difference.mean() < 3)


@pytest.mark.parametrize(("name", "options"), BOARDS)
def test_frames_are_rgb_bytes_of_one_shape_with_sides_that_video_codecs_take(name: str, options: dict):
    game = GAMES[name](**options)
    renderer = BoardRenderer(game)
    frames = [renderer.draw(under_way(game, moves)) for moves in (0, 1, 8)]
    height, width, channels = frames[0].shape
    assert channels == 3
    assert 480 <= width <= 640
    assert height <= 640
    assert height % 16 == width % 16 == 0
    for frame in frames:
        assert frame.dtype == np.uint8
        assert frame.shape == frames[0].shape


@pytest.mark.parametrize(("name", "options"), BOARDS)
def test_the_mark_of_the_last_move_is_on_its_cells_and_nowhere_else(name: str, options: dict):
    game = GAMES[name](**options)
    row = under_way(game, 3)
    unmarked = row.copy()
    unmarked["last_move"] = NO_MOVE
    places = game.last_cells(row)
    assert places
    renderer = BoardRenderer(game)
    points = changed(renderer.draw(row), renderer.draw(unmarked))
    look, (left, top) = look_of(game), renderer._corner
    centres = np.array([look.centre(*place)[::-1] for place in places]) + np.array([top, left])
    near = (np.abs(points[:, None] - centres) <= look.cell / 2 + 1).all(axis=2)  # (P, cells)
    assert near.any(axis=1).all()
    assert near.any(axis=0).all()


@pytest.mark.parametrize("name", GAMES)
def test_all_pieces_look_different(name: str):
    game = GAMES[name]()
    look = look_of(game)
    sprites = {value: pygame.image.tobytes(look.piece(value), "RGBA") for value in game.glyphs if value}
    assert len(set(sprites.values())) == len(sprites) >= 2


def test_the_six_chessmen_differ_in_their_outlines():
    outlines = [
        pygame.surfarray.array_alpha(chessman(kind, paint_of("white", 0), 64)) > 128 for kind in CHESSMEN
    ]
    for a, b in itertools.combinations(outlines, 2):
        assert (a != b).sum() > 60
    assert sorted(CHESSMEN) == sorted("PNBRQK")


@pytest.mark.parametrize("kind", "PBRQK")
def test_chessmen_but_the_knight_and_the_bishops_slit_are_the_same_from_left_and_right(kind: str):
    filled = pygame.surfarray.array_alpha(chessman(kind, paint_of("white", 0), 64)).astype(int)
    assert np.abs(filled - filled[::-1]).mean() < 4


@pytest.mark.parametrize(("name", "options"), BOARDS)
def test_an_empty_board_looks_the_same_from_both_sides(name: str, options: dict):
    game = GAMES[name](**options)
    picture = board_pixels(game)
    other_side = picture[::-1] if game.look == "points" else picture[::-1, ::-1]  # as `as_seen` turns it
    assert same_picture(picture, other_side)


@pytest.mark.parametrize("name", [name for name in GAMES if GAMES[name].look in ("discs", "holes", "stones")])
def test_an_empty_board_without_chequers_is_its_own_mirror_image(name: str):
    picture = board_pixels(GAMES[name]())
    assert same_picture(picture, picture[:, ::-1])
    assert same_picture(picture, picture[::-1])


def test_the_first_players_right_hand_corner_is_light():
    picture = board_pixels(GAMES["Breakthrough"]())
    assert picture[-1, -1].sum() > picture[-1, 0].sum()


def test_stones_of_connect_four_are_where_they_fell():
    game = GAMES["ConnectFour"]()
    frame = BoardRenderer(game).draw(game.play_moves("a g g")[0]).astype(int)
    centres = {}
    for player in game.players:
        near = (np.abs(frame - paint_of(player, 0).fill) <= 12).all(axis=2)
        near[:TOP_PX] = False  # the caption has a piece, too
        centres[player] = np.argwhere(near)
    height, width, _ = frame.shape
    red, yellow = centres["red"], centres["yellow"]
    assert (red[red[:, 1] < width / 2][:, 0] > height * 0.75).all()  # a1: bottom left
    assert (yellow[:, 1] > width * 0.75).all()  # g1: bottom right
    assert red[red[:, 1] > width / 2][:, 0].mean() < yellow[:, 0].mean()  # g2 above it


def test_the_caption_is_all_that_says_who_is_to_move():
    game = GAMES["ConnectFour"]()
    renderer, row = BoardRenderer(game), under_way(game)
    other = row.copy()
    other["to_move"] = 1 - row["to_move"]
    assert (changed(renderer.draw(row), renderer.draw(other))[:, 0] < TOP_PX).all()
    drawn = row.copy()
    drawn["over"], drawn["winner"] = 1, -1
    won = drawn.copy()
    won["winner"] = 0
    captions = [renderer.draw(state)[:TOP_PX].tobytes() for state in (row, other, drawn, won)]
    assert len(set(captions)) == 4


@pytest.mark.parametrize("name", GAMES)
def test_a_picture_depends_on_its_record_alone(name: str):
    game = GAMES[name]()
    renderer = BoardRenderer(game)
    early, late = under_way(game, 2), under_way(game, 9)
    first = renderer.draw(early)
    renderer.draw(late)
    np.testing.assert_array_equal(renderer.draw(early), first)
    np.testing.assert_array_equal(BoardRenderer(game).draw(early), first)
    np.testing.assert_array_equal(renderer.frames_between(late, early, 5), [first])


def test_pictures_are_drawn_after_another_environment_ended_pygame():
    game = GAMES["ConnectFour"]()
    renderer, row = BoardRenderer(game), under_way(game)
    before = renderer.draw(row)
    pygame.quit()
    np.testing.assert_array_equal(renderer.draw(row), before)
    np.testing.assert_array_equal(BoardRenderer(game).draw(row), before)


def test_a_window_that_was_closed_stays_closed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    monkeypatch.setattr("quadrivium.envs.board.render.renderer.MOVES_PER_SECOND", 1000)
    game = GAMES["ConnectFour"]()
    renderer = BoardRenderer(game)
    renderer.draw(under_way(game))
    assert not pygame.display.get_init()
    renderer.show(under_way(game))
    assert pygame.display.get_caption()[0] == "Connect four"
    np.testing.assert_array_equal(pixels(pygame.display.get_surface()), renderer.draw(under_way(game)))
    pygame.event.post(pygame.event.Event(pygame.QUIT))
    renderer.show(under_way(game))
    assert not pygame.display.get_init()
    renderer.show(under_way(game))
    assert not pygame.display.get_init()
    renderer.close()


def test_star_points_are_those_of_the_usual_boards():
    assert star_points(9, 9) == [(2, 2), (2, 6), (6, 2), (6, 6), (4, 4)]
    assert {(3, 3), (3, 9), (9, 9), (15, 15)} <= set(star_points(19, 19))
    assert [len(star_points(size, size)) for size in (5, 8, 13, 15, 19)] == [0, 4, 5, 5, 9]


@pytest.mark.parametrize(("name", "options"), BOARDS)
def test_text_without_colours_is_the_diagram_with_the_last_move_in_brackets(name: str, options: dict):
    game = GAMES[name](**options)
    row = under_way(game, 3)
    shown = ansi(game, row, colours=False).splitlines()
    diagram = game.position_text(row, "ascii").splitlines()
    assert [re.sub(r"[\[\]|]", " ", line).rstrip() for line in shown[:-1]] == diagram[:-1]
    assert shown[-2].split() == list(game.letters[: game.width])
    for place in range(game.height):
        marked = [match.start() + 1 for match in re.finditer(r"[\[|](?=.[\]|])", shown[place])]
        start = len(diagram[place]) - 2 * game.width + 1
        columns = sorted(column for r, column in game.last_cells(row) if r == place)
        assert [(column - start) // 2 for column in marked] == columns
    assert shown[-1].lower() == diagram[-1].lower()


@pytest.mark.parametrize("name", GAMES)
def test_colours_change_nothing_of_the_text(name: str):
    game = GAMES[name]()
    for moves in (0, 4, 9):
        row = under_way(game, moves)
        coloured = ansi(game, row)
        assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == ansi(game, row, colours=False)
        assert "\x1b[" in coloured


def test_text_of_connect_four_by_hand():
    game = GAMES["ConnectFour"]()
    shown = ansi(game, game.play_moves("d d e")[0], colours=False)
    empty = "\n".join(f"{number} . . . . . . ." for number in (6, 5, 4, 3))
    assert shown == f"{empty}\n2 . . . o . . .\n1 . . . x[x]. .\n  a b c d e f g\nYellow to move"


def test_text_says_how_the_game_ended():
    game = GAMES["ConnectFour"]()
    won = game.play_moves("a b a b a b a")[0]
    assert ansi(game, won, colours=False).endswith("\nRed has won")
    drawn = won.copy()
    drawn["winner"] = -1
    assert ansi(game, drawn, colours=False).endswith("\nDraw")


def test_a_pass_is_said_since_it_marks_no_cell():
    game = GAMES["Go"](size=5)
    assert caption(game, game.play_moves("c3 pass")[0]) == "Black to move after a pass"
    assert caption(game, game.play_moves("c3")[0]) == "White to move"
    assert caption(game, game.pool(1)[0]) == "Black to move"


def test_two_marked_cells_beside_each_other_share_a_bar():
    assert [text._gap(*sides) for sides in itertools.product((False, True), repeat=2)] == [" ", "[", "]", "|"]


def test_the_documentation_has_a_picture_of_every_game():
    folder = Path(__file__).resolve().parents[3] / "docs" / "images" / "board"
    assert {path.stem for path in folder.glob("*.png")} == set(GAMES)
