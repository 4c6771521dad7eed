"""Connect four: known counts of positions and lines, wins in every direction, OpenSpiel."""

import numpy as np
import pytest

from quadrivium.envs.board import ConnectFour
from quadrivium.envs.board.connect_four import kernel
from tests.envs.board.oracles import connect_four as oracle

GAME = ConnectFour()
POSITIONS_BY_PLY = [1, 7, 49, 238, 1120, 4263, 16422, 54859, 184275]  # OEIS A212693
DIRECTIONS = ((0, 1), (1, 0), (1, 1), (-1, 1))  # level, upright, falling, rising
PERFT = {1: 7, 2: 49, 3: 343, 6: 117649, 7: 823536, 8: 5673234, 9: 39394572}


def test_distinct_positions_by_ply_are_those_of_the_encyclopedia():
    layer = GAME.pool(1)
    for ply, expected in enumerate(POSITIONS_BY_PLY):
        assert len(layer) == expected
        if ply == len(POSITIONS_BY_PLY) - 1:
            break
        sources, actions = np.nonzero(GAME.legal(layer, np.arange(len(layer))))
        both = np.concatenate([layer, np.zeros(len(actions), GAME.state_dtype)])
        targets = len(layer) + np.arange(len(actions))
        GAME.copy(both, sources, targets)
        GAME.step(both, targets, actions, check=False)
        after = both[len(layer) :]
        layer = after[np.unique(after["stones"], axis=0, return_index=True)[1]]


@pytest.mark.parametrize(("depth", "lines"), PERFT.items())
def test_perft(depth, lines):
    assert GAME.perft(GAME.pool(1)[0], depth) == lines


def test_random_games_are_those_of_openspiel():
    assert oracle.play_games(150, seed=1) > 2000


def test_every_four_of_the_board_wins_whichever_stone_lands_last():
    lines = [
        [(y + k * dy, x + k * dx) for k in range(4)]
        for y in range(6)
        for x in range(7)
        for dy, dx in DIRECTIONS
        if 0 <= y + 3 * dy < 6 and x + 3 * dx < 7
    ]
    assert len(lines) == 69
    for line in lines:
        for missing in range(4):
            cells = stones_under(line, missing)
            if cells is None:
                continue
            y, x = line[missing]
            row = with_cells(cells)
            GAME.step(row, np.arange(1), np.array([x]))
            assert GAME.cells(row[0])[y, x] == 1
            assert (row["over"][0], row["winner"][0]) == (1, 0)


def stones_under(line, missing):
    """Returns cells with red on three of a line and yellow below, the fourth cell open; or None."""
    y, x = line[missing]
    if any(other[1] == x and other[0] < y for other in line):
        return None  # in an upright line, only the topmost stone can come last
    cells = np.zeros((6, 7), np.int8)
    for k, (row, column) in enumerate(line):
        if k != missing:
            cells[row, column] = 1
    for row, column in line:
        for below in range(row + 1, 6):
            if cells[below, column] == 0 and (below, column) != (y, x):
                cells[below, column] = -1
    return cells


def with_cells(cells):
    """Returns a pool (1,) with stones that need not come from a game, red to move."""
    pool = GAME.pool(1)
    for seat, value in enumerate((1, -1)):
        pool["stones"][0, seat] = sum(1 << (7 * int(x) + 5 - int(y)) for y, x in np.argwhere(cells == value))
    return pool


def test_fours_are_those_of_a_plain_check_and_do_not_run_from_column_to_column():
    rng = np.random.default_rng(0)
    found = []
    for density in rng.uniform(0.2, 0.7, 3000):
        stones = rng.random((6, 7)) < density
        pool = with_cells(stones.astype(np.int8))
        plain = any(
            stones[[y + k * dy for k in range(4)], [x + k * dx for k in range(4)]].all()
            for y in range(6)
            for x in range(7)
            for dy, dx in DIRECTIONS
            if 0 <= y + 3 * dy < 6 and x + 3 * dx < 7
        )
        assert bool(kernel.has_four(pool["stones"][0, 0])) == plain
        found.append(plain)
    assert 0.2 < np.mean(found) < 0.8


@pytest.mark.parametrize(
    ("moves", "winner"),
    [
        ("a b a b a b a", 0),  # upright
        ("a a b b c c d", 0),  # level
        ("a b b c c d c d d g d", 0),  # rising
        ("g f f e e d e d d a d", 0),  # falling
        ("g a b a b a b a", 1),
        ("a b c d e f g", -1),
    ],
)
def test_games_by_hand(moves, winner):
    pool = GAME.play_moves(moves)
    assert (int(pool["winner"][0]), int(pool["over"][0])) == (winner, int(winner >= 0))


