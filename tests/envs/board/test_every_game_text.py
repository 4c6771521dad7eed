"""Moves and positions as text, there and back, in every notation and format of every game."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quadrivium.envs.board import GAMES
from tests.envs.board.games import (
    CASES,
    OF_THE_LANE,
    assert_equal_fields,
    case_name,
    drawn_actions,
    game_of,
    positions,
    remembers,
    running,
)

NAMES = [case_name(case) for case in CASES]
FORMATS = [(name, form) for name in NAMES for form in game_of(name).formats]
every_game = pytest.mark.parametrize("name", NAMES)
every_format = pytest.mark.parametrize(("name", "form"), FORMATS, ids=map("-".join, FORMATS))
property_test = settings(deadline=None, derandomize=True, max_examples=40)
JUNK = [
    "",
    " ",
    "?",
    "zz",
    "a0",
    "a99",
    "z1",
    "-1",
    "i",
    "٣",
    "a٣",
    "pass me",
    "e9e8",
    "\n",
    "a1 a1",
    "x" * 999,
]


# ---- moves


@every_game
def test_names_of_legal_moves_differ_and_parse_back(name):
    game, pool = game_of(name), running(name, 32)
    for row, mask in zip(pool, game.legal(pool, np.arange(len(pool))), strict=True):
        legal = np.flatnonzero(mask)
        names = [game.move_name(row, int(action)) for action in legal]
        assert len(set(names)) == len(names)
        assert not any(re.search(r"\s", text) for text in names), "play_moves splits at blanks"
        assert [game.parse_move(row, text) for text in names] == legal.tolist()
        assert game.parse_move_legally(row, names[0]) == legal[0]


@every_game
def test_every_action_has_a_name_so_that_errors_can_say_it(name):
    game = game_of(name)
    for row in positions(name, 8)[[0, 1, 7]]:
        assert all(isinstance(game.move_name(row, a), str) for a in range(game.num_actions))


@every_game
@pytest.mark.parametrize("text", JUNK, ids=repr)
def test_junk_is_no_move(name, text):
    game = game_of(name)
    with pytest.raises(ValueError, match=r".+"):
        game.parse_move_legally(game.pool(1)[0], text)


@every_game
@property_test
@given(
    text=st.text(max_size=8) | st.text("abcdefghNBRQKO12345678-=+#xi ", max_size=7), moment=st.integers(0, 31)
)
def test_any_text_is_a_legal_move_or_one_line_of_valueerror(name, text, moment):
    game, row = game_of(name), positions(name, 32)[moment]
    try:
        action = game.parse_move_legally(row, text)
    except ValueError as error:
        assert_one_line(error)
    else:
        assert game.legal(np.array([row]), np.arange(1))[0, action] == 1


@every_game
def test_a_game_written_as_moves_plays_again(name):
    game = game_of(name)
    pool, rows, moves, rng = game.pool(1, seed=11), np.arange(1), [], np.random.default_rng(11)
    start = game.position_text(pool[0]) if game.draws_start else ""
    for _ in range(30):
        if pool["over"][0]:
            break
        action = drawn_actions(game, pool, rng)
        moves.append(game.move_name(pool[0], int(action[0])))
        game.step(pool, rows, action)
    again = game.play_moves(" ".join(moves), start)
    assert_equal_fields(again, pool, OF_THE_LANE)


@every_game
def test_play_moves_says_which_move_was_wrong(name):
    game = game_of(name)
    pool = game.pool(1)
    first = game.move_name(pool[0], int(game.random_actions(pool, np.arange(1))[0]))
    with pytest.raises(ValueError, match=r"^move 2: "):
        game.play_moves(f"{first} nonsense")


# ---- positions


@every_format
def test_a_position_comes_back_from_its_text(name, form):
    game = game_of(name)
    for row in positions(name, 48):
        text = game.position_text(row, form)
        back = game.parse_position(text, form)
        assert back.shape == (1,)
        assert back.dtype == game.state_dtype
        np.testing.assert_array_equal(game.cells(back[0]), game.cells(row))
        assert back["to_move"] == row["to_move"]
        if not remembers(name):
            one = np.array([row])
            np.testing.assert_array_equal(game.legal(back, np.arange(1)), game.legal(one, np.arange(1)))
            np.testing.assert_array_equal(game.observe(back, np.arange(1)), game.observe(one, np.arange(1)))
            assert back["over"] == row["over"]
            assert back["winner"] == row["winner"]


@every_format
def test_a_position_that_was_read_reads_the_same_again(name, form):
    game = game_of(name)
    for row in positions(name, 24):
        once = game.parse_position(game.position_text(row, form), form)
        text = game.position_text(once[0], form)
        twice = game.parse_position(text, form)
        assert game.position_text(twice[0], form) == text
        assert_equal_fields(once, twice)


@every_format
def test_a_game_goes_on_from_a_position_that_was_read(name, form):
    game = game_of(name)
    pool = running(name, 24)
    read = np.concatenate([game.parse_position(game.position_text(row, form), form) for row in pool])
    game.play_random(read, np.arange(len(read)))
    assert (read["over"] == 1).all()


@every_game
def test_the_first_position_is_the_first_of_every_format(name):
    game = game_of(name)
    start = game.pool(1)
    for form in game.formats:
        back = game.parse_position(game.position_text(start[0], form), form)
        assert_equal_fields(back, start, OF_THE_LANE)


# ---- bad diagrams


@every_game
def test_faults_of_a_diagram_are_named(name):
    game = game_of(name)
    lines = game.position_text(game.pool(1)[0], "ascii").splitlines()
    faults = {
        "": "does not say who is to move",
        "\n".join(lines[:-1]): "does not say who is to move",
        "\n".join([*lines[:-1], "nobody to move"]): "does not say who is to move",
        "\n".join([*lines[1:-2], lines[-1]]): f"this board has {game.height} rows of {game.width}",
        "\n".join([lines[0], *lines]): f"this board has {game.height} rows of {game.width}",
        "\n".join([lines[0] + " .", *lines[1:]]): f"this board has {game.height} rows of {game.width}",
        "\n".join([lines[0][:-1] + "@", *lines[1:]]): f"'@' in row {lines[0].split()[0]} is no piece",
    }
    for text, message in faults.items():
        with pytest.raises(ValueError, match=re.escape(message)) as caught:
            game.parse_position(text, "ascii")
        assert_one_line(caught.value)


@every_game
def test_an_unknown_format_is_refused_with_those_that_are_known(name):
    game = game_of(name)
    row = game.pool(1)[0]
    with pytest.raises(ValueError, match="ascii"):
        game.position_text(row, "braille")
    with pytest.raises(ValueError, match="ascii"):
        game.parse_position("", "braille")


@every_format
@property_test
@given(data=st.data(), moment=st.integers(0, 31))
def test_a_damaged_text_is_a_position_or_one_line_of_valueerror(name, form, data, moment):
    game = game_of(name)
    text = game.position_text(positions(name, 32)[moment], form)
    at = data.draw(st.integers(0, len(text) - 1))
    length = data.draw(st.integers(0, 4))
    put = data.draw(
        st.sampled_from(["", ".", "x", "o", "K", "9", "-", "]", "\n", " ", "é", text[:7], "B[aa]"])
    )
    assert_position_or_error(game, text[:at] + put + text[at + length :], form)


@every_format
@property_test
@given(text=st.text(max_size=40))
def test_any_text_is_a_position_or_one_line_of_valueerror(name, form, text):
    assert_position_or_error(game_of(name), text, form)


def assert_position_or_error(game, text, form):
    try:
        pool = game.parse_position(text, form)
    except ValueError as error:
        assert_one_line(error)
    else:
        assert pool["over"][0] == (not game.legal(pool, np.arange(1)).any())


@pytest.mark.parametrize("name", GAMES)
def test_an_unknown_option_is_refused(name):
    with pytest.raises(TypeError):
        GAMES[name](colour="red")


def assert_one_line(error):
    assert str(error).strip()
    assert "\n" not in str(error)
