"""Agents: networks, PPO, DQN, PQN, SAC, AlphaZero. They know spaces and vector environments, never the
worlds (`envs`).
"""

if __name__ == "agents":  # found in the folder of a checkout
    raise ImportError("there is no package agents: write quadrivium.agents")

import os

# Idle OpenMP threads, which are torch's, spin before they sleep, by default so long that on a busy machine,
# where the core they burn is what the working thread waits for, a small parallel step takes 10 ms, not 1.
os.environ.setdefault("GOMP_SPINCOUNT", "10000")
