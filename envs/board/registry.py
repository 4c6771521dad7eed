"""The board games by name: what the environments, the tests and the documentation are made from."""

from envs.board.board_game import BoardGame
from envs.board.connect_four.game import ConnectFour

GAMES: dict[str, type[BoardGame]] = {
    "ConnectFour": ConnectFour,
}
"""Class by the name in the id `quadrivium/<name>-v0`; each has working defaults for all its arguments."""
