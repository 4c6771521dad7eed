"""Games in files are read as the rules play them, each with who won; what cannot be learned from is told."""

import json
import struct

import numpy as np
import pytest

from quadrivium.agents.alphazero.play.played import PlayedGame
from quadrivium.agents.arena.game_files import read_games
from quadrivium.agents.errors import UserError
from quadrivium.envs.board import GAMES

ROW = np.arange(1)


def read(tmp_path, game, name, data):
    path = tmp_path / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return list(read_games(game, path))


def end_of(game, played):
    pool = played.start.copy()
    for action in played.actions:
        game.step(pool, ROW, np.array([action]))
    return pool


def test_games_of_chess_come_from_pgn_with_the_result_it_tells(tmp_path):
    chess = GAMES["Chess"]()
    text = (
        '[Result "1-0"]\n\n1. e4 e5 2. Qh5 Nc6 3. Bc4 Nf6 4. Qxf7# 1-0\n\n'
        '[Result "0-1"]\n\n1. f3 e5 0-1\n\n'
        '[Result "1/2-1/2"]\n\n1. e4 e5 1/2-1/2\n\n'
        '[Result "*"]\n\n1. e4 e5 *\n\n'
        '[Result "1-0"]\n\n1. e4 e5 2. Ke3 1-0\n'
    )
    mate, resigned, drawn, unknown, illegal = read(tmp_path, chess, "some.pgn", text)
    assert (mate.outcome, mate.settled, len(mate.actions)) == (1, True, 7)
    assert end_of(chess, mate)["over"][0]
    assert (resigned.outcome, resigned.settled) == (-1, False)
    assert (drawn.outcome, drawn.settled) == (0, False)
    assert str(unknown) == "it has no result, and is not over"
    assert str(illegal).startswith("game 5 of the PGN: move 2.")


def test_games_of_go_come_from_sgf_with_the_result_it_tells(tmp_path):
    go = GAMES["Go"](size=5, komi=0.5)
    whole = "(;GM[1]SZ[5]KM[0.5]RE[B+24.5];B[cc];W[];B[])"
    resigned = "(;GM[1]SZ[5]KM[0.5]RE[W+R];B[cc];W[bb])"
    other = "(;GM[1]SZ[5]KM[0.5]RE[W+3.5];B[cc];W[];B[])"  # counted by other rules
    komi = "(;GM[1]SZ[5]KM[6.5]RE[W+R];B[cc];W[bb])"
    size = "(;GM[1]SZ[9]KM[0.5]RE[W+R];B[cc];W[bb])"
    void = "(;GM[1]SZ[5]KM[0.5]RE[Void];B[cc];W[bb])"
    found = read(tmp_path, go, "some.sgf", whole + resigned + other + komi + size + void)
    assert [(one.outcome, one.settled) for one in found[:3]] == [(1, True), (-1, False), (-1, False)]
    assert "game 4: the SGF has komi 6.5" in str(found[3])
    assert "game 5: the SGF has SZ[9], this board 5" in str(found[4])
    assert str(found[5]) == "it has no result, and is not over"


def test_games_of_a_tournament_come_from_its_own_log(tmp_path):
    game = GAMES["TicTacToe"]()
    line = {
        **{"first": "a", "second": "b", "opening": 0, "round": 1, "outcome": 1, "reason": "rules"},
        **{"opening_plies": 1, "actions": [0, 3, 1, 4, 2], "seconds": [0.1, 0.2]},
    }
    text = "\n".join(
        json.dumps(one)
        for one in (line, line | {"actions": [0, 0]}, line | {"actions": [0], "outcome": -1}, {"x": 1})
    )
    won, twice, resigned, strange = read(tmp_path, game, "games.jsonl", text)
    assert (won.actions, won.outcome, won.settled) == ((0, 3, 1, 4, 2), 1, True)
    assert str(twice).startswith("line 2: move 2:")
    assert (resigned.outcome, resigned.settled) == (-1, False)
    assert str(strange).startswith("line 4: ")


