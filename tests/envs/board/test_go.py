"""Go's rules: known counts, hand-made positions, and random games beside independent implementations."""

import itertools

import numba
import numpy as np
import pytest
from scipy.stats import chisquare

from quadrivium.envs.board.go import kernel
from quadrivium.envs.board.go.game import Go
from tests.envs.board.go_reference import Reference
from tests.envs.board.oracles.go import play_games, play_games_on_a_board

ROW = np.arange(1)


def legal_names(game: Go, pool: np.ndarray) -> set[str]:
    """Returns the legal moves by name."""
    return {game.move_name(pool[0], int(a)) for a in np.flatnonzero(game.legal(pool, ROW)[0])}


def play(game: Go, pool: np.ndarray, moves: str) -> np.ndarray:
    """Plays moves by name on a pool (1,); an illegal one raises."""
    for move in moves.split():
        game.step(pool, ROW, np.array([game.parse_move(pool[0], move)]))
    return pool


def stones(game: Go, pool: np.ndarray) -> list[str]:
    """Returns the rows of the board from the top."""
    return ["".join(game.glyphs[int(c)] for c in row) for row in game.cells(pool[0])]


# ---- known counts


# Counted by another implementation; a line that ends before its last ply is no leaf.
PERFT = {
    2: [5, 21, 68, 156, 316, 604, 1088],
    3: [10, 91, 738, 5281, 33384, 179712],
    4: [17, 273, 4112, 57984],
    5: [26, 651, 15650],
    9: [82, 6643],
}


@pytest.mark.parametrize("size", PERFT)
def test_perft(size):
    game = Go(size, max_moves=162)
    assert [game.perft(game.pool(1)[0], d + 1) for d in range(len(PERFT[size]))] == PERFT[size]


def test_lines_that_end_by_two_passes_count_in_perft_when_asked():
    game = Go(2, max_moves=162)
    assert game.perft(game.pool(1)[0], 3, count_ended=True) == 68 + 1  # the game that is passed twice


@pytest.mark.parametrize(("size", "count"), [(2, 57), (3, 12675)])  # OEIS A094777
def test_as_many_diagrams_are_positions_as_are_legal(size, count):
    game = Go(size)
    found = 0
    for diagram in itertools.product((0, 1, -1), repeat=size * size):
        try:
            game.set_up(np.array(diagram, np.int8).reshape(size, size), 0)
        except ValueError as error:
            if "no liberty" not in str(error):
                raise
        else:
            found += 1
    assert found == count


# ---- captures


def test_a_stone_without_a_liberty_is_taken():
    game = Go(5)
    pool = play(game, game.pool(1), "B1 A1 A2")
    assert stones(game, pool) == [".....", ".....", ".....", "X....", ".X..."]


def test_one_move_captures_several_chains_and_counts_their_liberties_again():
    game = Go(5)
    pool = game.parse_position("""
        5 . . X . .
        4 . X O X .
        3 X O . O X
        2 . X O X .
        1 . . X . .
        black to move""", "ascii")  # fmt: skip
    play(game, pool, "C3")
    assert stones(game, pool) == ["..X..", ".X.X.", "X.X.X", ".X.X.", "..X.."]
    assert "B3" not in legal_names(game, pool)  # White would be taken there, and takes nothing
    play(game, pool, "A5")
    assert "B3" in legal_names(game, pool)


def test_suicide_of_one_stone_and_of_a_chain_is_illegal_and_of_capturing_stones_is_not():
    game = Go(5)
    pool = game.parse_position("""
        5 . O . . .
        4 O . . . .
        3 X O O O O
        2 X X X X O
        1 X . X X O
        black to move""", "ascii")  # fmt: skip
    names = legal_names(game, pool)
    assert "A5" not in names  # one stone
    assert "B1" not in names  # the last liberty of eight
    pool["to_move"] = 1
    assert {"A5", "B1"} <= legal_names(game, pool)
    play(game, pool, "B1")
    assert stones(game, pool)[2:] == [".OOOO", "....O", ".O..O"]


