"""Board games: exact rules on one record, for search, Gymnasium and PettingZoo."""

from envs.board.board_game import BoardGame
from envs.board.breakthrough.game import Breakthrough
from envs.board.chess.game import Chess
from envs.board.connect_four.game import ConnectFour
from envs.board.go.game import Go
from envs.board.gomoku.game import Gomoku
from envs.board.hex.game import Hex
from envs.board.othello.game import Othello
from envs.board.registry import GAMES
from envs.board.tic_tac_toe.game import TicTacToe

__all__ = [
    "GAMES",
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
