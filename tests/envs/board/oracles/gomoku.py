"""Random games of Gomoku beside OpenSpiel, whose freestyle rules are the same: five or more win."""

from quadrivium.envs.board.gomoku.game import Gomoku
from tests.envs.board.oracles import placing


def play_games(count: int, seed: int, size: int = 15) -> int:
    """Plays random games move by move beside OpenSpiel; returns how many plies were compared."""
    board = placing.cells_of({".": 0, "b": 1, "w": -1})
    return placing.play_games(Gomoku(size), f"gomoku(size={size})", count, seed, board)
