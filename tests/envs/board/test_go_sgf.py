"""Go's games and positions as SGF, there and back, and what is said of bad ones."""

import numpy as np
import pytest
from sgfmill.sgf import Sgf_game

from quadrivium.envs.board.go.game import Go

ROW = np.arange(1)
GAME = "(;FF[4]GM[1]SZ[5]KM[7]PB[Ada]PW[Bo];B[cc];W[];B[cd](;W[bc];B[bb])(;W[dd]))"


def random_game(game: Go, seed: int) -> tuple[list[int], np.ndarray]:
    """Returns a random game's actions and a pool (1,) with its last position."""
    pool, actions = game.pool(1, seed), []
    while not pool["over"][0]:
        action = game.random_actions(pool, ROW)
        actions.append(int(action[0]))
        game.step(pool, ROW, action)
    return actions, pool


def assert_same_position(game: Go, one: np.ndarray, other: np.ndarray) -> None:
    for field in set(one.dtype.names or ()) - {"seed", "episode", "rng", "seat"}:
        np.testing.assert_array_equal(one[field], other[field], err_msg=field)


@pytest.mark.parametrize("size", [2, 5, 9, 13, 19])
def test_a_game_written_as_sgf_is_read_with_the_same_moves_and_history(size):
    game = Go(size)
    for seed in range(3):
        actions, end = random_game(game, seed)
        record = game.read_record(game.game_record(actions))
        assert record.actions == actions
        assert_same_position(game, record.start, game.pool(1))
        assert_same_position(game, record.end, end)


def test_another_reader_finds_the_moves_the_names_and_the_result():
    game = Go(5)
    text = game.game_record([12, 25, 13, 25, 25], names=("Ada", "Bo"))
    sgf = Sgf_game.from_string(text)
    assert (sgf.get_size(), sgf.get_komi()) == (5, 7.0)
    assert [node.get_move() for node in sgf.get_main_sequence()[1:]] == [
        *(("b", (2, 2)), ("w", None), ("b", (2, 3)), ("w", None), ("b", None)),
    ]
    assert (sgf.get_player_name("b"), sgf.get_player_name("w")) == ("Ada", "Bo")
    assert sgf.get_root().get("RE") == "B+18"
    assert sgf.get_winner() == "b"


def test_results_are_given_scored_or_left_out():
    game = Go(5, komi=24.5)
    assert "RE[B+0.5]" in game.game_record([12, 25, 25])
    assert "RE[W+24.5]" in game.game_record([25, 25])
    assert "RE[0]" in Go(5, 25).game_record([12, 25, 25])
    assert "RE" not in game.game_record([12])
    assert "RE[W+T]" in game.game_record([12], result="W+T")


def test_a_game_record_begins_with_the_stones_of_its_start():
    game = Go(5)
    start = game.parse_position(". . . . .\n" * 3 + ". X . . .\nX O . . .\nwhite to move", "ascii")
    record = game.read_record(game.game_record([20 + 2, 0], start=start))
    assert_same_position(game, record.start, start)
    assert record.actions == [22, 0]
    assert record.end["to_move"][0] == 1


def test_a_record_of_an_illegal_game_is_not_written():
    with pytest.raises(ValueError, match=r"^move 2: move C3 is illegal; legal moves: A5"):
        Go(5).game_record([12, 12])


def test_only_the_main_line_is_read():
    record = Go(5).read_record(GAME)
    assert [Go(5).move_name(record.end[0], a) for a in record.actions] == ["C3", "pass", "C2", "B3", "B4"]


def test_superko_of_a_record_holds_for_the_moves_after_it():
    game = Go(5)
    moves = "A3 C3 B3 C2 A2 D2 B2 B1 pass D1 pass A1 C1"
    played = game.play_moves(moves)
    actions = [game.parse_move(played[0], move) for move in moves.split()]
    barred = game.parse_move(played[0], "B1")
    read = game.parse_position(game.game_record(actions), "sgf")
    assert game.legal(read, ROW)[0, barred] == 0
    bare = game.parse_position(game.position_text(played[0], "sgf"), "sgf")  # the position, without its past
    assert game.legal(bare, ROW)[0, barred] == 1
    with pytest.raises(ValueError, match=r"^move 14: move B1 is illegal"):
        game.read_record(game.game_record(actions).rstrip().rstrip(")") + ";W[be])")


