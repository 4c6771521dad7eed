# A kernel file: a record has no static type.
# pyright: basic, reportMissingParameterType=false, reportPrivateImportUsage=false, reportAttributeAccessIssue=false
"""Random numbers for one lane: a counter-based stream that is one field of its record.

A draw adds a constant to the counter `s.rng` and hashes it (SplitMix64: Steele, Lea & Flood 2014, "Fast
splittable pseudorandom number generators"; the finaliser is Stafford's variant 13). There is no other state,
so a copied row repeats the same draws, and the CPU and CUDA compute the same integers.
"""

import math

import numpy as np

from quadrivium.envs.core.lane import lane

GAMMA = np.uint64(0x9E3779B97F4A7C15)
_M1 = np.uint64(0xBF58476D1CE4E5B9)
_M2 = np.uint64(0x94D049BB133111EB)
_S27, _S30, _S31, _S32, _S40 = (np.uint64(n) for n in (27, 30, 31, 32, 40))
_SPLIT_BIT = np.uint64(63)
_LOW_63 = np.uint64(0x7FFFFFFFFFFFFFFF)
_INV_2_24 = np.float32(2.0**-24)
_TWO_PI = np.float32(2.0 * math.pi)
_MINUS_TWO = np.float32(-2.0)


@lane
def mix(z):
    """Returns the SplitMix64 hash of a uint64: a bijection of the 64-bit integers."""
    z = (z ^ (z >> _S30)) * _M1
    z = (z ^ (z >> _S27)) * _M2
    return z ^ (z >> _S31)


@lane
def episode_key(seed, episode, split):
    """Returns the stream key (uint64) of one episode.

    The top bit of the hashed number is the split (0 training, 1 test) and `mix` is a bijection, so no
    test scenario can ever have the key of a training scenario.
    """
    scenario = mix(mix(seed) + episode * GAMMA) & _LOW_63
    return mix(scenario | (np.uint64(split) << _SPLIT_BIT))


@lane
def bits(s):
    """Draws 64 random bits (uint64) and advances the lane's stream."""
    s.rng = s.rng + GAMMA
    return mix(s.rng)


@lane
def uniform(s):
    """Draws a float32 in [0, 1), a multiple of 2⁻²⁴."""
    return np.float32(bits(s) >> _S40) * _INV_2_24


@lane
def uniform_range(s, low, high):
    """Draws a float32 in [low, high), for low < high; what rounding takes to `high` counts as `low`."""
    low32, high32 = np.float32(low), np.float32(high)
    drawn = low32 + (high32 - low32) * uniform(s)
    return drawn if drawn < high32 else low32


@lane
def integer(s, n):
    """Draws an int64 in [0, n) for 0 < n < 2³² (multiply-shift; bias below n / 2³²)."""
    return np.int64(((bits(s) >> _S32) * np.uint64(n)) >> _S32)


@lane
def normal(s):
    """Draws a standard normal float32 (Box-Muller)."""
    radius = math.sqrt(_MINUS_TWO * math.log(np.float32(1.0) - uniform(s)))
    return radius * math.cos(_TWO_PI * uniform(s))
