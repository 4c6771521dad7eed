"""Tic-tac-toe for PettingZoo: `tic_tac_toe_v0.env(render_mode=None)`; see `envs.board.TicTacToe`."""

from envs.board.zoo import constructors

env, raw_env = constructors("TicTacToe", "tic_tac_toe_v0")
