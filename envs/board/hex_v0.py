"""Hex for PettingZoo: `hex_v0.env(render_mode=None)`; see `quadrivium.envs.board.Hex`."""

from quadrivium.envs.board.zoo import constructors

env, raw_env = constructors("Hex", "hex_v0")
