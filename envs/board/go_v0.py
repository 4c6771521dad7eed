"""Go for PettingZoo: `go_v0.env(render_mode=None)`; see `quadrivium.envs.board.Go`."""

from quadrivium.envs.board.zoo import constructors

env, raw_env = constructors("Go", "go_v0")
