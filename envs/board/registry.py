"""The board games by name: what the environments, the tests and the documentation are made from."""

from quadrivium.envs.board.backgammon.game import Backgammon
from quadrivium.envs.board.board_game import BoardGame
from quadrivium.envs.board.breakthrough.game import Breakthrough
from quadrivium.envs.board.chess.game import Chess
from quadrivium.envs.board.connect_four.game import ConnectFour
from quadrivium.envs.board.go.game import Go
from quadrivium.envs.board.gomoku.game import Gomoku
from quadrivium.envs.board.hex.game import Hex
from quadrivium.envs.board.othello.game import Othello
from quadrivium.envs.board.tic_tac_toe.game import TicTacToe

GAMES: dict[str, type[BoardGame]] = {
    "Backgammon": Backgammon,
    "Breakthrough": Breakthrough,
    "Chess": Chess,
    "ConnectFour": ConnectFour,
    "Go": Go,
    "Gomoku": Gomoku,
    "Hex": Hex,
    "Othello": Othello,
    "TicTacToe": TicTacToe,
}
"""Class by the name in the id `quadrivium/<name>-v0`; each has working defaults for all its arguments."""
