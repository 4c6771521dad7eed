"""Gomoku for PettingZoo: `gomoku_v0.env(render_mode=None)`; see `quadrivium.envs.board.Gomoku`."""

from quadrivium.envs.board.zoo import constructors

env, raw_env = constructors("Gomoku", "gomoku_v0")