def test_ownership_is_whose_stone_is_where_in_every_row_asked_for():
    game = ConnectFour()
    pool = np.concatenate([game.pool(1), game.play_moves("d d a")])
    empty = [0] * 7
    assert game.ownership(pool, np.array([1, 0])).tolist() == [
        [*[empty] * 4, [0, 0, 0, -1, 0, 0, 0], [1, 0, 0, 1, 0, 0, 0]],
        [empty] * 6,
    ]


def test_a_full_board_is_a_draw():
    # Three pairs of columns, xoxoox and oxoxxo from the bottom, then the last by both in turn.
    moves = "a b a b a b b a b a b a c d c d c d d c d c d c e f e f e f f e f e f e g g g g g g"
    pool = GAME.play_moves(moves)
    assert (pool["over"][0], pool["winner"][0], pool["ply"][0]) == (1, -1, 42)
    assert not GAME.legal(pool, np.arange(1)).any()


def test_the_diagram_of_a_game_by_hand():
    pool = GAME.play_moves("d d c")
    empty = "6 . . . . . . .\n5 . . . . . . .\n4 . . . . . . .\n3 . . . . . . .\n"
    text = "2 . . . o . . .\n1 . . x x . . .\n  a b c d e f g\nyellow to move"
    assert GAME.position_text(pool[0]) == empty + text
    again = GAME.parse_position(GAME.position_text(pool[0]))
    assert (again["stones"] == pool["stones"]).all()
    assert GAME.last_cells(pool[0]) == [(5, 2)]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("d d d d d d d", "move 7: move d is illegal; legal moves: a, b, c, e, f, g$"),
        ("d h", "move 2: 'h' is no column: use a letter a-g"),
        ("a b a b a b a b", "move 8: move b was played after the game's end; begin a new game"),
    ],
)
def test_bad_moves_are_named(text, error):
    with pytest.raises(ValueError, match=error):
        GAME.play_moves(text)


@pytest.mark.parametrize(
    ("bottom", "mover", "error"),
    [
        ("x . . . . . .\n. . . . . . .", "yellow", "the stone on a2 hangs above an empty cell"),
        (". . . . . . .\nx x . . . . .", "yellow", "2 red and 0 yellow stones with yellow to move cannot be"),
        (". . . . . . .\nx . . . . . .", "red", "1 red and 0 yellow stones with red to move cannot be"),
        ("o o o . . . .\nx x x x o . .", "red", "red has four in a line already and cannot be to move"),
    ],
)
def test_a_position_that_cannot_be_is_refused(bottom, mover, error):
    empty = "\n".join([". . . . . . ."] * 4)
    with pytest.raises(ValueError, match=error):
        GAME.parse_position(f"{empty}\n{bottom}\n{mover} to move")


# ---- threats


def test_threats_are_the_empty_cells_where_a_stone_would_make_four_by_plain_search():
    game, rows = ConnectFour(threats=True), np.arange(2000)
    pool = game.pool(len(rows))
    for k in range(12):  # of all lengths
        game.play_random(pool, rows[160 * k :], 3)
    seen = 0
    for row, planes in zip(pool, game.observe(pool, rows, np.zeros(len(rows), np.int8)), strict=True):
        cells = GAME.cells(row)
        for plane, value in ((2, 1), (3, -1)):
            expected = [
                [cells[y, x] == 0 and makes_four(cells, y, x, value) for x in range(7)] for y in range(6)
            ]
            assert (planes[plane] == expected).all()
            seen += planes[plane].sum()
        assert (planes[4] == np.array([0, 1, 0, 1, 0, 1])[:, None]).all()
    assert seen > 1000


def makes_four(cells, y, x, value):
    for down, right in DIRECTIONS:
        length = 1
        for sign in (1, -1):
            at = (y + sign * down, x + sign * right)
            while 0 <= at[0] < 6 and 0 <= at[1] < 7 and cells[at] == value:
                length += 1
                at = (at[0] + sign * down, at[1] + sign * right)
        if length >= 4:
            return True
    return False


def test_without_threats_the_planes_are_the_first_two_and_each_player_sees_its_own_first():
    with_threats, pool = ConnectFour(threats=True), GAME.play_moves("a b a b a")
    for seat in (0, 1):
        own = np.array([seat], np.int8)
        planes = with_threats.observe(pool, np.arange(1), own)[0]
        assert (planes[:2] == GAME.observe(pool, np.arange(1), own)[0]).all()
        assert np.argwhere(planes[2 + seat]).tolist() == [[2, 0]]  # red's a4
        assert not planes[3 - seat].any()
    assert with_threats.planes[2:] == ("own threats", "other threats", "odd rows")
