"""A run directory is written by one process at a time, and every write in it is whole or absent.

Holds the lock, the durable writes and `metrics.jsonl`. Checkpoints are in `checkpoint.py`; the format and
what it promises are described in docs/run_directory.md.
"""

from __future__ import annotations

import errno
import json
import math
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from quadrivium.agents.errors import UserError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

# Windows lets nobody read a byte that is locked, so the one that is lies far behind the process's number.
_LOCKED_BYTE = 1 << 30
FULL_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def human_bytes(count: float) -> str:
    """`1536` becomes `1.5 kB` (decimal units, as disks are sold)."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def describe_write_error(error: OSError, what: str, directory: Path, needed_bytes: int) -> str:
    """One line about a failed write: what failed, how much it needs and what is free, what to do."""
    if error.errno in FULL_DISK:
        reason = {errno.ENOSPC: "the disk is full", errno.EDQUOT: "the disk quota is used up"}
        free = human_bytes(shutil.disk_usage(directory).free)
        return (
            f"{reason.get(error.errno, 'a file-size limit was hit')}: {what} needs about "
            f"{human_bytes(needed_bytes)}, {free} are free in {directory}; nothing saved earlier is lost: "
            "free some space (or raise the limit) and go on with --resume"
        )
    return f"{what} cannot be written in {directory}: {error.strerror or error}; make the directory writable"


def fsync_directory(path: Path) -> None:
    """Makes the names in `path` (creations and renames) survive a power cut."""
    if os.name == "nt":  # directories cannot be opened there; NTFS journals renames itself
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_durably(path: Path, data: bytes) -> None:
    """Creates or replaces `path` with `data`, on the disk when this returns."""
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def write_atomically(path: Path, data: bytes) -> None:
    """Replaces `path` by `data`: a reader, and a crash at any moment, finds the old bytes or the new ones."""
    staged = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        write_durably(staged, data)
        staged.replace(path)
        fsync_directory(path.parent)
    except BaseException:
        staged.unlink(missing_ok=True)
        raise


class RunLock:
    """While held, no other process can hold the lock of the same run directory.

    The kernel lets go of it when the process ends, however it ends, so a lock is never stale.

    Args:
        run_dir: what is locked; it is made if there is none.
        wait: until who holds the lock lets go of it.

    Raises:
        UserError: another process holds it, and `wait` is False; the message names its process id.
    """

    def __init__(self, run_dir: Path | str, *, wait: bool = False) -> None:
        self.path = Path(run_dir) / ".lock"
        self._wait = wait
        self._descriptor: int | None = None

    def __enter__(self) -> RunLock:
        # O_NOFOLLOW: a planted link must not make us write our process id into somebody's file.
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self.path, flags, 0o644)
        except OSError as error:
            raise UserError(
                f"{self.path} cannot be opened for writing ({error.strerror}); expected a run directory "
                "of your own: choose another run name, or make the directory writable"
            ) from error
        try:
            _lock(descriptor, self._wait)
        except OSError as error:
            holder = os.read(descriptor, 32).decode("ascii", "replace").strip() or "unknown"
            os.close(descriptor)
            raise UserError(
                f"{self.path.parent} is being written by process {holder}; expected a run directory "
                "that nobody writes: wait for that process, stop it, or choose another run name"
            ) from error
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode("ascii"))
        self._descriptor = descriptor
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)  # the file stays: removing it would let two processes lock two files
            self._descriptor = None


def _lock(descriptor: int, wait: bool) -> None:
    """Locks an open file until it is closed; raises OSError where another descriptor holds the lock.

    wait: for it (on Windows for ten seconds at most).
    """
    if fcntl is not None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        return
    import msvcrt

    os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
    try:
        mode = msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK  # pyright: ignore[reportAttributeAccessIssue]
        msvcrt.locking(descriptor, mode, 1)  # pyright: ignore[reportAttributeAccessIssue]
    finally:
        os.lseek(descriptor, 0, os.SEEK_SET)


class MetricsLog:
    """`metrics.jsonl`: one JSON object a line, each with its integer `step`, in order of writing."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)

    def append(self, step: int, row: Mapping[str, Any]) -> None:
        """Adds `{"step": step, **row}` as one line. Numbers that are not finite are written as null.

        Raises:
            UserError: the row cannot be written (a full disk, say). The file is as before.
        """
        line = json.dumps({"step": int(step)} | {key: _plain(value) for key, value in row.items()}) + "\n"
        data = line.encode()
        size: int | None = None
        try:
            with self.path.open("ab", buffering=0) as file:
                size = file.seek(0, os.SEEK_END)
                rest = memoryview(data)
                while rest:  # a nearly full disk takes a part, and says why at the next write
                    rest = rest[file.write(rest) :]
        except OSError as error:
            if size is not None:
                os.truncate(self.path, size)  # a torn line would swallow the next one
            message = describe_write_error(error, self.path.name, self.path.parent, len(data))
            raise UserError(message) from error

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yields the whole rows; a last line torn by a crash is not one."""
        if not self.path.exists():
            return
        with self.path.open("rb") as file:
            for line in file:
                try:
                    row = json.loads(line)
                except (ValueError, RecursionError):
                    continue
                if line.endswith(b"\n") and isinstance(row, dict) and type(row.get("step")) is int:
                    yield row

    def truncate_after(self, step: int) -> int:
        """Keeps the whole rows up to and with `step`, atomically; returns how many lines were dropped.

        Called at a resume: what was logged after the checkpoint is about to be logged again.
        """
        if not self.path.exists():
            return 0
        kept = [json.dumps(row) for row in self.rows() if row["step"] <= step]
        dropped = sum(1 for _ in self.path.open("rb")) - len(kept)
        if dropped:
            write_atomically(self.path, "".join(f"{line}\n" for line in kept).encode())
        return dropped


def _plain(value: Any) -> Any:
    """NumPy and torch scalars become Python numbers; NaN and infinities, which JSON lacks, become None."""
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
