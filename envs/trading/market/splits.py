"""Walk-forward splits: train on the past, test on what follows, again and again."""

import math
from dataclasses import dataclass

from quadrivium.envs.core.validation import require_number


@dataclass(frozen=True)
class Split:
    """One fold: bars to train on and the later bars to test on.

    Attributes:
        train: slice of bars.
        test: slice of bars, `purge` bars after the last of `train`.
    """

    train: slice
    test: slice


def walk_forward(
    bars: int,
    folds: int = 5,
    test_share: float = 0.5,
    purge: int = 1,
    embargo: int = 0,
    train_bars: int | None = None,
) -> list[Split]:
    """Returns `folds` splits of bars 0..bars − 1, the earliest first; every test is later than its training.

    The tests have the same length, bars * test_share / folds rounded down, and the last ends with the data.

    bars: T.
    test_share: of the bars, in (0, 1), that all tests together have.
    purge: bars between a training part and its test that belong to neither. What is learned from a bar ends
        later: an order decided on bar t fills at the open of t + 1, a return over h bars ends at t + h. So
        purge >= h keeps every outcome of the training out of the test.
    embargo: bars after each test that no later test uses, so that positions and shocks at the end of one do
        not reach into the next, and the folds' results can be treated as separate. They are trained on
        later. (López de Prado 2018, ch. 7, embargoes *training* bars after a test: here none follow one.)
    train_bars: length of every training part, which then rolls; None trains on all of the past.

    Raises ValueError, in one line, if a part would have no bars.
    """
    require_number("bars", bars, 1, math.inf, integer=True)
    require_number("folds", folds, 1, bars, integer=True)
    require_number("test_share", test_share, 0, 1, open_low=True)
    require_number("purge", purge, 0, bars, integer=True)
    require_number("embargo", embargo, 0, bars, integer=True)
    length = int(bars * test_share / folds + 1e-9)  # 100 * 0.3 / 3 is 10, whatever the last bit says
    if length < 1:
        raise ValueError(
            f"test_share={test_share} of {bars} bars in {folds} folds leaves no bar to test on; "
            "use fewer folds or a larger test_share"
        )
    starts = [bars - length - k * (length + embargo) for k in reversed(range(folds))]
    room = starts[0] - purge
    wanted = 1 if train_bars is None else int(require_number("train_bars", train_bars, 1, bars, integer=True))
    if room < wanted:
        raise ValueError(
            f"the first of {folds} tests begins at bar {starts[0]} of {bars}; purge={purge} leaves "
            f"{max(room, 0)} bars to train on, {wanted} are needed: use fewer folds, a smaller test_share, "
            "purge or embargo, or more data"
        )
    splits: list[Split] = []
    for start in starts:
        stop = start - purge
        splits.append(
            Split(slice(0 if train_bars is None else stop - wanted, stop), slice(start, start + length))
        )
    return splits
