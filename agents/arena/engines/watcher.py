"""Ends the programs that this process started where it was itself ended by force, and none of its code runs.

A process of its own, which runs this file, waits for the end of a pipe that only its owner holds: the system
closes that however the owner ends. Linux could tell the programs themselves (PR_SET_PDEATHSIG), but does so
when the thread that started them ends, and engines are kept longer than the threads of a match.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable


def kill_group(pid: int) -> None:
    """Kills the process `pid` and all that it started; does nothing where they have ended."""
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
    else:  # Windows has no such groups, but remembers who started whom
        with contextlib.suppress(OSError):
            command = ["taskkill", "/F", "/T", "/PID", str(pid)]
            subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)


class Watcher:
    """Knows which processes are to be killed when this one ends; begins to watch with the first of them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._owner = 0  # the process that the pipe belongs to: the child of a fork needs one of its own
        self._popen: subprocess.Popen[bytes] | None = None

    def add(self, pid: int) -> None:
        """Watches over the leader of a group."""
        self._say(f"+{pid}")

    def discard(self, pid: int) -> None:
        """Forgets one that was killed: its number may soon be another's."""
        self._say(f"-{pid}")

    def _say(self, line: str) -> None:
        with (
            self._lock,
            contextlib.suppress(OSError),
        ):  # without a watcher all works, but for a death by force
            if self._popen is None or self._owner != os.getpid():
                self._owner = os.getpid()
                self._popen = subprocess.Popen(
                    [sys.executable, "-I", "-S", __file__],
                    bufsize=0,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,  # what ends our group must not end it first
                )
            if self._popen.stdin is not None:
                self._popen.stdin.write(f"{line}\n".encode())


WATCHER = Watcher()


def watch(lines: Iterable[str]) -> None:
    """Does what a watcher is told, and at the end of `lines` kills what is left."""
    groups = set[int]()
    for line in lines:
        (groups.add if line[0] == "+" else groups.discard)(int(line[1:]))
    for pid in groups:
        kill_group(pid)


if __name__ == "__main__":
    watch(sys.stdin)
