"""The board games by name: what the environments, the tests and the documentation are made from."""

from envs.board.board_game import BoardGame
from envs.board.connect_four.game import ConnectFour
from envs.board.go.game import Go

GAMES: dict[str, type[BoardGame]] = {
    "ConnectFour": ConnectFour,
    "Go": Go,
}
"""Class by the name in the id `quadrivium/<name>-v0`; each has working defaults for all its arguments."""
