"""Hex for PettingZoo: `hex_v0.env(render_mode=None)`; see `envs.board.Hex`."""

from envs.board.zoo import constructors

env, raw_env = constructors("Hex", "hex_v0")
