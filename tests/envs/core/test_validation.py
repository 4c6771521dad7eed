"""Errors to users: the value, what is expected, the remedy, in one line."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quadrivium.envs.core.validation import require_choice, require_number, steps_of


def test_a_choice_that_is_allowed_comes_back():
    assert require_choice("reward", "safe", ("safe", "classic")) == "safe"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("saef", "reward='saef' is unknown: use one of 'safe', 'classic'; did you mean 'safe'?"),
        ("zzz", "reward='zzz' is unknown: use one of 'safe', 'classic'"),
        (None, "reward=None is unknown: use one of 'safe', 'classic'"),
        (["safe"], "reward=['safe'] is unknown: use one of 'safe', 'classic'; did you mean 'safe'?"),
    ],
)
def test_a_wrong_choice_is_answered_with_the_nearest_name(value, message):
    with pytest.raises(ValueError, match="unknown") as error:
        require_choice("reward", value, ("safe", "classic"))
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("value", "options", "message"),
    [
        (0, {"integer": True}, "lanes=0 is out of range: use an integer in [1, 8]"),
        (2.0, {"integer": True}, "lanes=2.0 is no integer: use an integer in [1, 8]"),
        (True, {"integer": True}, "lanes=True is no integer: use an integer in [1, 8]"),
        ("3", {}, "lanes='3' is no number: use a number in [1, 8]"),
        (1, {"open_low": True}, "lanes=1 is out of range: use a number in (1, 8]"),
        (math.nan, {}, "lanes=nan is out of range: use a number in [1, 8]"),
        (math.inf, {}, "lanes=inf is out of range: use a number in [1, 8]"),
    ],
)
def test_a_wrong_number_is_answered_with_the_range(value, options, message):
    with pytest.raises(ValueError, match="lanes=") as error:
        require_number("lanes", value, 1, 8, **options)
    assert str(error.value) == message


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_a_number_passes_exactly_when_it_is_in_the_range(value):
    if -1.5 <= value <= 2.5:
        assert require_number("x", value, -1.5, 2.5) == value
    else:
        with pytest.raises(ValueError, match="out of range"):
            require_number("x", value, -1.5, 2.5)


@pytest.mark.parametrize(
    ("steps", "count"),
    [(16.6 * 15, 249), (249.4, 250), (0.3 / 0.1, 3), (1.1 * 10, 11), (1e-12, 1), (1e6 + 0.5, 1_000_001)],
)
def test_steps_are_rounded_up_but_for_what_is_rounding(steps, count):
    assert steps_of(steps) == count
