"""Breakthrough for PettingZoo: `breakthrough_v0.env(render_mode=None)`; options: `envs.board.Breakthrough`."""

from envs.board.zoo import constructors

env, raw_env = constructors("Breakthrough", "breakthrough_v0")
