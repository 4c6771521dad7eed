"""Random games of those in which the players in turn put a stone on a cell, beside OpenSpiel."""

from collections.abc import Callable

import numpy as np

from quadrivium.envs.board.board_game import BoardGame

Turn = Callable[[int, int], int]  # (seat, action) to the other side's action


def same(seat: int, action: int) -> int:
    """Returns the action: both sides number them alike."""
    return action


def play_games(
    game: BoardGame,
    theirs: str,
    count: int,
    seed: int,
    board: Callable[[str], np.ndarray],
    to_theirs: Turn = same,
) -> int:
    """Plays random games move by move beside OpenSpiel; returns how many plies were compared.

    board: (H, W) cells of OpenSpiel's text. to_theirs: OpenSpiel's action for (seat, our action).

    Raises AssertionError at the first difference, with the moves that led to it.
    """
    import pyspiel

    other, rng = pyspiel.load_game(theirs), np.random.default_rng(seed)
    one, plies = np.arange(1), 0
    for _ in range(count):
        state, pool, moves = other.new_initial_state(), game.pool(1), []
        while True:
            played = " ".join(moves)
            result = game.result(pool, one)
            seat = int(result.to_move[0])
            ours = [int(action) for action in np.flatnonzero(game.legal(pool, one)[0])]
            assert game.cells(pool[0]).tolist() == board(str(state)).tolist(), f"board after {played}"
            assert bool(result.over[0]) == state.is_terminal(), f"over after {played}"
            assert sorted(to_theirs(seat, action) for action in ours) == state.legal_actions(), (
                f"moves after {played}"
            )
            if state.is_terminal():
                assert result.returns[0].tolist() == state.returns(), f"result after {played}"
                break
            assert seat == state.current_player(), f"to move after {played}"
            action = int(rng.choice(ours))
            moves.append(game.move_name(pool[0], action))
            state.apply_action(to_theirs(seat, action))
            game.step(pool, one, np.array([action]), check=False)
            plies += 1
    return plies


def cells_of(values: dict[str, int]) -> Callable[[str], np.ndarray]:
    """Returns a reader of boards written a glyph a cell, blanks aside, with a line a row.

    Lines with other glyphs, such as those that say who is to move, are left out.
    """

    def read(text: str) -> np.ndarray:
        lines = ["".join(line.split()) for line in text.splitlines()]
        return np.array([[values[g] for g in line] for line in lines if line and set(line) <= set(values)])

    return read
