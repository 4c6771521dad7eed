"""The replay window holds the newest positions, more of them as a power law."""

import numpy as np
import pytest

from quadrivium.agents.alphazero.play.window import Replay, WindowConfig, window_size

DTYPE = np.dtype([("id", "i8")])


def ids(first, last):
    records = np.zeros(last - first, DTYPE)
    records["id"] = np.arange(first, last)
    return records


def test_the_window_grows_as_the_formula_says():
    config = WindowConfig(smallest=1000, largest=10**9, exponent=0.5, expand=0.4)
    assert window_size(300, config) == 300
    assert window_size(1000, config) == 1000
    # 1000 * (1 + 0.4 * (4 ** 0.5 - 1) / 0.5) = 1800
    assert window_size(4000, config) == 1800
    # the slope at the start is `expand`
    assert window_size(1100, config) == pytest.approx(1040, abs=2)


def test_the_window_has_a_largest_size():
    config = WindowConfig(smallest=1000, largest=1500, exponent=0.65, expand=0.4)
    assert window_size(10**7, config) == 1500
    assert window_size(10**7, WindowConfig(1000, 10, 0.65, 0.4)) == 10


@pytest.mark.parametrize("blocks", [[7] * 60, [1, 500, 3, 0, 40, 2000, 5]])
def test_it_holds_exactly_the_newest(blocks):
    config = WindowConfig(smallest=50, largest=120, exponent=0.65, expand=0.4)
    replay, total = Replay(DTYPE, config), 0
    size = 0
    for block in blocks:
        replay.add(ids(total, total + block))
        total += block
        size = min(size + block, window_size(total, config))
        assert replay.size == size
        assert replay.state()["records"]["id"].tolist() == list(range(total - size, total))
    drawn = replay.sample(5000, np.random.default_rng(0))["id"]
    assert set(drawn.tolist()) == set(range(total - size, total))


def test_a_restored_window_goes_on_alike():
    config = WindowConfig(smallest=50, largest=120, exponent=0.65, expand=0.4)
    one, other = Replay(DTYPE, config), Replay(DTYPE, config)
    one.add(ids(0, 333))
    other.load_state({key: array.copy() for key, array in one.state().items()})
    for replay in (one, other):
        replay.add(ids(333, 400))
    assert one.total == other.total == 400
    first, second = (replay.sample(64, np.random.default_rng(1)) for replay in (one, other))
    assert (first == second).all()


def test_another_games_window_is_refused():
    replay = Replay(DTYPE, WindowConfig(50, 120, 0.65, 0.4))
    with pytest.raises(ValueError, match="another game"):
        replay.load_state({"records": np.zeros(3, "i4"), "total": np.array(3)})