@pytest.mark.parametrize(
    ("text", "to_move"),
    [
        ("(;SZ[5]AB[aa]AW[bb])", 0),
        ("(;SZ[5]AB[aa]AW[bb]PL[W])", 1),
        ("(;SZ[5]HA[2]AB[aa][ee])", 1),
        ("(;SZ[5]AB[aa]AW[bb];W[cc])", 0),
        ("(;SZ[5];AB[aa]AW[bb];PL[W])", 1),
        ("(;SZ[5]AB[aa:cc];AE[ab:cc];AW[bb])", 0),
    ],
)
def test_who_moves_after_stones_are_set_up(text, to_move):
    pool = Go(5).parse_position(text, "sgf")
    assert pool["to_move"][0] == to_move
    assert Go(5).cells(pool[0])[0, 0] == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "this is no SGF that can be read: "),
        ("hello", "this is no SGF that can be read: "),
        ("(;SZ[5]", "this is no SGF that can be read: "),
        ("(;GM[1])", r"the SGF has SZ\[19\], this board 5: use Go\(size=19\)"),
        ("(;SZ[9])", r"the SGF has SZ\[9\], this board 5: use Go\(size=9\)"),
        ("(;SZ[99])", r"the SGF has SZ\[99\], this board 5"),
        ("(;SZ[5:6])", r"bad property SZ\[5:6\]: expected the size of a square board"),
        ("(;SZ[5]GM[2];B[cd])", r"the SGF has GM\[2\], which is another game: Go is GM\[1\]"),
        ("(;SZ[5]GM[go])", r"the SGF has GM\[go\], which is another game"),
        ("(;SZ[5]KM[6.5])", r"the SGF has komi 6.5, this game 7: use Go\(komi=6.5\)"),
        ("(;SZ[5]KM[many])", r"bad property KM\[many\]: expected a number such as 6.5$"),
        ("(;SZ[5]KM[6,5])", r"bad property KM\[6,5\]: expected a number such as 6.5$"),
        ("(;SZ[5]HA[x])", r"bad property HA\[x\]: expected a whole number$"),
        (
            "(;SZ[5]AB[aa][zz])",
            r"^after move 0, .* bad property AB\[aa\]\[zz\]: expected points of the board",
        ),
        ("(;SZ[5]AW[zz])", r"bad property AW\[zz\]: expected points of the board"),
        ("(;SZ[5]AE[1])", r"bad property AE\[1\]: expected points of the board"),
        ("(;SZ[5];B[aa];W[q])", r"^after move 1, .* bad property W\[q\]: expected a point of the board"),
        ("(;SZ[5];B[AA])", r"bad property B\[AA\]: expected a point of the board such as cd"),
        ("(;SZ[5]PL[White])", r"bad property PL\[White\]: expected B or W$"),
        ("(;SZ[5];B[aa];W[aa])", "^move 2: move A5 is illegal; legal moves: B5, "),
        ("(;SZ[5];B[aa];B[bb])", "^move 2 of the SGF is black's, but it is white's turn"),
        ("(;SZ[5];B[];W[];B[aa])", "^move 3: move A5 was played after the game's end"),
        ("(;SZ[5];B[];W[];B[];W[cc])", "^move 4: move C3 was played after the game's end"),
        ("(;SZ[5];B[aa])(;SZ[5];B[bb])", "the SGF has 2 games, and one was expected: use read_records"),
        ("(;SZ[5];B[aa];AW[bb])", "sets up stones or turns after move 1"),
        ("(;SZ[5]AB[ab][ba]AW[aa])", "white's stones at A5 have no liberty"),
    ],
)
def test_bad_sgf_is_one_line_of_valueerror(text, message):
    with pytest.raises(ValueError, match=message) as caught:
        Go(5).read_record(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("root", ["KM[]", "HA[]", "KM[ ]HA[]", "SZ[5]KM[]", "PL[]", "AB[]"])
def test_an_empty_property_says_nothing_as_servers_write_it(root):
    root = root if "SZ" in root else f"SZ[5]{root}"
    record = Go(5).read_record(f"(;FF[4]{root};B[ee];W[cc])")
    assert [Go(5).move_name(record.start[0], action) for action in record.actions] == ["E1", "C3"]
    assert_same_position(Go(5), record.start, Go(5).pool(1))


def test_an_empty_size_is_nineteen_as_a_missing_one():
    assert Go(19).read_record("(;FF[4]SZ[];B[aa])").actions == [0]


@pytest.mark.parametrize("passes", [3, 4, 5])
def test_passes_after_the_games_end_change_nothing(passes):
    moves = "".join(f";{'BW'[k % 2]}[]" for k in range(1, passes + 1))
    record = Go(5).read_record(f"(;SZ[5];B[cc]{moves})")
    assert record.actions == [12, 25, 25]
    assert record.end["over"][0]


def test_every_game_of_a_text_is_read():
    game = Go(5)
    games = [[12, 25, 25], [7, 12, 25, 25], []]
    text = "a title\n" + "\nbetween\n".join(game.game_record(actions) for actions in games)
    records = game.read_records(text)
    assert [record.actions for record in records] == games
    assert [bool(record.end["over"][0]) for record in records] == [True, True, False]


def test_of_several_games_the_one_with_a_fault_is_named():
    with pytest.raises(ValueError, match=r"^game 2: move 2: move A5 is illegal"):
        Go(5).read_records("(;SZ[5];B[aa])(;SZ[5];B[aa];W[aa])")
    with pytest.raises(ValueError, match="this is no SGF that can be read"):
        Go(5).read_records("nothing")
