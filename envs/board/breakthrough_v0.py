"""Breakthrough for PettingZoo: `breakthrough_v0.env()`; rules: `quadrivium.envs.board.Breakthrough`."""

from quadrivium.envs.board.zoo import constructors

env, raw_env = constructors("Breakthrough", "breakthrough_v0")
