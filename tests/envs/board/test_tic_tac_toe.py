"""Tic-tac-toe: all games by full enumeration, beside a plain recursion and OpenSpiel."""

from collections import Counter

import numpy as np
import pytest

from quadrivium.envs.board import TicTacToe
from tests.envs.board.oracles import tic_tac_toe as oracle

GAME = TicTacToe()
LINES = ["a1 b1 c1", "a2 b2 c2", "a3 b3 c3", "a1 a2 a3", "b1 b2 b3", "c1 c2 c3", "a1 b2 c3", "a3 b2 c1"]


def successors(pool):
    """Returns a pool with every position that one legal move makes of those in `pool`."""
    sources, actions = np.nonzero(GAME.legal(pool, np.arange(len(pool))))
    both = np.concatenate([pool, np.zeros(len(actions), GAME.state_dtype)])
    targets = len(pool) + np.arange(len(actions))
    GAME.copy(both, sources, targets)
    GAME.step(both, targets, actions)
    return both[len(pool) :]


@pytest.fixture(scope="module")
def layers():
    """Every line of moves, a pool a ply: equal positions as often as they are reached."""
    pools = [GAME.pool(1)]
    while len(after := successors(pools[-1])):
        pools.append(after)
    return pools


def test_there_are_255168_games(layers):
    ended = np.concatenate([pool[pool["over"] != 0] for pool in layers])
    assert Counter(ended["winner"].tolist()) == {0: 131184, 1: 77904, -1: 46080}
    assert Counter(ended["ply"].tolist()) == {5: 1440, 6: 5328, 7: 47952, 8: 72576, 9: 127872}


def test_there_are_5478_positions_of_which_958_are_ends(layers):
    positions = {
        tuple(GAME.cells(row).ravel().tolist()): bool(row["over"])
        for pool in layers
        for row in pool[np.unique(pool["marks"], axis=0, return_index=True)[1]]
    }
    assert (len(positions), sum(positions.values())) == (5478, 958)
    assert positions == oracle.all_games()[1]


def test_a_plain_recursion_counts_the_same_games(layers):
    ours = Counter()
    for pool in layers:
        winners = pool["winner"][pool["over"] != 0]
        ours.update((int(pool["ply"][0]), {0: 1, 1: -1, -1: 0}[int(winner)]) for winner in winners)
    assert ours == oracle.all_games()[0]


def test_perft_counts_the_lines_and_with_ended_ones_the_games():
    row = GAME.pool(1)[0]
    assert [GAME.perft(row, d) for d in range(7)] == [1, 9, 72, 504, 3024, 15120, 54720]
    assert GAME.perft(row, 9) == 127872  # the board is full
    assert GAME.perft(row, 9, count_ended=True) == 255168


def test_with_best_play_it_is_a_draw(layers):
    values = {}
    for pool in reversed(layers):
        unique = pool[np.unique(pool["marks"], axis=0, return_index=True)[1]]
        for row in unique:
            if row["over"]:
                values[row["marks"].tobytes()] = -1 if row["winner"] >= 0 else 0  # for the player to move
            else:
                after = successors(np.array([row], GAME.state_dtype))
                values[row["marks"].tobytes()] = max(-values[marks.tobytes()] for marks in after["marks"])
    assert values[GAME.pool(1)["marks"][0].tobytes()] == 0


def test_random_games_are_those_of_openspiel():
    assert oracle.play_games(200, seed=1) > 1000


@pytest.mark.parametrize("line", LINES)
def test_each_of_the_eight_lines_wins_for_either_player(line):
    cells = line.split()
    others = [name for name in (f"{c}{r}" for c in "abc" for r in "123") if name not in cells]
    for wrong in (others[:2], others[-2:]):
        pool = GAME.play_moves(f"{cells[0]} {wrong[0]} {cells[1]} {wrong[1]} {cells[2]}")
        assert (pool["over"][0], pool["winner"][0]) == (1, 0)
    # The second player needs three moves of the first's that are no line.
    spare = next(
        [a, b, c]
        for a in others
        for b in others
        for c in others
        if a < b < c and sorted([a, b, c]) not in [sorted(other.split()) for other in LINES]
    )
    moves = " ".join(f"{mine} {theirs}" for mine, theirs in zip(spare, cells, strict=True))
    pool = GAME.play_moves(moves)
    assert (pool["over"][0], pool["winner"][0]) == (1, 1)
    assert GAME.result(pool, np.arange(1)).returns.tolist() == [[-1, 1]]


def test_the_diagram_of_a_game_by_hand():
    pool = GAME.play_moves("b2 a3 c1 a1")
    assert GAME.position_text(pool[0]) == "3 o . .\n2 . x .\n1 o . x\n  a b c\nx to move"
    assert GAME.last_cells(pool[0]) == [(2, 0)]
    assert GAME.move_name(pool[0], 3) == "a2"
    assert GAME.last_cells(GAME.pool(1)[0]) == []


@pytest.mark.parametrize(
    ("rows", "error"),
    [
        ("xx. ... ... x", "2 of x and 0 of o cannot be with x to move: players take turns and x begins"),
        ("xo. ... ... o", "1 of x and 1 of o cannot be with o to move"),
        ("xxx oo. o.. x", "x has three in a line already and cannot be to move"),
        ("xxx ooo ... x", "x has three in a line already and cannot be to move"),
    ],
)
def test_a_position_that_cannot_be_is_refused(rows, error):
    *rows, mover = rows.split()
    diagram = "\n".join(" ".join(row) for row in rows)
    with pytest.raises(ValueError, match=error):
        GAME.parse_position(f"{diagram}\n{mover} to move")


def test_set_up_knows_the_winner_and_the_draw():
    won = GAME.parse_position("x x x\no o .\n. . .\no to move")
    assert (won["over"][0], won["winner"][0], won["ply"][0]) == (1, 0, 5)
    drawn = GAME.parse_position("x o x\nx o o\no x x\no to move")
    assert (drawn["over"][0], drawn["winner"][0]) == (1, -1)


@pytest.mark.parametrize("text", ["d1", "a4", "a0", "b", "", "b22"])
def test_what_is_no_cell_is_refused(text):
    with pytest.raises(ValueError, match="is no cell: use a letter a-c and a number 1-3"):
        GAME.parse_move(GAME.pool(1)[0], text)


def test_an_occupied_cell_is_refused_with_the_free_ones():
    with pytest.raises(
        ValueError, match=r"move 2: move b2 is illegal; legal moves: a3, b3, c3, a2, c2, a1, b1, c1$"
    ):
        GAME.play_moves("b2 b2")
