"""A tournament's directory: which tournament is kept there, so that no other one goes on in its place.

`config.yaml` is how it is played. `identities.json` says which player each text was, `openings.sha256` which
file of openings, in the form that `sha256sum -c` checks. Further players, and more games a pair, may come
later: the games that are there stay as they are, for each follows from the seed, its players and its opening
alone.
"""

import contextlib
import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from quadrivium.agents.errors import UserError
from quadrivium.agents.evaluation.players import identities
from quadrivium.agents.runs.directory import RunLock, write_atomically
from quadrivium.configs.tournament import TournamentConfig, load_kept, to_text
from quadrivium.envs.core.file_hashes import digest

DIRECTORY = Path("runs") / "tournaments"
REMEDY = "give the tournament another name to play anew, or delete that directory"


def open_tournament(
    config: TournamentConfig,
    players: Sequence[Any],
    notify: Callable[[str], object],
    stack: contextlib.ExitStack,
) -> Path:
    """Returns the tournament's directory, made and locked until `stack` closes.

    Raises:
        UserError: it holds another tournament: by another config, of players that are others now (a run that
            was trained on, an engine of another version), from another file of openings.
    """
    directory = DIRECTORY / config.name
    stack.enter_context(RunLock(directory))
    path, known = directory / "config.yaml", directory / "identities.json"
    if path.exists():
        old = load_kept(path)
        _require_continuation(directory, old, config)
        if not known.exists():  # as it was before identities were kept
            notify(f"{directory} does not say which weights its players had; they are taken for those of now")
            _write_identities(known, players)
        _require_same_players(known, players[: len(old.players)])
    _keep_openings(config, directory, notify, begins=not path.exists())
    _write_identities(known, players)
    write_atomically(path, to_text(config).encode())
    return directory


def _require_continuation(directory: Path, old: TournamentConfig, new: TournamentConfig) -> None:
    """Raises UserError unless all that `old` plays is played by `new`, and in the same way."""
    before, now = (config.model_dump(mode="json", exclude={"threads"}) for config in (old, new))
    if now["players"][: len(before["players"])] == before["players"]:
        if len(now["players"]) > len(before["players"]) and new.format == "swiss":
            raise UserError(
                f"{directory} holds a Swiss tournament, whose rounds further players would change; {REMEDY}"
            )
        del before["players"], now["players"]
    if now["games"] > before["games"] and new.format != "swiss":
        del before["games"], now["games"]
    changed = next((key for key in now if key in before and now[key] != before[key]), None)
    if changed is not None:
        what, hint = f"{changed}: {_told(now[changed])}, before {_told(before[changed])}", ""
        if changed == "players":
            then = before[changed]
            new_one = next((k for k, entry in enumerate(now[changed]) if entry not in then), None)
            what = "fewer players, or in another order" if new_one is None else _told(now[changed][new_one])
            hint = "; further players come after those that it has"
        raise UserError(
            f"{directory} holds a tournament by another config (now {what}){hint}; give this one another "
            "name, or delete that directory"
        )


def _told(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:60]}…"


def _write_identities(path: Path, players: Sequence[Any]) -> None:
    write_atomically(path, (json.dumps(identities(players), indent=2) + "\n").encode())


def _require_same_players(path: Path, players: Sequence[Any]) -> None:
    """Raises UserError for the first player that is not the one of `path`."""
    then, now = json.loads(path.read_text(encoding="utf-8")), identities(players)
    for name in (player.name for player in players):
        if then.get(name) != now.get(name):
            before, after = (_short(found.get(name, "unknown")) for found in (then, now))
            raise UserError(
                f"{path.parent} holds games of another {name!r} ({before}; now {after}); {REMEDY}"
            )


def _short(identity: str) -> str:
    """Returns an identity with no more of a hash than tells it from others."""
    return re.sub(r"\b([0-9a-f]{12})[0-9a-f]{52}\b", r"\1…", identity)


def _keep_openings(
    config: TournamentConfig, directory: Path, notify: Callable[[str], object], *, begins: bool
) -> None:
    """Notes the file of openings by its hash; raises UserError where another one was noted."""
    if config.openings.file is None:
        return
    path, file = directory / "openings.sha256", Path(config.openings.file)
    now = digest(file)
    if path.exists():
        before = path.read_text(encoding="utf-8").split()[0]
        if before != now:
            raise UserError(
                f"{directory} holds games from another {str(file)!r} (SHA-256 {before[:12]}…; now "
                f"{now[:12]}…); restore the file, or {REMEDY}"
            )
    elif not begins:
        notify(f"{directory} does not say what was in {file}; it is taken for what is in it now")
    write_atomically(path, f"{now}  {file}\n".encode())