def othello_game(seed):
    """Returns a random game of Othello: its squares as written, passes left out, and the discs at its end."""
    game, rng = GAMES["Othello"](), np.random.default_rng(seed)
    pool, squares, passes = game.pool(1), [], 0
    while not game.result(pool, ROW).over[0]:
        action = int(rng.choice(np.flatnonzero(game.legal(pool, ROW)[0])))
        if action < 64:
            squares.append("abcdefgh"[action % 8] + str(action // 8 + 1))
        passes += action == 64
        game.step(pool, ROW, np.array([action]))
    return squares, passes, game.cells(pool[0]), pool


def wthor(games, size=8):
    head = struct.pack("<BBBBihhBBBB", 20, 26, 11, 30, len(games), 0, 2026, size, 0, 0, 0)
    body = b""
    for squares in games:
        moves = bytes(10 * int(square[1]) + "abcdefgh".index(square[0]) + 1 for square in squares)
        body += struct.pack("<hhhBB", 1, 2, 3, 32, 32) + moves.ljust(60, b"\0")
    return head + body


def test_games_of_othello_come_from_wthor_and_lines_with_the_passes_that_are_not_written(tmp_path):
    game = GAMES["Othello"]()
    games = [othello_game(seed) for seed in range(30)]
    assert sum(passes for _, passes, _, _ in games) > 3
    archive = read(tmp_path, game, "some.wtb", wthor([squares for squares, *_ in games]))
    lines = read(tmp_path, game, "some.txt", "\n".join("".join(squares) for squares, *_ in games))
    for (squares, passes, cells, pool), one, other in zip(games, archive, lines, strict=True):
        assert isinstance(one, PlayedGame), one
        assert one.actions == other.actions
        end = end_of(game, one)
        assert (game.cells(end[0]) == cells).all()
        trailing = len(one.actions) - len(squares)
        assert passes - 1 <= trailing <= passes  # a pass after the last square changes nothing
        if game.result(end, ROW).over[0]:
            assert one.outcome == np.sign(cells.sum()) == np.sign(game.result(pool, ROW).returns[0, 0])
            assert one.settled


def test_what_is_no_archive_of_othello_is_told(tmp_path):
    game = GAMES["Othello"]()
    squares = othello_game(0)[0]
    assert "are no WTHOR archive" in str(read(tmp_path, game, "a.wtb", b"short")[0])
    assert "are no WTHOR archive" in str(read(tmp_path, game, "a.wtb", wthor([squares])[:-1])[0])
    assert "boards of 10, this game of 8" in str(read(tmp_path, game, "a.wtb", wthor([squares], 10))[0])
    small = GAMES["Othello"](size=6)
    assert "boards of 8, this game of 6" in str(read(tmp_path, small, "a.wtb", wthor([squares]))[0])
    (broken,) = read(tmp_path, game, "a.wtb", wthor([["a1", *squares]]))
    assert str(broken).startswith("game 1, move 1:")


def test_games_of_gomoku_come_from_the_gomocup_manager(tmp_path):
    game = GAMES["Gomoku"]()
    moves = [(8, 8), (1, 1), (8, 9), (1, 2), (8, 10), (1, 3), (8, 11), (15, 15), (8, 12)]
    text = "Piskvorky 15x15, 11:11, 0\n" + "".join(f"{x},{y},12\n" for x, y in moves) + "one.exe\ntwo.exe\n"
    (won,) = read(tmp_path, game, "a.psq", text)
    assert (won.outcome, won.settled, len(won.actions)) == (1, True, 9)
    cells = game.cells(end_of(game, won)[0])
    assert (cells[7:12, 7] == 1).all()  # column 8, from the eighth row from the top on
    assert cells[14, 14] == cells[0, 0] == -1
    (short,) = read(tmp_path, game, "a.psq", "\n".join(text.splitlines()[:5]))
    assert str(short) == "the game: it has no result, and is not over"
    (large,) = read(tmp_path, game, "a.psq", text.replace("15x15", "20x20"))
    assert "of a board of 20x20, this game of 15x15" in str(large)
    (beside,) = read(tmp_path, game, "a.psq", "Piskvorky 15x15, 11:11, 0\n8,8,1\n16,8,1\n")
    assert str(beside) == "move 2: '16,8,1' is beside the board"
    (other,) = read(tmp_path, game, "a.psq", "hello")
    assert "not with Piskvorky" in str(other)


def test_lines_of_moves_serve_every_game(tmp_path):
    game = GAMES["ConnectFour"]()
    text = "# won by the first player\n1. d 2. d e e 3. f f 4. g\n\nd d\n"
    names = [game.move_name(game.pool(1)[0], column) for column in range(7)]
    for letter, name in zip("abcdefg", names, strict=True):
        text = text.replace(f" {letter}", f" {name}").replace(f"\n{letter}", f"\n{name}")
    won, short = read(tmp_path, game, "a.txt", text)
    assert (won.actions, won.outcome) == ((3, 3, 4, 4, 5, 5, 6), 1)
    assert str(short) == "line 4: it has no result, and is not over"


@pytest.mark.parametrize(("name", "ends"), [("Go", ".sgf"), ("Chess", ".pgn"), ("Hex", ".txt")])
def test_files_of_another_kind_are_refused_in_a_line(tmp_path, name, ends):
    (tmp_path / "a.psq").write_text("")
    with pytest.raises(
        UserError, match=r"a\.psq: .* is read from files that end in .*; convert it"
    ) as caught:
        read_games(GAMES[name](), tmp_path / "a.psq")
    assert ends in str(caught.value)
    with pytest.raises(UserError, match=r"none\.txt: No such file"):
        read_games(GAMES[name](), tmp_path / "none.txt")