def test_snapback():
    game = Go(5)
    pool = game.parse_position("""
        5 . . . . .
        4 . . . . .
        3 X X . . .
        2 O O X . .
        1 . . O . .
        black to move""", "ascii")  # fmt: skip
    play(game, pool, "B1 A1")
    assert stones(game, pool)[3:] == ["OOX..", "O.O.."]
    play(game, pool, "B1")  # no ko: three stones are taken for one
    assert stones(game, pool)[3:] == ["..X..", ".XO.."]


# ---- ko


KO = """
    4 . X O .
    3 X . X O
    2 . X O .
    1 . . . .
    white to move"""


@pytest.mark.parametrize("superko", ["positional", "simple"])
def test_a_ko_cannot_be_taken_back_at_once_but_after_a_threat(superko):
    game = Go(4, superko=superko)
    pool = play(game, game.parse_position(KO, "ascii"), "B3")
    assert stones(game, pool)[1] == "XO.O"
    assert "C3" not in legal_names(game, pool)
    barred = game.observe(pool, ROW)[0, game.planes.index("barred by superko")]
    assert np.argwhere(barred).tolist() == [[1, 2]]
    play(game, pool, "A1 D1")
    assert "C3" in legal_names(game, pool)
    assert stones(game, play(game, pool, "C3"))[1] == "X.XO"


TRIPLE_KO = """
    9 . X O . . . . . .
    8 X O . O . . . . .
    7 . X O . . . . . .
    6 . X O . . . . . .
    5 X . X O . . . . .
    4 . X O . . . . . .
    3 . X O . . . . . .
    2 X O . O . . . . .
    1 . X O . . . . . .
    black to move"""


def test_triple_ko_is_superko():
    game, simple = Go(9), Go(9, superko="simple")
    moves = "C8 B5 C2 B8 C5"
    pool = play(game, game.parse_position(TRIPLE_KO, "ascii"), moves)
    assert "B2" not in legal_names(game, pool)
    again = play(simple, simple.parse_position(TRIPLE_KO, "ascii"), moves)
    assert "B2" in legal_names(simple, again)
    play(simple, again, "B2")
    assert (simple.cells(again[0]) == simple.cells(simple.parse_position(TRIPLE_KO, "ascii")[0])).all()


SEND_TWO = """
    5 . . . . .
    4 . . . . .
    3 X X O . .
    2 X X O O .
    1 . O . O .
    white to move"""


@pytest.mark.parametrize(
    ("superko", "allowed"), [("positional", False), ("simple", True), ("situational", True)]
)
def test_sending_two_returning_one_is_superko_but_not_ko(superko, allowed):
    game = Go(5, superko=superko)
    pool = play(game, game.parse_position(SEND_TWO, "ascii"), "A1 C1")
    assert stones(game, pool)[4] == "..XO."
    assert ("B1" in legal_names(game, pool)) is allowed  # takes C1: the first position


SENT_AFTER_A_PASS = (
    "A3 C3 B3 C2 A2 D2 B2 B1 pass D1 pass A1 C1"  # to SEND_TWO, Black passes, two are sent, taken
)


@pytest.mark.parametrize(("superko", "allowed"), [("positional", 0), ("situational", 0), ("simple", 1)])
def test_situational_superko_asks_who_was_to_move_then_and_a_pass_counts(superko, allowed):
    game = Go(5, superko=superko)
    # SEND_TWO stood on the board with Black to move, after White's D1; set up alone, only with White to move.
    pool = play(game, game.pool(1), SENT_AFTER_A_PASS)
    assert ("B1" in legal_names(game, pool)) == allowed
    barred = game.observe(pool, ROW)[0, game.planes.index("barred by superko")]
    assert np.argwhere(barred).tolist() == ([] if allowed else [[4, 1]])


def test_situational_superko_bars_the_same_position_with_the_same_player_the_second_time():
    game = Go(5, superko="situational")
    pool = play(game, game.parse_position(SEND_TWO, "ascii"), "A1 C1 B1 pass")
    assert stones(game, pool) == stones(game, game.parse_position(SEND_TWO, "ascii"))
    assert "A1" not in legal_names(game, pool)  # what it makes has been there, with Black to move


# ---- the end and the score


