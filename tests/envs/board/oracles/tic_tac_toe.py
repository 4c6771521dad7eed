"""Random games of tic-tac-toe beside OpenSpiel, and all of its games by plain recursion."""

from collections import Counter

from quadrivium.envs.board.tic_tac_toe.game import TicTacToe
from tests.envs.board.oracles import placing

LINES = [(0, 1, 2), (3, 4, 5), (6, 7, 8), (0, 3, 6), (1, 4, 7), (2, 5, 8), (0, 4, 8), (2, 4, 6)]


def play_games(count: int, seed: int) -> int:
    """Plays random games move by move beside OpenSpiel; returns how many plies were compared."""
    board = placing.cells_of({".": 0, "x": 1, "o": -1})
    return placing.play_games(TicTacToe(), "tic_tac_toe", count, seed, board)


def all_games() -> tuple[Counter[tuple[int, int]], dict[tuple[int, ...], bool]]:
    """Returns how many games there are by (length, winner), and every position with whether it is an end.

    The winner is 1, -1 or 0; positions are the nine cells.
    """
    games: Counter[tuple[int, int]] = Counter()
    positions: dict[tuple[int, ...], bool] = {}

    def visit(cells: tuple[int, ...], mover: int) -> None:
        won = any(cells[a] == cells[b] == cells[c] == -mover for a, b, c in LINES)
        positions[cells] = won or 0 not in cells
        if positions[cells]:
            games[sum(map(abs, cells)), -mover if won else 0] += 1
            return
        for cell in range(9):
            if cells[cell] == 0:
                visit((*cells[:cell], mover, *cells[cell + 1 :]), -mover)

    visit((0,) * 9, 1)
    return games, positions
