"""Board games: exact rules on one record, for search, Gymnasium and PettingZoo."""

from quadrivium.envs.board.backgammon.game import Backgammon
from quadrivium.envs.board.board_game import BoardGame
from quadrivium.envs.board.breakthrough.game import Breakthrough
from quadrivium.envs.board.chess.game import Chess
from quadrivium.envs.board.connect_four.game import ConnectFour
from quadrivium.envs.board.go.game import Go
from quadrivium.envs.board.gomoku.game import Gomoku
from quadrivium.envs.board.hex.game import Hex
from quadrivium.envs.board.othello.game import Othello
from quadrivium.envs.board.registry import GAMES
from quadrivium.envs.board.tic_tac_toe.game import TicTacToe

__all__ = [
    "GAMES",
    "Backgammon",
    "BoardGame",
    "Breakthrough",
    "Chess",
    "ConnectFour",
    "Go",
    "Gomoku",
    "Hex",
    "Othello",
    "TicTacToe",
]