def test_two_passes_in_a_row_end_the_game_and_one_between_stones_does_not():
    game = Go(5)
    pool = play(game, game.pool(1), "C3 pass C4 pass")
    assert not pool["over"][0]
    play(game, pool, "pass")
    assert pool["over"][0]
    assert pool["winner"][0] == 0  # 25 points against komi 7
    with pytest.raises(ValueError, match="after the game's end"):
        play(game, pool, "A1")


def test_the_limit_on_moves_ends_the_game_and_it_is_scored():
    game = Go(5, max_moves=3)
    pool = play(game, game.pool(1), "C3 pass")
    assert not pool["over"][0]
    assert play(game, pool, "pass")["over"][0]
    pool = play(game, game.pool(1), "C3 C2 D2")
    assert pool["over"][0]
    assert pool["winner"][0] == 1  # two stones to one and no territory, against komi 7
    assert play(Go(5, max_moves=1), Go(5, max_moves=1).pool(1), "C3")["winner"][0] == 0


def test_a_pass_counts_as_a_move_before_the_limit():
    game = Go(2, max_moves=4)
    pool = play(game, game.pool(1), "pass A1 pass")
    assert not pool["over"][0]
    assert play(game, pool, "B2")["over"][0]


BORDERS = """
    5 . X . O .
    4 . X . O O
    3 X X . O .
    2 . X X O O
    1 . X . O .
    black to move"""


def test_area_is_stones_and_the_regions_that_touch_only_them():
    game = Go(5, komi=0)
    pool = game.parse_position(BORDERS, "ascii")
    expected = [
        [1, 1, 0, -1, -1],
        [1, 1, 0, -1, -1],
        [1, 1, 0, -1, -1],
        [1, 1, 1, -1, -1],
        [1, 1, 0, -1, -1],
    ]
    assert game.ownership(pool, ROW)[0].tolist() == expected
    assert game.score(pool, ROW).tolist() == [1.0]


@pytest.mark.parametrize(("komi", "winner"), [(0, 0), (0.5, 0), (1, -1), (1.5, 1), (-3, 0)])
def test_komi_is_white_s_and_equal_areas_are_a_draw(komi, winner):
    game = Go(5, komi)
    pool = play(game, game.parse_position(BORDERS, "ascii"), "pass pass")
    assert pool["winner"][0] == winner
    assert game.score(pool, ROW)[0] == 1 - komi


def test_in_seki_shared_liberties_are_nobody_s():
    game = Go(5, komi=0)
    pool = game.parse_position("""
        5 . O . O .
        4 O O O O O
        3 O O O O O
        2 X X X X X
        1 . O O . X
        black to move""", "ascii")  # fmt: skip
    expected = [[-1] * 5] * 3 + [[1] * 5] + [[0, -1, -1, 0, 1]]
    assert game.ownership(pool, ROW)[0].tolist() == expected
    assert game.score(pool, ROW)[0] == 6 - 17


def test_an_empty_board_is_nobody_s():
    game = Go(4)
    pool = play(game, game.pool(1), "pass pass")
    assert not game.ownership(pool, ROW).any()
    assert game.score(pool, ROW)[0] == -7
    assert pool["winner"][0] == 1


def test_scores_of_a_batch_are_those_of_its_games_and_agree_with_the_winners():
    game = Go(9)
    pool, rows = game.pool(64), np.arange(64)
    game.play_random(pool, rows)
    scores = game.score(pool, rows)
    assert scores.dtype == np.float32
    assert (np.sign(scores) == game.result(pool, rows).returns[:, 0]).all()
    assert scores[5] == game.score(pool, rows[5:6])[0]
    assert game.ownership(pool, rows[::2]).shape == (32, 9, 9)


# ---- observations


