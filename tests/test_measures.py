"""What a number is is said where it is defined, and shows in every table."""

import copy
import math
import pickle

import numpy as np
import pytest

from quadrivium.intervals import Interval
from quadrivium.measures import (
    Measure,
    count,
    format_measure,
    format_number,
    kind_of,
    measure_interval,
    money,
    rate,
    share,
)


def test_a_measure_is_its_name_and_keeps_its_kind():
    name = share("total_return")
    assert name == "total_return"
    assert {"total_return": 1}[name] == 1
    assert kind_of(pickle.loads(pickle.dumps(name))) == kind_of(copy.deepcopy(name)) == "share"
    assert [kind_of(one) for one in (rate("a"), count("a"), money("a"), Measure("a"), "a", "success")] == [
        "rate",
        "count",
        "money",
        "number",
        "number",
        "rate",
    ]


def test_twenty_zeros_are_certain_of_a_return_and_uncertain_of_a_rate():
    zeros = np.zeros(20)
    for name in ("return", share("total_return"), count("trades"), money("pnl")):
        found = measure_interval(name, zeros)
        assert (found.low, found.high) == (0.0, 0.0)
    assert measure_interval(rate("ruined"), zeros).high == pytest.approx(
        0.1611, abs=1e-4
    )  # Wilson: z²/(n + z²)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0.00"),
        (-0.0, "0.00"),
        (0.0013, "0.00130"),
        (-0.00371, "-0.00371"),
        (0.99951, "1.00"),
        (1.234, "1.23"),
        (12.34, "12.3"),
        (999.4, "999"),
        (123456.7, "123,457"),
        (1.5e-7, "1.50e-07"),
        (math.nan, "–"),
    ],
)
def test_numbers_have_three_digits_and_small_ones_are_not_nothing(value, text):
    assert format_number(value) == text


def test_shares_and_rates_are_in_percent_and_counts_are_not():
    value = Interval(0.0013, -0.002, 0.05)
    assert format_measure(share("costs"), value) == "0.130 % [-0.200, 5.0]"
    assert format_measure(count("trades"), Interval(12.0, 10.0, 14.0)) == "12.0 [10.0, 14.0]"
    assert format_measure(rate("success"), Interval(0.0, 0.0, 0.161)) == "0.0 % [0.0, 16.1]"
