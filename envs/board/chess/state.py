"""The record of a game of chess, and how pieces and castling rights are coded in it."""

import numpy as np

from quadrivium.envs.core.rules import GAME_HEADER

FIFTY_MOVES = 100  # half-moves without a capture or a pawn's move that make a draw
MAX_HISTORY = FIFTY_MOVES
OWN_SHORT, OWN_LONG, OTHER_SHORT, OTHER_LONG = 1, 2, 4, 8
PAWN, BISHOP, KNIGHT, ROOK, KING, QUEEN = 1, 2, 3, 4, 5, 6  # bit 1: slides diagonally, bit 2: straight
CODES = (PAWN, KNIGHT, BISHOP, ROOK, QUEEN, KING)  # in the order of observation planes and of `cells`

STATE = np.dtype(
    [
        *GAME_HEADER,
        ("castling", "u1"),  # rights: OWN_SHORT + OWN_LONG + OTHER_SHORT + OTHER_LONG
        ("ep", "u1"),  # cell on which a pawn can legally be taken en passant; 0 if none can
        ("clock", "u1"),  # half-moves since the last capture or pawn's move
        ("known", "u1"),  # positions in `history`, the present one included
        ("repeats", "u1"),  # how often the present position stood on the board before
        ("board", "u8", 4),  # own pieces; bits 0, 1 and 2 of the pieces' codes
        ("ep_pawns", "u8"),  # own pawns that may take en passant
        ("attacked", "u8"),  # cells that the other attacks, through the own king
        ("checkers", "u8"),  # other pieces that give check
        ("pinned", "u8"),  # own pieces that may move only on their line with the own king
        (
            "castlers",
            "u8",
        ),  # rooks of both with which a king may castle; which side each is on `castling` says
        ("history", "u8", MAX_HISTORY),  # keys since `clock` was 0, every other position in either half
    ],
    align=True,
)