def test_planes_by_hand():
    game = Go(4)
    pool = play(game, game.parse_position(KO, "ascii"), "B3 A1")
    planes = dict(zip(game.planes, game.observe(pool, ROW)[0], strict=True))  # as White sees them
    points = {name: {tuple(p) for p in np.argwhere(plane).tolist()} for name, plane in planes.items()}
    assert points["board"] == set(itertools.product(range(4), range(4)))
    assert points["own stones"] == {(0, 2), (1, 1), (1, 3), (2, 2)}
    assert points["other stones"] == {(0, 1), (1, 0), (2, 1), (3, 0)}
    assert points["last move"] == {(3, 0)}
    assert points["move before last"] == {(1, 1)}
    assert points["barred by superko"] == set()
    assert points["own stones with 1 liberty"] == {(1, 1)}
    assert points["own stones with 2 liberties"] == {(0, 2)}
    assert points["own stones with 3 or more liberties"] == {(1, 3), (2, 2)}
    assert points["other stones with 1 liberty"] == {(0, 1)}
    assert points["other stones with 2 liberties"] == {(1, 0), (2, 1), (3, 0)}
    assert points["other stones with 3 or more liberties"] == set()
    assert points["last move was a pass"] == set()
    assert (planes["komi"] == np.float32(7 / 15)).all()
    assert (game.observe(pool, ROW, np.array([0]))[0, -1] == np.float32(-7 / 15)).all()
    play(game, pool, "pass")
    planes = dict(zip(game.planes, game.observe(pool, ROW)[0], strict=True))
    assert (planes["last move was a pass"] == 1).all()
    assert not planes["last move"].any()
    assert planes["move before last"][3, 0] == 1


@pytest.mark.parametrize(("komi", "value"), [(30, 1), (-30, -1), (0, 0)])
def test_the_komi_plane_is_clipped(komi, value):
    game = Go(3, komi)
    assert (game.observe(game.pool(1), ROW, np.array([1]))[0, -1] == value).all()


# ---- beside independent implementations


@pytest.mark.parametrize("superko", ["positional", "situational"])
@pytest.mark.parametrize(("size", "games"), [(2, 40), (3, 30), (4, 15), (5, 8), (6, 4), (7, 3)])
def test_random_games_agree_with_the_plain_reference_at_every_ply(size, games, superko):
    for seed in range(games):
        rng = np.random.default_rng(seed)
        komi, max_moves = float(rng.integers(-3, 4)), int(rng.integers(4, 162))
        game = Go(size, komi, superko, max_moves)
        reference = Reference(size, komi, max_moves, situational=superko == "situational")
        pool = game.pool(1, seed)
        while legal := reference.legal():
            assert np.flatnonzero(game.legal(pool, ROW)[0]).tolist() == legal, reference.moves
            passing = len(legal) == 1 or rng.random() < 0.02  # few, or small boards end at once
            action = legal[-1] if passing else int(rng.choice(legal[:-1]))
            game.step(pool, ROW, np.array([action]), check=False)
            reference.play(action)
            assert "".join(stones(game, pool)) == reference.board, reference.moves
        assert pool["over"][0]
        assert game.ownership(pool, ROW).ravel().tolist() == reference.owners()
        assert pool["winner"][0] == reference.winner()


@pytest.mark.parametrize(("size", "games"), [(2, 50), (3, 50), (5, 50), (9, 30), (13, 6), (19, 3)])
def test_random_games_agree_with_openspiel_but_for_superko(size, games):
    assert play_games(games, seed=size, size=size, komi=0.5 if size < 9 else 7.0) > games


@pytest.mark.parametrize(("size", "games"), [(5, 50), (9, 20), (13, 3), (19, 2)])
def test_random_games_agree_with_sgfmill_s_board(size, games):
    assert play_games_on_a_board(games, seed=size, size=size) > games


def test_openspiel_ends_a_game_as_a_draw_where_superko_forbids_the_move():
    pyspiel = pytest.importorskip("pyspiel")
    moves = "A3 C3 B3 C2 A2 D2 B2 B1 pass D1 pass A1 C1"  # SEND_TWO, then the two are sent and taken
    game, state = Go(5), pyspiel.load_game("go", {"board_size": 5, "komi": 7.0}).new_initial_state()
    pool = play(game, game.pool(1), moves)
    for move in moves.split():
        state.apply_action(25 if move == "pass" else 5 * int(move[1]) - 5 + "ABCDE".index(move[0]))
    assert set(state.legal_actions()) - {25} == {
        5 * int(name[1]) - 5 + "ABCDE".index(name[0])
        for name in (legal_names(game, pool) - {"pass"}) | {"B1"}
    }
    assert "B1" not in legal_names(game, pool)
    state.apply_action(1)  # B1
    assert state.is_terminal()
    assert state.returns() == [0, 0]


