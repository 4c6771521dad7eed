"""Breakthrough for PettingZoo: `breakthrough_v0.env(render_mode=None)`; see `envs.board.Breakthrough`."""

from envs.board.zoo import constructors

env, raw_env = constructors("Breakthrough", "breakthrough_v0")
