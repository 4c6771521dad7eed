"""What games share in which players in turn put a stone on an empty cell, where it stays."""

import numpy as np

from quadrivium.envs.board.byte_board import require_position


def require_alternation(
    cells: np.ndarray, to_move: int, shape: tuple[int, int], players: tuple[str, str], *, swap: bool = False
) -> int:
    """Returns the moves after which cells (H, W) lie so; raises ValueError if taking turns cannot lead there.

    swap: the second player's first move may have been to take over the stone that lay there.
    """
    require_position(cells, to_move, *shape)
    first, second = int((cells == 1).sum()), int((cells == -1).sum())
    if swap and second and first - second == to_move - 1:
        return first + second + 1
    if first - second != to_move:
        raise ValueError(
            f"{first} of {players[0]} and {second} of {players[1]} cannot be with {players[to_move]} "
            f"to move: players take turns and {players[0]} begins"
        )
    return first + second


def require_winner(won: tuple[bool, bool], to_move: int, players: tuple[str, str], goal: str) -> int:
    """Returns the seat that `won`, or -1; raises ValueError if the player to move has won already."""
    if won[to_move]:
        raise ValueError(f"{players[to_move]} has {goal} already and cannot be to move")
    return 1 - to_move if won[1 - to_move] else -1
