"""Openings from files: PGN, EPD, SGF and lines of moves as people have them, and games that start so."""

import io

import chess.pgn
import numpy as np
import pytest
from sgfmill.sgf import Sgf_game

from quadrivium.agents.arena.engines.uci.player import make_uci
from quadrivium.agents.arena.game_log import Fixture, GameLog
from quadrivium.agents.arena.match import Match
from quadrivium.agents.arena.openings import (
    Opening,
    first_position,
    random_openings,
    read_opening_file,
    read_openings,
)
from quadrivium.agents.arena.transcripts import transcript
from quadrivium.agents.errors import UserError
from tests.agents.arena.engine_tools import fake_uci
from tests.agents.arena.fakes import Named, table

BLACK_TO_MOVE = "4k3/P7/8/8/8/8/8/4K3 b - - 3 40"
PGN = f'1. e4 e5 2. Nf3 *\n\n[SetUp "1"]\n[FEN "{BLACK_TO_MOVE}"]\n\n40... Kd7 *\n'


def write(directory, name, text):
    path = directory / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def moves_of(game, opening):
    pool = game.parse_position(opening.start) if opening.start else game.pool(1)
    names = []
    for action in opening.actions:
        names.append(game.move_name(pool[0], action))
        game.step(pool, np.arange(1), np.array([action]))
    return names


def test_every_game_of_a_pgn_is_an_opening_cut_where_it_is_wanted(tmp_path):
    game, path = table("Chess").game, write(tmp_path, "book.PGN", PGN)
    whole, short = read_opening_file(game, path, None), read_opening_file(game, path, 2)
    assert [moves_of(game, opening) for opening in whole] == [["e2e4", "e7e5", "g1f3"], ["e8d7"]]
    assert [moves_of(game, opening) for opening in short] == [["e2e4", "e7e5"], ["e8d7"]]
    assert [opening.start for opening in whole] == ["", BLACK_TO_MOVE]


@pytest.mark.parametrize("ending", ["epd", "fen"])
def test_positions_are_openings_without_moves(tmp_path, ending):
    lines = f'# mine\n{BLACK_TO_MOVE}\n\n4k3/P7/8/8/8/8/8/4K3 w - - id "x";\n4k3/8/8/8/8/8/8/4K3 w - - 0 1\n'
    openings = read_opening_file(table("Chess").game, write(tmp_path, f"a.{ending}", lines), None)
    # The third is a draw already: two kings alone.
    assert openings == [Opening((), BLACK_TO_MOVE), Opening((), "4k3/P7/8/8/8/8/8/4K3 w - - 0 1")]


def test_go_openings_come_from_sgf_with_handicap_stones_and_in_any_character_set(tmp_path):
    game = table("Go", size=5, komi=0.5).game
    text = "(;GM[1]CA[GB2312]SZ[5]KM[0.5]PB[围棋]HA[2]AB[bb][dd];W[cc])(;SZ[5]KM[0.5];B[cc];W[bb])"
    openings = read_opening_file(game, write(tmp_path, "a.sgf", text.encode("gb2312")), 1)
    assert [moves_of(game, opening) for opening in openings] == [["C3"], ["C3"]]
    assert [bool(opening.start) for opening in openings] == [True, False]


def test_numbers_before_moves_are_passed_over(tmp_path):
    game = table("Chess").game
    (opening,) = read_openings(game, ["1. e4 e5 2.Nf3"])
    assert moves_of(game, opening) == ["e2e4", "e7e5", "g1f3"]
    path = write(tmp_path, "a.txt", "1. e4 c5\n\n# nothing\nd4\n")
    assert [moves_of(game, opening) for opening in read_opening_file(game, path, None)] == [
        ["e2e4", "c7c5"],
        ["d2d4"],
    ]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.pgn", "1. e4 Ke4", "a.pgn: game 1 of the PGN: move 1... move Ke4 is illegal"),
        ("a.pgn", "", "a.pgn holds no opening after which a game goes on"),
        ("a.epd", "8/8 w - -", "a.epd: FEN field 1 has 2 ranks, not 8"),
        ("a.zip", "", "Chess reads files that end in .txt, .pgn, .fen, .epd; convert it"),
        ("a.txt", "e4 e9", "a.txt, line 1, move 2: 'e9' is no move"),
        ("none.pgn", None, "none.pgn': No such file or directory; check the path"),
    ],
)
def test_a_file_that_cannot_serve_is_told_in_a_line(tmp_path, name, text, message):
    path = tmp_path / name if text is None else write(tmp_path, name, text)
    with pytest.raises(UserError, match=message) as caught:
        read_opening_file(table("Chess").game, path, None)
    assert "\n" not in str(caught.value)


