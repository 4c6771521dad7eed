"""The replay window holds the newest positions, more of them as a power law."""

import numpy as np
import pytest

from quadrivium.agents.alphazero.play.packed import Packed, policy_dtype, unpack_policies
from quadrivium.agents.alphazero.play.window import Replay, Ring, WindowConfig, window_size

ACTIONS = 1000
EMPTY = Packed(np.zeros(0, [("id", "i8"), ("legal", "u2")]), np.zeros(0, policy_dtype(ACTIONS)))


def ids(first, last):
    """Returns positions numbered so; number k has (7 k) % 5 legal actions, k and the next ones."""
    numbers = np.arange(first, last)
    records = np.zeros(len(numbers), EMPTY.records.dtype)
    records["id"], records["legal"] = numbers, 7 * numbers % 5
    policies = [((k + i) % ACTIONS, 1 / (1 + i)) for k in numbers for i in range(7 * k % 5)]
    return Packed(records, np.array(policies, EMPTY.policies.dtype))


def assert_whole(packed):
    """Each position has its own legal actions with their weights, wherever it came from."""
    legal, policy = unpack_policies(packed, ACTIONS)
    for k, actions, weights in zip(packed.records["id"], legal, policy, strict=True):
        expected = (k + np.arange(7 * k % 5)) % ACTIONS
        assert sorted(np.flatnonzero(actions).tolist()) == sorted(expected.tolist())
        np.testing.assert_allclose(weights[expected], 1 / np.arange(1, 1 + len(expected)), rtol=1e-3)
        assert weights.sum() == pytest.approx(sum(1 / (1 + i) for i in range(len(expected))), rel=1e-3)


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
    replay, total = Replay(EMPTY, config), 0
    size = 0
    for block in blocks:
        replay.add(ids(total, total + block))
        total += block
        size = min(size + block, window_size(total, config))
        assert replay.size == size
        assert replay.column("id").tolist() == list(range(total - size, total))
        state = replay.state()
        assert_whole(Packed(state["records"], state["policies"]))
    drawn = replay.sample(2000, np.random.default_rng(0))
    assert set(drawn.records["id"].tolist()) == set(range(total - size, total))
    assert_whole(drawn)


def test_positions_are_drawn_alike_often():
    """120 positions, 12,000 draws: each some 100 times, six standard deviations being 60."""
    replay = Replay(EMPTY, WindowConfig(smallest=50, largest=120, exponent=0.65, expand=0.4))
    replay.add(ids(0, 2000))
    drawn = replay.sample(12_000, np.random.default_rng(0)).records["id"]
    counts = np.bincount(drawn - 1880, minlength=120)
    assert len(counts) == 120
    assert np.abs(counts - 100).max() < 60


def test_a_ring_has_room_for_a_quarter_more_than_it_ever_held():
    ring = Ring(np.dtype(np.int64))
    for start in range(0, 100_000, 100):
        ring.add(np.arange(start, start + 100))
        ring.first = max(ring.end - 10_000, 0)
    assert ring.all().tolist() == list(range(90_000, 100_000))
    assert sum(len(piece) for piece in ring.pieces()) == len(ring) == 10_000
    assert len(ring._rows) <= 10_100 * 1.25


def test_a_restored_window_goes_on_alike():
    config = WindowConfig(smallest=50, largest=120, exponent=0.65, expand=0.4)
    one, other = Replay(EMPTY, config), Replay(EMPTY, config)
    one.add(ids(0, 333))
    other.add(ids(500, 577))  # which it forgets
    other.load_state({key: array.copy() for key, array in one.state().items()})
    for replay in (one, other):
        replay.add(ids(333, 400))
    assert one.total == other.total == 400
    first, second = (replay.sample(64, np.random.default_rng(1)) for replay in (one, other))
    for ours, theirs in zip(first, second, strict=True):
        assert (ours == theirs).all()
    for key, array in one.state().items():
        assert (array == other.state()[key]).all(), key


def test_another_games_window_is_refused():
    replay = Replay(EMPTY, WindowConfig(50, 120, 0.65, 0.4))
    with pytest.raises(ValueError, match="another game"):
        replay.load_state({"records": np.zeros(3, "i4"), "total": np.array(3)})
    with pytest.raises(ValueError, match="another game"):
        replay.load_state({**replay.state(), "policies": np.zeros(3, "i4")})
