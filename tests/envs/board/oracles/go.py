"""Random games of Go, move by move against OpenSpiel's rules and against sgfmill's board."""

from typing import Any

import numpy as np
import pyspiel
from sgfmill.boards import Board

from quadrivium.envs.board.go.game import Go

ROW = np.arange(1)


def play_games(count: int, seed: int, **options: Any) -> int:
    """Plays games against OpenSpiel: legal moves, stones, player, end and result. Returns the plies compared.

    OpenSpiel allows a stone that makes an earlier position again, unless it takes a ko straight back, and
    ends the game there as a draw. Each move that it allows and Go does not must end its game so.
    """
    game = Go(**options)
    size = game.height
    settings = {"board_size": size, "komi": game.params.komi, "max_game_length": game.params.max_moves}
    theirs = pyspiel.load_game("go", settings)
    flipped = np.arange(size * size).reshape(size, size)[::-1].ravel()  # their rows count from the bottom
    cell_of = np.append(flipped, size * size)  # its own inverse
    rng = np.random.default_rng(seed)
    plies = 0
    for _ in range(count):
        pool, state, moves = game.pool(1), theirs.new_initial_state(), []
        while not state.is_terminal():
            assert not pool["over"][0], moves
            assert state.current_player() == pool["to_move"][0], moves
            legal = np.flatnonzero(game.legal(pool, ROW)[0])
            allowed = cell_of[state.legal_actions()]
            assert set(legal) <= set(allowed), moves
            for cell in set(allowed) - set(legal):
                child = state.child(int(cell_of[cell]))
                assert child.is_terminal(), (moves, cell)
                assert child.returns() == [0, 0] or len(moves) + 1 == game.params.max_moves, (moves, cell)
            action = int(rng.choice(legal))
            moves.append(action)
            game.step(pool, ROW, np.array([action]), check=False)
            state.apply_action(int(cell_of[action]))
            seen = np.array(state.observation_tensor(0), np.int8).reshape(-1, size, size)[:2, ::-1]
            np.testing.assert_array_equal(game.cells(pool[0]), seen[0] - seen[1], err_msg=str(moves))
            plies += 1
        assert pool["over"][0], moves
        assert game.result(pool, ROW).returns[0].tolist() == state.returns(), moves
    return plies


def play_games_on_a_board(count: int, seed: int, **options: Any) -> int:
    """Plays games on sgfmill's board too: the stones after every move, simple ko, and the area at the end."""
    game = Go(**options)
    size = game.height
    pool = game.pool(1)
    plies = 0
    for k in range(count):
        game.start(pool, ROW, np.array([seed + k]))
        board, moves = Board(size), []
        while not pool["over"][0]:
            seat, action = int(pool["to_move"][0]), game.random_actions(pool, ROW)
            game.step(pool, ROW, action, check=False)
            moves.append(int(action[0]))
            if action[0] < size * size:
                y, x = divmod(int(action[0]), size)
                ko = board.play(size - 1 - y, x, "bw"[seat])
                if ko and not pool["over"][0]:
                    assert game.legal(pool, ROW)[0, (size - 1 - ko[0]) * size + ko[1]] == 0, moves
            glyphs = {None: 0, "b": 1, "w": -1}
            stones = [[glyphs[board.get(size - 1 - y, x)] for x in range(size)] for y in range(size)]
            np.testing.assert_array_equal(game.cells(pool[0]), stones, err_msg=str(moves))
            plies += 1
        assert board.area_score() - game.params.komi == game.score(pool, ROW)[0], moves
    return plies
