"""Tic-tac-toe for PettingZoo: `tic_tac_toe_v0.env()`; rules: `quadrivium.envs.board.TicTacToe`."""

from quadrivium.envs.board.zoo import constructors

env, raw_env = constructors("TicTacToe", "tic_tac_toe_v0")
