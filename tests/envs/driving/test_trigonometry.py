"""The fast trigonometry against the exact one."""

import math

import numpy as np

from quadrivium.envs.driving import trigonometry

f32 = np.float32


def test_cosine_and_sine_are_as_accurate_as_they_say():
    for x in np.linspace(-100, 100, 20_001, dtype=f32):
        cosine, sine = trigonometry.cos_sin(x)
        assert abs(cosine - math.cos(x)) < 3e-7
        assert abs(sine - math.sin(x)) < 3e-7


def test_directions_are_as_accurate_as_they_say():
    for angle in np.linspace(-math.pi, math.pi, 4001):
        for radius in (1e-3, 7.0, 2e4):
            dx, dy = f32(radius * math.cos(angle)), f32(radius * math.sin(angle))
            assert abs(trigonometry.bearing(dx, dy) - math.atan2(dy, dx)) < 5e-7
    assert trigonometry.bearing(f32(0), f32(0)) == 0


def test_the_arctangent_is_as_accurate_as_it_says():
    for slope in np.linspace(-1, 1, 4001, dtype=f32):
        assert abs(trigonometry.arctan(slope) - math.atan(slope)) < 2e-7
