"""Go for PettingZoo: `go_v0.env(render_mode=None)`; see `envs.board.Go`."""

from envs.board.zoo import constructors

env, raw_env = constructors("Go", "go_v0")
