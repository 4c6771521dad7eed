"""Where a cluster's workers play: in the folder of who asks, on processors, with the same players."""

import os
import platform
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from quadrivium.agents.errors import UserError
from quadrivium.agents.evaluation.players import identities


def enter(folder: Path) -> None:
    """Goes where the one who asks is, on a machine that shares its files; raises UserError."""
    try:
        os.chdir(folder)
    except OSError as error:
        raise UserError(
            f"{folder} is not on every machine of the cluster ({error.strerror}); start the command in a "
            "folder that all of them share"
        ) from error


def hide_accelerators() -> None:
    """Lets this process, and engines that it starts, see no GPU: a worker is given processors alone, and all
    workers of a machine would take the same one.
    """
    os.environ["CUDA_VISIBLE_DEVICES"] = ""


@contextmanager
def named() -> Generator[None]:
    """Adds to a UserError on which machine of the cluster it came up."""
    try:
        yield
    except UserError as error:
        raise UserError(f"node {platform.node()}: {error}") from error


def require_same_players(players: Iterable[Any], known: Mapping[str, str]) -> None:
    """Raises UserError where a player is another one here than where the command was started.

    known: which players they are there, by name.
    """
    players = list(players)
    here = identities(players)
    for name in (player.name for player in players):
        is_here, is_there = (found.get(name, "unknown") for found in (here, known))
        if is_here != is_there:
            raise UserError(
                f"player {name!r} is {is_here} on this node, {is_there} where the command was started; "
                "expected the same files and engines on all machines"
            )