def play(game, players, openings):
    names, records = [player.name for player in players], []
    todo = [Fixture(*(names if k % 2 == 0 else names[::-1]), k // 2) for k in range(2 * len(openings))]
    Match(game, players, openings, seed=1, max_plies=6).play(todo, records.append)
    return records


def test_games_start_where_their_opening_does_and_their_record_says_so(tmp_path):
    game = table("Chess").game
    openings = read_opening_file(game, write(tmp_path, "book.pgn", PGN), None)
    records = play(game, (Named(game, "a"), Named(game, "b")), openings)
    log = GameLog(tmp_path / "games.jsonl")
    log.append(records)
    assert list(GameLog(tmp_path / "games.jsonl").games.values()) == records
    file = io.StringIO(transcript(game, records, "x")[0])
    for record in sorted(records, key=records.index):
        theirs = chess.pgn.read_game(file)
        assert not theirs.errors
        assert theirs.headers.get("FEN", "") == record.start
        assert len(list(theirs.mainline_moves())) == len(record.actions)
    assert {record.start for record in records} == {"", BLACK_TO_MOVE}
    assert "{end of the opening} 41. " in file.getvalue()
    assert len(game.read_records(file.getvalue())) == len(records)


def test_a_game_of_go_from_an_sgf_is_written_with_its_stones(tmp_path):
    game = table("Go", size=5, komi=0.5).game
    path = write(tmp_path, "a.sgf", "(;SZ[5]KM[0.5]HA[2]AB[bb][dd];W[cc])")
    records = play(game, (Named(game, "a"), Named(game, "b")), read_opening_file(game, path, None))
    for tree in transcript(game, records, "x")[0].strip().split("\n("):
        root = Sgf_game.from_string(tree if tree.startswith("(") else f"({tree}").get_root()
        assert root.get("AB") == {(3, 1), (1, 3)}


def test_a_uci_engine_is_told_where_a_game_starts(tmp_path):
    heard = tmp_path / "heard"
    command = fake_uci(tmp_path, ["e8d8"], f"open({str(heard)!r}, 'a').write(line)")
    player, game = make_uci(f"{command}?processes=1", table("Chess")), table("Chess").game
    Match(game, (player, Named(game, "b")), [Opening((), BLACK_TO_MOVE)], seed=1, max_plies=2).play(
        [Fixture("b", player.name, 0)], lambda record: None
    )
    player.close()
    assert f"position fen {BLACK_TO_MOVE}\n" in heard.read_text()


def test_where_first_positions_are_drawn_each_opening_has_its_own_and_keeps_it():
    game = table("Chess", chess960=True).game
    openings = random_openings(game, 12, 2, seed=1)
    starts = {opening.start for opening in openings}
    assert len(starts) > 8
    assert openings[:4] == random_openings(game, 4, 2, seed=1)
    for opening in openings:
        pool = first_position(game, opening.start)
        for action in opening.actions:
            game.step(pool, np.arange(1), np.array([action]))
        assert pool["ply"][0] == 2
    with pytest.raises(UserError, match="where they begin, and Chess draws that; give openings"):
        read_openings(game, ["e4 e5"])
    assert read_openings(table("Chess", chess960=True, start=518).game, ["e4 e5"])[0].start == ""
