"""Random games of Hex beside OpenSpiel, where both players' actions are in the first player's frame."""

from quadrivium.envs.board.hex.game import Hex
from tests.envs.board.oracles import placing

VALUES = {".": 0, "x": 1, "o": -1}


def play_games(count: int, seed: int, size: int = 11, *, swap: bool = False) -> int:
    """Plays random games move by move beside OpenSpiel; returns how many plies were compared."""

    def to_theirs(seat: int, action: int) -> int:
        y, x = divmod(action, size)
        return x * size + y if seat and action < size * size else action

    return placing.play_games(
        Hex(size, swap),
        f"hex(board_size={size},swap={swap})",
        count,
        seed,
        placing.cells_of(VALUES),
        to_theirs,
    )
