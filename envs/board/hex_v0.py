"""Hex for PettingZoo: `hex_v0.env(render_mode=None)`; options: `envs.board.Hex`."""

from envs.board.zoo import constructors

env, raw_env = constructors("Hex", "hex_v0")
