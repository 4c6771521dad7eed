"""Random games of Breakthrough beside OpenSpiel.

There the first player has the upper side of the board and moves down: its board upside down is ours.
"""

import numpy as np

from quadrivium.envs.board.breakthrough.game import Breakthrough

VALUES = {".": 0, "b": 1, "w": -1}
DIRECTIONS, CAPTURES = 6, 2  # OpenSpiel's actions: row, column, direction (first player's three), capture


def our_action(action: int, rows: int, columns: int) -> int:
    """Returns our number of OpenSpiel's action: plane, then cell, as the mover sees them."""
    cell, rest = divmod(action, DIRECTIONS * CAPTURES)
    row, column = divmod(cell, columns)
    direction = rest // CAPTURES
    own_row = rows - 1 - row if direction < 3 else row  # the first player's home is OpenSpiel's row 0
    return direction % 3 * rows * columns + own_row * columns + column


def perft(depth: int, rows: int, columns: int) -> int:
    """Returns how many lines of `depth` moves OpenSpiel counts from the start."""
    import pyspiel

    def count(state: pyspiel.State, depth: int) -> int:
        if depth == 1:
            return len(state.legal_actions())
        return sum(count(state.child(action), depth - 1) for action in state.legal_actions())

    return count(
        pyspiel.load_game("breakthrough", {"rows": rows, "columns": columns}).new_initial_state(), depth
    )


def play_games(count: int, seed: int, rows: int = 8, columns: int = 8) -> int:
    """Plays random games move by move beside OpenSpiel; returns how many plies were compared.

    Raises AssertionError at the first difference, with the moves that led to it.
    """
    import pyspiel

    game, rng = Breakthrough(rows, columns), np.random.default_rng(seed)
    theirs = pyspiel.load_game("breakthrough", {"rows": rows, "columns": columns})
    pool, running = game.pool(count), np.arange(count)
    states = [theirs.new_initial_state() for _ in range(count)]
    moves: list[list[str]] = [[] for _ in range(count)]
    plies = 0
    while len(running):  # all games at once: a call of ours for one game costs more than its move
        masks, result = game.legal(pool, running), game.result(pool, running)
        actions = []
        for k, mask, over, to_move, returns in zip(
            running, masks, result.over, result.to_move, result.returns, strict=True
        ):
            state, played = states[k], " ".join(moves[k])
            board = [[VALUES[glyph] for glyph in line[1:]] for line in str(state).splitlines()[:rows]]
            legal = {our_action(action, rows, columns): action for action in state.legal_actions()}
            assert bool(over) == state.is_terminal(), f"over after {played}"
            assert game.cells(pool[k]).tolist() == board[::-1], f"board after {played}"
            assert np.flatnonzero(mask).tolist() == sorted(legal), f"moves after {played}"
            if state.is_terminal():
                assert returns.tolist() == state.returns(), f"result after {played}"
                continue
            assert to_move == state.current_player(), f"to move after {played}"
            actions.append(int(rng.choice(np.flatnonzero(mask))))
            moves[k].append(game.move_name(pool[k], actions[-1]))
            state.apply_action(legal[actions[-1]])
        running = running[~result.over]
        game.step(pool, running, np.array(actions, np.int64), check=False)
        plies += len(running)
    return plies
