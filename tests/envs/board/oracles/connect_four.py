"""Random games of connect four beside OpenSpiel."""

from quadrivium.envs.board.connect_four.game import ConnectFour
from tests.envs.board.oracles import placing


def play_games(count: int, seed: int) -> int:
    """Plays random games move by move beside OpenSpiel; returns how many plies were compared."""
    return placing.play_games(
        ConnectFour(), "connect_four", count, seed, placing.cells_of({".": 0, "x": 1, "o": -1})
    )
