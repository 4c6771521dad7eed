"""Agents: networks, PPO, DQN, AlphaZero. They know spaces and vector environments, never the worlds
(`envs`).
"""

if __name__ == "agents":  # found in the folder of a checkout
    raise ImportError("there is no package agents: write quadrivium.agents")

import contextlib
import ctypes
import os

# Idle OpenMP threads, which are torch's and those of AlphaZero's search, spin before they sleep, by default
# so long that on a busy machine, where the core they burn is what the working thread waits for, a small
# parallel step takes 10 ms instead of 1.
os.environ.setdefault("GOMP_SPINCOUNT", "10000")

# Numba's threads come from the system's OpenMP and torch brings its own copy, unless one is loaded already.
# Two pools that spin against each other cost milliseconds a step on a busy machine; one costs microseconds.
with contextlib.suppress(OSError):
    ctypes.CDLL("libgomp.so.1")
