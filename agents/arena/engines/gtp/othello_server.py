"""A player of ours as a GTP engine for Othello."""

from typing import Any, ClassVar, cast

from quadrivium.agents.arena.engines.gtp.server import COMMANDS, ROW, GtpFailure, GtpServer

OTHELLO = "Othello"


class OthelloServer(GtpServer):
    """Answers GTP commands about Othello, and those of its programs about games. Its board: `size`."""

    commands: ClassVar = {}  # below

    def lead(self) -> float:
        """Returns Black's discs less White's."""
        return float(cast(Any, self._seat.game).disc_difference(self._seat.pool, ROW)[0])

    def list_games(self, words: list[str]) -> str:
        """Says what it plays."""
        return OTHELLO

    def set_game(self, words: list[str]) -> str:
        """Chooses the game, of which there is one."""
        if [word.lower() for word in words] != [OTHELLO.lower()]:
            raise GtpFailure(f"unsupported game; expected {OTHELLO}")
        return ""


OthelloServer.commands = {
    **COMMANDS,
    "list_games": OthelloServer.list_games,
    "set_game": OthelloServer.set_game,
}
