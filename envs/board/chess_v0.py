"""Chess for PettingZoo: `chess_v0.env(render_mode=None)`; see `quadrivium.envs.board.Chess`."""

from quadrivium.envs.board.zoo import constructors

env, raw_env = constructors("Chess", "chess_v0")
