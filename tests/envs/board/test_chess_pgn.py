"""PGN as people's files have it, beside python-chess."""

import io

import chess.pgn
import numpy as np
import pytest

from quadrivium.envs.board import Chess

GAME = Chess()
ONE = np.arange(1)

TWO = """\ufeff[Event "a \\"quoted\\" one"]
[Site "?"]
% a line for another program

1. e4 {a comment (with [brackets] and 1-0)} e5 $1 2.Nf3! (2. f4 exf4 (2... d5 3. exd5) 3. Nf3) 2... Nc6 ; 1-0
3 Bb5 a6 1/2-1/2

[Event "another"]
[SetUp "1"]
[FEN "4k3/P7/8/8/8/8/8/4K3 b - - 3 40"]

40... Kd7 41. a8=Q 0-1
"""


def names(record):
    pool, found = record.start.copy(), []
    for action in record.actions:
        found.append(GAME.move_name(pool[0], action))
        GAME.step(pool, ONE, np.array([action]))
    assert GAME.position_text(pool[0]) == GAME.position_text(record.end[0])
    return found


def test_several_games_are_read_as_python_chess_reads_them():
    records, file = GAME.read_records(TWO), io.StringIO(TWO.removeprefix("\ufeff"))
    assert len(records) == 2
    for record in records:
        theirs = chess.pgn.read_game(file)
        assert not theirs.errors
        assert names(record) == [move.uci() for move in theirs.mainline_moves()]
        assert GAME.position_text(record.start[0]) == theirs.board().fen(en_passant="legal")
    assert chess.pgn.read_game(file) is None


def test_bytes_are_utf_8_or_latin_1():
    for encoding in ("utf-8", "utf-8-sig", "latin-1"):
        data = '[White "Müller"]\n\n1. d4 *\n'.encode(encoding)
        assert [names(record) for record in GAME.read_records(data)] == [["d2d4"]]


def test_no_more_plies_are_read_than_wanted():
    assert [names(record) for record in GAME.read_records("1. e4 e5 2. Qh9 *", 2)] == [["e2e4", "e7e5"]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1. e4 e5 2. Ke3 *", "game 1 of the PGN: move 2. move Ke3 is illegal; legal moves: "),
        ("1. e4 *\n\n1. e4 Ke9 *", "game 2 of the PGN: move 1... 'Ke9' is no move: write it as"),
        ("1. e4 (1. d4", r"game 1 of the PGN: a '\(' is never closed"),
        ("1. e4) e5 *", r"game 1 of the PGN: line 1: '\)' without '\(' before it"),
        ("[Event x]\n\n1. e4 *", r"line 1: '\[' is no part of PGN; a tag is written"),
        ('[Variant "Atomic"]\n\n1. e4 *', "of the variant 'Atomic'; only standard chess is played here"),
        ('[FEN "8/8/8/8/8/8/8/8 w - - 0 1"]\n\n*', "game 1 of the PGN: .* king"),
        ("1. f3 e5 2. g4 Qh4# 3. e4 *", "move 3. e4 was played after the game's end"),
    ],
)
def test_what_cannot_be_read_is_told_by_game_and_move(text, message):
    with pytest.raises(ValueError, match=message) as caught:
        GAME.read_records(text)
    assert "\n" not in str(caught.value)


def test_a_game_that_was_played_on_after_three_equal_positions_is_read_to_the_third():
    moves = "1. Nf3 Nf6 2. Ng1 Ng8 3. Nf3 Nf6 4. Ng1 Ng8 5. e4 e5 *"
    (record,) = GAME.read_records(moves)
    assert len(record.actions) == 8
    assert record.end["over"][0]


def test_an_empty_file_has_no_games():
    assert GAME.read_records("") == GAME.read_records(b"\n  \n{nothing}\n") == []
