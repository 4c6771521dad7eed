"""The lanes' random numbers: the published algorithm, even, independent, and reproducible."""

import math

import numba
import numpy as np
import pytest
from scipy import stats

from quadrivium.envs.core import rng

RECORD = np.dtype([("rng", "u8")])
MASK = (1 << 64) - 1
N = 100_000


def splitmix64(state: int) -> tuple[int, int]:
    """The reference in Python's integers (Vigna 2015, splitmix64.c): the next state and its output."""
    state = (state + 0x9E3779B97F4A7C15) & MASK
    z = state
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return state, z ^ (z >> 31)


@numba.njit
def fill_bits(row, out):
    for i in range(out.size):
        out[i] = rng.bits(row[0])


@numba.njit
def fill_uniform(row, out):
    for i in range(out.size):
        out[i] = rng.uniform(row[0])


@numba.njit
def fill_range(row, low, high, out):
    for i in range(out.size):
        out[i] = rng.uniform_range(row[0], low, high)


@numba.njit
def fill_integer(row, n, out):
    for i in range(out.size):
        out[i] = rng.integer(row[0], n)


@numba.njit
def fill_normal(row, out):
    for i in range(out.size):
        out[i] = rng.normal(row[0])


def stream(seed: int, episode: int = 0, split: int = 0) -> np.ndarray:
    row = np.zeros(1, RECORD)
    row["rng"] = rng.episode_key(np.uint64(seed), np.uint64(episode), split)
    return row


def uniforms(row: np.ndarray, n: int = N) -> np.ndarray:
    out = np.empty(n, np.float32)
    fill_uniform(row, out)
    return out


def test_bits_are_splitmix64s_published_numbers_for_the_seed_1234567():
    row, out = np.zeros(1, RECORD), np.empty(5, np.uint64)
    row["rng"] = 1234567
    fill_bits(row, out)
    # The vector published with the reference implementation (Rosetta Code, "Pseudo-random numbers").
    expected = [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]
    assert out.tolist() == expected


@pytest.mark.parametrize("start", [0, 1, MASK, 0x8000000000000000])
def test_bits_equal_the_reference_from_any_state(start):
    row, out = np.zeros(1, RECORD), np.empty(100, np.uint64)
    row["rng"] = start
    fill_bits(row, out)
    state, expected = start, []
    for _ in range(100):
        state, number = splitmix64(state)
        expected.append(number)
    assert out.tolist() == expected
    assert int(row["rng"][0]) == state


def test_uniform_is_even_on_0_to_1_and_never_1():
    numbers = uniforms(stream(0))
    assert numbers.min() >= 0
    assert numbers.max() < 1
    counts = np.histogram(numbers, 100, (0, 1))[0]
    assert stats.chisquare(counts).pvalue > 1e-4
    assert stats.kstest(numbers, "uniform").pvalue > 1e-4
    assert (numbers * 2**24 == np.floor(numbers * 2**24)).all()


def test_consecutive_draws_are_uncorrelated():
    numbers = uniforms(stream(1)) - 0.5
    for lag in (1, 2, 3, 10):
        correlation = np.corrcoef(numbers[:-lag], numbers[lag:])[0, 1]
        assert abs(correlation) < 5 / math.sqrt(N)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"seed": 0}, {"seed": 1}),  # neighbouring lanes
        ({"seed": 5}, {"seed": 5, "episode": 1}),  # an episode and the next
        ({"seed": 5}, {"seed": 5, "split": 1}),  # training and test
        ({"seed": 0}, {"seed": 2**63}),
    ],
)
def test_streams_of_lanes_episodes_and_splits_are_independent(one, other):
    left, right = uniforms(stream(**one)), uniforms(stream(**other))
    assert abs(np.corrcoef(left, right)[0, 1]) < 5 / math.sqrt(N)
    cells = np.histogram2d(left, right, 10, [[0, 1], [0, 1]])[0]
    assert stats.chisquare(cells.ravel()).pvalue > 1e-4


def test_first_draws_over_lanes_and_episodes_are_even():
    # across 4,096 neighbouring seeds: what the first scenarios of a batch consist of
    for episode in (0, 1):
        firsts = np.array([uniforms(stream(seed, episode), 1)[0] for seed in range(4096)])
        assert stats.kstest(firsts, "uniform").pvalue > 1e-4
        assert abs(np.corrcoef(firsts[:-1], firsts[1:])[0, 1]) < 5 / math.sqrt(4096)


def test_no_two_episodes_share_a_key_and_no_test_key_is_a_training_key():
    keys = {
        split: {
            int(rng.episode_key(np.uint64(seed), np.uint64(episode), split))
            for seed in range(200)
            for episode in range(50)
        }
        for split in (0, 1)
    }
    assert len(keys[0]) == len(keys[1]) == 200 * 50
    assert not keys[0] & keys[1]


def test_uniform_range_keeps_its_bounds():
    out = np.empty(N, np.float32)
    fill_range(stream(2), -3.0, 5.0, out)
    assert out.min() >= -3
    assert out.max() < 5
    assert stats.kstest((out + 3) / 8, "uniform").pvalue > 1e-4


def test_uniform_range_never_gives_its_end_where_rounding_would():
    """100 + (1 − 2⁻²⁴) is 101 in float32, whose neighbours there are 2⁻¹⁷ apart: of 2²⁴ draws 64 round up."""
    out = np.empty(1 << 20, np.float32)
    fill_range(stream(3), 100.0, 101.0, out)
    drawn = np.empty(1 << 20, np.float32)
    fill_uniform(stream(3), drawn)
    rounded = np.float32(100.0) + drawn
    assert (rounded == 101.0).any()
    assert out.max() < 101.0
    np.testing.assert_array_equal(out[rounded < 101.0], rounded[rounded < 101.0])  # no other draw changes


@pytest.mark.parametrize("n", [1, 2, 7, 1000])
def test_integers_are_even_over_their_range(n):
    out = np.empty(N, np.int64)
    fill_integer(stream(3), n, out)
    assert out.min() == 0
    assert out.max() == n - 1
    if n > 1:
        assert stats.chisquare(np.bincount(out, minlength=n)).pvalue > 1e-4


def test_normal_is_standard_normal():
    out = np.empty(N, np.float32)
    fill_normal(stream(4), out)
    assert np.isfinite(out).all()
    assert stats.kstest(out, "norm").pvalue > 1e-4
    assert abs(out.mean()) < 5 / math.sqrt(N)
    assert out.std() == pytest.approx(1, abs=5 / math.sqrt(2 * N))


def test_a_copied_row_repeats_the_same_draws():
    row = stream(5)
    uniforms(row, 10)
    copy = row.copy()
    assert uniforms(row, 100).tobytes() == uniforms(copy, 100).tobytes()