# ---- superko's filter


@numba.njit
def _barred_where_none_fell(pool, p, moves):
    """Plays random moves; returns how many stones superko bars, and how many where none fell."""
    barred, unexpected = 0, 0
    for k in range(pool.shape[0]):
        s = pool[k]
        for _ in range(moves):
            if s.over:
                break
            for i in range(s.num_empty):
                cell = np.int64(s.empty[i])
                if kernel.breathes(s, p, cell, s.to_move) and kernel.recreates(s, p, cell, s.to_move):
                    barred += 1
                    unexpected += not kernel.has_fallen(s, cell, s.to_move)
            kernel.play_one(s, p, kernel.random_action_one(s, p))
    return barred, unexpected


@pytest.mark.parametrize("size", [2, 3, 4, 5, 9])
def test_superko_bars_only_points_where_a_stone_of_the_player_was_captured(size):
    game = Go(size, max_moves=162)
    barred, unexpected = _barred_where_none_fell(game.pool(600), game.params, 162)
    assert barred > 50
    assert unexpected == 0


# ---- random moves


def test_random_moves_are_uniform_among_suicides_and_kos():
    game = Go(9)
    pool = play(game, game.parse_position(TRIPLE_KO, "ascii"), "C8 B5 C2 B8 C5")
    legal = game.legal(pool, ROW)[0]
    assert legal[game.parse_move(pool[0], "B2")] == 0
    many = np.repeat(pool, 50_000)
    many["rng"] = np.random.default_rng(1).integers(0, 2**63, len(many), dtype=np.uint64)
    drawn = np.bincount(game.random_actions(many, np.arange(len(many))), minlength=game.num_actions)
    assert not drawn[legal == 0].any()
    assert chisquare(drawn[legal == 1]).pvalue > 1e-4


# ---- options and set-up


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 1}, r"size=1 is out of range: use an integer in \[2, 19\]"),
        ({"size": 20}, "size=20"),
        ({"size": 9.0}, "size=9.0 is no integer"),
        ({"komi": float("nan")}, "komi=nan is out of range"),
        ({"komi": "7"}, "komi='7' is no number"),
        ({"superko": "positionel"}, "superko='positionel' is unknown.*did you mean 'positional'"),
        ({"max_moves": 0}, "max_moves=0 is out of range"),
    ],
)
def test_wrong_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Go(**options)


def test_a_set_up_position_plays_as_if_it_had_been_played():
    game = Go(9)
    played = game.play_moves("E5 E4 D4 F4 F5 D5 C5 D6 E6 G5 F6 F3")
    pool = game.set_up(game.cells(played[0]), int(played["to_move"][0]))
    assert (pool["ply"], pool["num_positions"], pool["last_move"]) == (0, 1, -1)
    assert (game.legal(pool, ROW) == game.legal(played, ROW)).all()
    for move in ["E7", "C4", "D3", "pass", "B4", "D7", "pass"]:
        for row in (pool, played):
            play(game, row, move)
        assert (game.cells(pool[0]) == game.cells(played[0])).all()
        assert (game.legal(pool, ROW) == game.legal(played, ROW)).all()


def test_stones_without_liberties_are_named():
    with pytest.raises(
        ValueError, match=r"^white's stones at A5 have no liberty; take them off or open a point$"
    ):
        Go(5).parse_position("5 O O X . .\n4 X X . . .\n" + ". . . . .\n" * 3 + "black to move", "ascii")


@pytest.mark.parametrize("size", [2, 8, 9, 10, 13, 14, 19])
@pytest.mark.parametrize("max_moves", [1, 162, 163, 5000])
def test_records_are_whole_words_and_hold_all_positions(size, max_moves):
    dtype = kernel.state_dtype(size, max_moves)
    assert dtype.itemsize % 8 == 0
    assert dtype.itemsize == sum(dtype[field].itemsize for field in dtype.names)  # no padding
    assert dtype["history"].shape[0] >= max(max_moves, size * size) + 1
    assert dtype["colour"].shape[0] > size * size
