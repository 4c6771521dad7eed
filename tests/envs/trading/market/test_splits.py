"""Walk-forward splits: hand-computed cases, and properties of all."""

from itertools import pairwise

import pytest
from hypothesis import assume, given, reject
from hypothesis import strategies as st

from quadrivium.envs.trading.market.splits import Split, walk_forward


def test_three_folds_of_ten_bars_each() -> None:
    """100 bars, 30 % tested in 3 folds of 10: tests from 70, 80, 90; training ends 2 bars before each."""
    assert walk_forward(100, folds=3, test_share=0.3, purge=2, embargo=0) == [
        Split(slice(0, 68), slice(70, 80)),
        Split(slice(0, 78), slice(80, 90)),
        Split(slice(0, 88), slice(90, 100)),
    ]


def test_the_embargo_parts_tests_and_purge_is_before_each() -> None:
    """Two tests of 20 with 5 bars between: [55, 75) and [80, 100); purge 3."""
    assert walk_forward(100, folds=2, test_share=0.4, purge=3, embargo=5) == [
        Split(slice(0, 52), slice(55, 75)),
        Split(slice(0, 77), slice(80, 100)),
    ]


def test_rolling_training_has_the_same_length_in_every_fold() -> None:
    assert walk_forward(50, folds=2, test_share=0.2, purge=1, train_bars=30) == [
        Split(slice(9, 39), slice(40, 45)),
        Split(slice(14, 44), slice(45, 50)),
    ]


def test_smallest_case() -> None:
    assert walk_forward(2, folds=1, test_share=0.5, purge=0) == [Split(slice(0, 1), slice(1, 2))]


@given(
    bars=st.integers(1, 3000),
    folds=st.integers(1, 12),
    share=st.floats(0.01, 1.0),
    purge=st.integers(0, 60),
    embargo=st.integers(0, 60),
    train_bars=st.none() | st.integers(1, 500),
)
def test_training_never_reaches_its_test(
    bars: int, folds: int, share: float, purge: int, embargo: int, train_bars: int | None
) -> None:
    try:
        splits = walk_forward(bars, folds, share, purge, embargo, train_bars)
    except ValueError:
        reject()
    everything = range(bars)
    assert len(splits) == folds
    lengths = set()
    for split in splits:
        train, test = everything[split.train], everything[split.test]
        assert train
        assert test
        assert not set(train) & set(test)
        assert test[0] - train[-1] == purge + 1
        assert train_bars is None or len(train) == train_bars
        lengths.add(len(test))
    assert len(lengths) == 1
    assert splits[-1].test.stop == bars
    for before, after in pairwise(splits):
        assert after.test.start - before.test.stop == embargo


@given(
    bars=st.integers(1, 200), folds=st.integers(1, 12), share=st.floats(0.01, 1.0), purge=st.integers(0, 60)
)
def test_no_split_is_refused_that_has_room(bars: int, folds: int, share: float, purge: int) -> None:
    """Refused only if a test, or the first training part, would be empty: counted here bar by bar."""
    assume(folds <= bars and purge <= bars)
    length = int(bars * share / folds + 1e-9)
    has_room = length >= 1 and bars - folds * length - purge >= 1
    if has_room:
        assert len(walk_forward(bars, folds, share, purge)) == folds
    else:
        with pytest.raises(ValueError, match="leaves"):
            walk_forward(bars, folds, share, purge)


def test_what_leaves_no_data_is_told_in_one_line() -> None:
    with pytest.raises(
        ValueError, match=r"test_share=0.1 of 20 bars in 5 folds leaves no bar to test on; use"
    ):
        walk_forward(20, folds=5, test_share=0.1)
    with pytest.raises(
        ValueError, match=r"begins at bar 10 of 20; purge=10 leaves 0 bars to train on, 1 are"
    ):
        walk_forward(20, folds=2, test_share=0.5, purge=10)
    with pytest.raises(ValueError, match=r"leaves 9 bars to train on, 15 are needed: use fewer"):
        walk_forward(20, folds=2, test_share=0.5, purge=1, train_bars=15)
    with pytest.raises(ValueError, match=r"test_share=0 is out of range"):
        walk_forward(20, test_share=0)
    with pytest.raises(ValueError, match="folds=30 is out of range"):
        walk_forward(20, folds=30)
