"""Backgammon in PettingZoo: `backgammon_v0.env(render_mode=None)`; see `quadrivium.envs.board.Backgammon`."""

from quadrivium.envs.board.zoo import constructors

env, raw_env = constructors("Backgammon", "backgammon_v0")
