"""`games.log` of a run: what workers have handed in, in the order in which it is learned from.

An entry is a line of JSON and, after it, as many bytes as that line says. Entries are appended, on the disk
before they are learned from, and never changed: the learner's weights follow from the run's config and this
file alone.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from quadrivium.agents.errors import UserError
from quadrivium.agents.runs.directory import describe_write_error


@dataclass(frozen=True)
class Entry:
    """What is known of a portion besides its games.

    Attributes:
        worker: who played; numbers are not used again.
        sequence: how many portions the worker had handed in before.
        version: portions that the weights which played had been learned from.
        progress: share of the training that was done when it came in, for the learning rate.
        games: that ended.
        size: bytes of the portion.
        sha256: of them.
    """

    worker: int
    sequence: int
    version: int
    progress: float
    games: int
    size: int
    sha256: str


class PortionLog:
    """The entries of a file; one torn by a crash is taken off when the file is opened.

    Args:
        path: of the file, which is made if it is missing.

    Raises:
        UserError: an entry before the last one is damaged.

    Attributes:
        entries: in their order.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.entries: list[Entry] = []
        self._places: list[int] = []  # of each entry's bytes in the file
        self._next: dict[int, int] = {}  # sequence to come, by worker
        path.touch()
        self._scan()

    def __len__(self) -> int:
        """Returns how many portions were handed in."""
        return len(self.entries)

    @property
    def next_worker(self) -> int:
        """The first number that no worker has had."""
        return max(self._next, default=-1) + 1

    def append(
        self, data: bytes, *, worker: int, sequence: int, version: int, progress: float, games: int
    ) -> Entry:
        """Adds a portion, on the disk when this returns.

        Raises:
            ValueError: this portion of this worker is in the log, or one before it is not.
            UserError: the disk is full.
        """
        expected = self._next.get(worker, 0)
        if sequence != expected:
            raise ValueError(f"portion {sequence} of worker {worker} came in; expected {expected}")
        sha256 = hashlib.sha256(data).hexdigest()
        entry = Entry(worker, sequence, version, progress, games, len(data), sha256)
        line = json.dumps(asdict(entry)).encode() + b"\n"
        end = self._end()
        try:
            with self.path.open("r+b") as file:
                file.seek(end)
                file.write(line + data)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            os.truncate(self.path, end)
            raise UserError(
                describe_write_error(error, self.path.name, self.path.parent, len(line) + len(data))
            ) from error
        self._note(entry, end + len(line))
        return entry

    def read(self, index: int) -> tuple[Entry, bytes]:
        """Returns an entry and its portion; raises UserError where that is damaged."""
        entry = self.entries[index]
        with self.path.open("rb") as file:
            file.seek(self._places[index])
            data = file.read(entry.size)
        if hashlib.sha256(data).hexdigest() != entry.sha256:
            raise self._damaged(index)
        return entry, data

    def _end(self) -> int:
        return self._places[-1] + self.entries[-1].size if self.entries else 0

    def _note(self, entry: Entry, place: int) -> None:
        self.entries.append(entry)
        self._places.append(place)
        self._next[entry.worker] = entry.sequence + 1

    def _damaged(self, index: int) -> UserError:
        return UserError(
            f"{self.path}: portion {index} is damaged, so the run cannot be learned from it again; restore "
            "the file from a backup, or begin another run with --name"
        )

    def _scan(self) -> None:
        """Finds the entries, and takes off what follows the last whole one."""
        total = self.path.stat().st_size
        with self.path.open("rb") as file:
            while line := file.readline():
                place = file.tell()
                try:
                    entry = Entry(**json.loads(line))
                    whole = line.endswith(b"\n") and place + entry.size <= total
                    in_order = entry.sequence == self._next.get(entry.worker, 0)
                except (ValueError, TypeError, AttributeError):
                    whole = in_order = False
                    entry = None
                if entry is None or not whole:
                    if place < total and entry is None and line.endswith(b"\n"):
                        raise self._damaged(len(self.entries))
                    break
                if not in_order:
                    raise self._damaged(len(self.entries))
                self._note(entry, place)
                file.seek(place + entry.size)
        if self.entries and self._torn(len(self.entries) - 1):
            last = self.entries.pop()
            self._places.pop()
            self._next[last.worker] = last.sequence
        os.truncate(self.path, self._end())

    def _torn(self, index: int) -> bool:
        """Returns whether an entry's bytes never reached the disk, though the file is long enough."""
        try:
            self.read(index)
        except UserError:
            return True
        return False
