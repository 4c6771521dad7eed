"""Random games of chess beside python-chess."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from quadrivium.envs.board.chess.game import Chess

START = "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 0 1"
COMPASS = ["N", "NE", "E", "SE", "S", "SW", "W", "NW"]
LEAPS = ["NNE", "NEE", "SEE", "SSE", "SSW", "SWW", "NWW", "NNW"]


def our_action(move: Any, board: Any) -> int:
    """Returns our number of a move of python-chess: plane, then cell, as the mover sees them.

    Castling, which python-chess writes in chess960 as the king that takes its rook, is a king's step of two.
    """
    black = not board.turn
    (column, rank), (to_column, to_rank) = ((s % 8, s // 8) for s in (move.from_square, move.to_square))
    north, east = (rank - to_rank if black else to_rank - rank), to_column - column
    way = ("N" if north > 0 else "S") * abs(north) + ("E" if east > 0 else "W") * abs(east)
    if board.chess960 and board.is_castling(move):
        way, north, east = ("EE", 0, 2) if east > 0 else ("WW", 0, -2)
    if move.promotion in (2, 3, 4):  # knight, bishop, rook
        plane = 64 + 3 * (move.promotion - 2) + east + 1
    elif way in LEAPS:
        plane = 56 + LEAPS.index(way)
    else:
        compass = way[0] + way[-1] if north and east else way[0]
        plane = 7 * COMPASS.index(compass) + max(abs(north), abs(east)) - 1
    return plane * 64 + 8 * (rank if black else 7 - rank) + column


def returns_of(board: Any) -> list[int] | None:
    """Returns the result of a position of python-chess by seat; None if it is to be played on."""
    if board.is_checkmate():
        return [-1, 1] if board.turn else [1, -1]
    drawn = (
        board.is_stalemate()
        or board.is_insufficient_material()
        or board.halfmove_clock >= 100
        or board.is_repetition(3)
    )
    return [0, 0] if drawn else None


def played(board: Any) -> str:
    """Returns a game of python-chess as text: where it began, and its moves."""
    return f"{board.root().fen()} {' '.join(move.uci() for move in board.move_stack)}"


def play_games(
    count: int,
    seed: int,
    fens: Sequence[str] = (START,),
    *,
    chess960: bool = False,
    longest: int | None = None,
) -> int:
    """Plays random games move by move beside python-chess; returns how many plies were compared.

    fens: where the games begin, in turn. longest: no more plies of each are played. Raises AssertionError at
    the first difference, with the moves that led to it.
    """
    import chess

    game, rng = Chess(chess960), np.random.default_rng(seed)
    pool = np.concatenate([game.parse_position(fens[k % len(fens)]) for k in range(count)])
    boards = [chess.Board(fens[k % len(fens)], chess960=chess960) for k in range(count)]
    running, plies, played_plies = np.arange(count), 0, 0
    while (
        len(running) and played_plies != longest
    ):  # all games at once: a call of ours for one game costs more than its move
        masks, result = game.legal(pool, running), game.result(pool, running)
        actions: list[int] = []
        for k, mask, over, to_move, returns in zip(
            running, masks, result.over, result.to_move, result.returns, strict=True
        ):
            board = boards[k]
            expected = returns_of(board)
            assert game.position_text(pool[k]) == board.fen(), f"FEN after {played(board)}"
            assert bool(over) == (expected is not None), f"over after {played(board)}"
            assert to_move == (not board.turn), f"to move after {played(board)}"
            if expected is not None:
                assert returns.tolist() == expected, f"result after {played(board)}"
                assert not mask.any(), f"moves after {played(board)}"
                continue
            legal = {our_action(move, board): move for move in board.legal_moves}
            for action, move in legal.items():
                if not board.is_castling(move):
                    continue
                assert game.move_name(pool[k], action) == move.uci(), f"names after {played(board)}"
                assert game.parse_move(pool[k], move.uci()) == action, f"names after {played(board)}"
            assert np.flatnonzero(mask).tolist() == sorted(legal), f"moves after {played(board)}"
            assert bool(pool["repeats"][k]) == board.is_repetition(2), f"repetition after {played(board)}"
            actions.append(int(rng.choice(np.flatnonzero(mask))))
            board.push(legal[actions[-1]])
        running = running[~result.over]
        game.step(pool, running, np.array(actions, np.int64), check=False)
        plies += len(running)
        played_plies += 1
    return plies


def compare_successors(fen: str, sample: int) -> int:
    """Compares up to `sample` of the positions two plies on, drawn at random; returns of how many.

    Raises AssertionError at the first difference.
    """
    import chess

    game = Chess()
    pool, boards = game.parse_position(fen), [chess.Board(fen)]
    for _ in range(2):
        parents, actions = np.nonzero(game.legal(pool, np.arange(len(pool))))
        pool, boards = pool[parents], [boards[parent].copy() for parent in parents]
        for board, action in zip(boards, actions, strict=True):
            legal = {our_action(move, board): move for move in board.legal_moves}
            board.push(legal[int(action)])
        game.step(pool, np.arange(len(pool)), actions, check=False)
    masks = game.legal(pool, np.arange(len(pool)))
    for k in np.random.default_rng(0).permutation(len(pool))[:sample]:
        legal = {our_action(move, boards[k]) for move in boards[k].legal_moves}
        over = returns_of(boards[k]) is not None
        assert game.position_text(pool[k]) == boards[k].fen(), f"FEN after {played(boards[k])}"
        assert set(np.flatnonzero(masks[k])) == (set() if over else legal), f"moves after {played(boards[k])}"
    return len(pool)


def san_names(fen: str) -> dict[str, str]:
    """Returns the SAN names of the legal moves by their UCI names."""
    import chess

    board = chess.Board(fen)
    return {move.uci(): board.san(move) for move in board.legal_moves}


def checked_fen(fen: str) -> str:
    """Returns a FEN as python-chess writes it; raises AssertionError if it finds the position impossible."""
    import chess

    board = chess.Board(fen)
    assert board.is_valid(), f"{fen}: {board.status()!r}"
    return board.fen()
