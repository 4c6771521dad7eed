"""Othello for PettingZoo: `othello_v0.env(render_mode=None)`; see `quadrivium.envs.board.Othello`."""

from quadrivium.envs.board.zoo import constructors

env, raw_env = constructors("Othello", "othello_v0")
