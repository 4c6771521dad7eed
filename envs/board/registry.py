"""The board games by name: what the environments, the tests and the documentation are made from."""

from envs.board.board_game import BoardGame
from envs.board.breakthrough.game import Breakthrough
from envs.board.chess.game import Chess
from envs.board.connect_four.game import ConnectFour
from envs.board.go.game import Go
from envs.board.othello.game import Othello

GAMES: dict[str, type[BoardGame]] = {
    "Breakthrough": Breakthrough,
    "Chess": Chess,
    "ConnectFour": ConnectFour,
    "Go": Go,
    "Othello": Othello,
}
"""Class by the name in the id `quadrivium/<name>-v0`; each has working defaults for all its arguments."""
