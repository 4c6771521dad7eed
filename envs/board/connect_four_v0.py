"""Connect four for PettingZoo: `connect_four_v0.env(render_mode=None)`."""

from quadrivium.envs.board.zoo import constructors

env, raw_env = constructors("ConnectFour", "connect_four_v0")
