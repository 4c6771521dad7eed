"""The command `python evaluate.py play`: a server on this machine, and a page on which one plays."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from quadrivium.commands.arena import Notify
from quadrivium.commands.kept_tournament import DIRECTORY
from quadrivium.commands.pages import tournaments
from quadrivium.commands.pages.hub import Hub
from quadrivium.commands.pages.offers import boards
from quadrivium.commands.pages.serve import serve

PLAYED = Path("runs") / "play"


def play(
    game: str | None,
    options: Mapping[str, Any],
    opponents: Sequence[str],
    directories: Sequence[Path],
    *,
    port: int,
    browser: bool,
    notify: Notify,
    say: Notify = print,
) -> None:
    """Serves the page until it is interrupted.

    game: that is offered first, with its options; opponents: texts of further players on it. directories: of
    tournaments to look at, beside those in runs/tournaments.

    Raises:
        UserError: the extra is not installed; there is no such game, player or tournament; the port is in
            use.
    """

    def make_app(server: ModuleType, port: int) -> Any:
        offered = boards(game, options, opponents, notify)
        kept = tournaments.find(DIRECTORY, directories)
        return server.make_app(Hub(offered, PLAYED, notify), kept, port, offered[0].key)

    serve(make_app, port=port, browser=browser, say=say)
