"""Gomoku for PettingZoo: `gomoku_v0.env(render_mode=None)`; see `envs.board.Gomoku`."""

from envs.board.zoo import constructors

env, raw_env = constructors("Gomoku", "gomoku_v0")
