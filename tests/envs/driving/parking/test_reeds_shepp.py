"""Reeds and Shepp's ways: they end where they should, and nothing that a car can drive is shorter."""

import math

import numpy as np
import pytest

from quadrivium.envs.driving.parking import reeds_shepp
from quadrivium.envs.driving.parking.reeds_shepp import after, word

f32 = np.float32


def ways(x: float, y: float, heading: float) -> list[tuple[int, list[float], list[float]]]:
    """Returns (number, lengths, curvatures) of all words that reach a pose."""
    found = [(k, word(k, f32(x), f32(y), f32(heading))) for k in range(reeds_shepp.WORDS)]
    return [(k, list(one[1:6]), list(one[6:])) for k, one in found if one[0]]


def shortest(x: float, y: float, heading: float) -> float:
    return min(sum(abs(length) for length in lengths) for _, lengths, _ in ways(x, y, heading))


def driven(lengths: list[float], curvatures: list[float]) -> tuple[float, float, float]:
    """Returns where a way ends by small steps of the midpoint rule, independent of the closed form."""
    x = y = heading = 0.0
    for length, curvature in zip(lengths, curvatures, strict=True):
        step = length / 400
        for _ in range(400):
            middle = heading + curvature * step / 2
            x, y, heading = (
                x + step * math.cos(middle),
                y + step * math.sin(middle),
                heading + curvature * step,
            )
    return x, y, heading


def test_every_word_that_claims_to_reach_a_pose_reaches_it():
    random, seen = np.random.default_rng(0), set()
    for _ in range(60):
        x, y, heading = random.uniform([-5, -5, -math.pi], [5, 5, math.pi])
        for k, lengths, curvatures in ways(x, y, heading):
            seen.add(k)
            at = driven(lengths, curvatures)
            assert at[:2] == pytest.approx((x, y), abs=3e-3), k
            assert math.cos(at[2] - heading) == pytest.approx(1, abs=1e-5), k
    assert seen == set(range(reeds_shepp.WORDS))


@pytest.mark.parametrize(
    ("pose", "length"),
    [
        ((3, 0, 0), 3),
        ((-3, 0, 0), 3),
        ((1, 1, math.pi / 2), math.pi / 2),  # a quarter circle
        ((0, 2, math.pi), math.pi),  # half of one
        ((1, -1, -math.pi / 2), math.pi / 2),
        ((0, 0, math.pi), math.pi),  # three turns of 60 degrees, as Reeds and Shepp show
    ],
)
def test_known_lengths(pose, length):
    assert shortest(*pose) == pytest.approx(length, abs=2e-3)


def test_no_way_of_turns_and_straights_is_shorter():
    random = np.random.default_rng(1)
    for _ in range(300):
        pieces = random.integers(1, 6)
        lengths = random.uniform(-2, 2, pieces).astype(f32)
        curvatures = random.integers(-1, 2, pieces).astype(f32)
        x = y = heading = f32(0)
        for length, curvature in zip(lengths, curvatures, strict=True):
            x, y, heading = after(x, y, heading, length, curvature)
        heading = math.remainder(float(heading), 2 * math.pi)
        assert shortest(x, y, heading) <= np.abs(lengths).sum() + 5e-3


def test_a_pose_and_its_mirror_image_are_as_far():
    random = np.random.default_rng(2)
    for _ in range(50):
        x, y, heading = random.uniform([-5, -5, -3], [5, 5, 3])
        mirrored, reversed_ = shortest(x, -y, -heading), shortest(-x, y, -heading)
        assert mirrored == pytest.approx(shortest(x, y, heading), abs=3e-3)
        assert reversed_ == pytest.approx(shortest(x, y, heading), abs=3e-3)
