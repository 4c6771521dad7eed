"""A program that is spoken to line by line: started, asked, watched, and killed with all that it started."""

import contextlib
import io
import os
import queue
import shlex
import shutil
import signal
import subprocess
import threading
import time
import weakref
from collections import deque
from typing import IO, cast

from quadrivium.agents.arena.players import EngineError
from quadrivium.agents.errors import UserError

PACKAGES = {"gnugo": "gnugo", "stockfish": "stockfish", "gnuchess": "gnuchess"}  # what Debian calls them
GAME_DIRECTORIES = ("/usr/games", "/usr/local/games")  # Debian's; root's PATH lacks them
MAX_LINE = 65_536  # characters; a longer one comes in pieces
MAX_WAITING = 10_000  # lines; a program that says more unasked waits until someone listens
GOODBYE_SECONDS = 1.0


def engine_command(text: str) -> list[str]:
    """Returns the words of a shell-like command, its program as a path.

    Raises UserError if it does not parse, names no program or one that is not installed.
    """
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise UserError(f"engine command {text!r}: {error}; quote as in a shell") from None
    if not words:
        raise UserError(
            "the engine's command is missing; write, for example, gtp:gnugo --mode gtp or uci:stockfish"
        )
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), *GAME_DIRECTORIES])
    program = shutil.which(words[0], path=path)
    if program is None:
        package = PACKAGES.get(words[0])
        remedy = f"apt-get install {package}, say, or give" if package else "install it, or give"
        raise UserError(f"engine {words[0]!r} is not installed; {remedy} the program's path")
    return [program, *words[1:]]


class EngineProcess:
    """A running program, spoken to over its standard input and output, in a process group of its own.

    What it writes to standard error is read away, and its last two lines quoted when it dies. Whatever goes
    wrong is an EngineError of one line, and the program is dead after it. One thread at a time calls.

    Args:
        command: the program and its arguments. Raises EngineError if it cannot be started.
        name: what errors call it.
    """

    def __init__(self, command: list[str], name: str) -> None:
        self.name = name
        try:
            # Unbuffered, so that a write fails here and not when a buffer is thrown away.
            popen: subprocess.Popen[bytes] = subprocess.Popen(
                command,
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,  # Ctrl-C is ours to handle; and the whole group can be killed
            )
        except OSError as error:
            raise EngineError(
                f"{name} cannot be started: {error.strerror or error}; check {command[0]}"
            ) from None
        self._popen = popen
        self._stdin = cast(IO[bytes], popen.stdin)
        self._lines: queue.Queue[str | None] = queue.Queue(MAX_WAITING)  # None: it said its last
        self._complaints: deque[str] = deque(maxlen=20)  # the last lines of standard error
        self._stopped = threading.Event()
        self._readers = [
            threading.Thread(
                target=_read_lines, args=(popen.stdout, self._lines, self._stopped), daemon=True
            ),
            threading.Thread(target=_read_complaints, args=(popen.stderr, self._complaints), daemon=True),
        ]
        for reader in self._readers:
            reader.start()
        self._kill_at_exit = weakref.finalize(self, _kill_group, popen.pid)

    @property
    def alive(self) -> bool:
        """Whether it was neither killed nor found dead."""
        return not self._stopped.is_set()

    @property
    def pid(self) -> int:
        """The process's number, and its group's."""
        return self._popen.pid

    def send(self, line: str) -> None:
        """Says a line; raises EngineError if the program has ended."""
        if not self.alive:
            raise EngineError(f"{self.name} is not running")
        try:
            self._stdin.write(f"{line}\n".encode())
        except OSError:
            raise self._died(line) from None

    def read(self, deadline: float, awaited: str) -> str:
        """Returns the next line without its end.

        deadline: by `time.monotonic`. awaited: what it is to answer, for errors. Raises EngineError past the
            deadline and when the program has ended.
        """
        if not self.alive:
            raise EngineError(f"{self.name} is not running")
        try:
            seconds = deadline - time.monotonic()
            if seconds <= 0:  # even if it talks on and on
                raise queue.Empty
            line = self._lines.get(timeout=seconds)
        except queue.Empty:
            self.kill()
            raise EngineError(f"{self.name} did not answer {awaited[:60]!r} in time") from None
        if line is None:
            raise self._died(awaited)
        return line

    def close(self, farewell: str = "quit") -> None:
        """Says goodbye, waits a second for the program to end, and kills what is left of its group."""
        if self.alive:
            with contextlib.suppress(OSError):
                self._stdin.write(f"{farewell}\n".encode())
                self._stdin.close()
            _wait_for_end(self._popen.pid, GOODBYE_SECONDS)
        self.kill()

    def kill(self) -> None:
        """Kills the program and all that it started; may be called twice."""
        if not self.alive:
            return
        self._stopped.set()
        # Killed before it is waited for: until then the number of a dead group's leader is not given away.
        self._kill_at_exit()
        self._popen.wait()
        self._stdin.close()
        for reader in self._readers:
            # Someone who left the group may hold its pipe open; then the thread stays with it.
            reader.join(timeout=GOODBYE_SECONDS)

    def _died(self, awaited: str) -> EngineError:
        """Returns the error that says how the program ended."""
        ended = _wait_for_end(self._popen.pid, GOODBYE_SECONDS)
        self.kill()
        code = self._popen.returncode
        if not ended:
            how = "closed its output"
        elif code < 0:
            how = f"was ended by {signal.Signals(-code).name}"
        else:
            how = f"ended with exit code {code}"
        last = " / ".join([line.strip() for line in self._complaints if line.strip()][-2:])
        words = f"; it said: {last[:200]}" if last else ""
        return EngineError(f"{self.name} {how} instead of answering {awaited[:60]!r}{words}")


def _read_lines(pipe: IO[bytes], lines: "queue.Queue[str | None]", stopped: threading.Event) -> None:
    """Puts every line into `lines`, then None; gives up when nobody listens any more."""
    with io.BufferedReader(cast(io.RawIOBase, pipe)) as reader:
        while line := reader.readline(MAX_LINE):
            if not _put(lines, line.decode(errors="replace").rstrip("\r\n"), stopped):
                return
    _put(lines, None, stopped)


def _put(lines: "queue.Queue[str | None]", line: str | None, stopped: threading.Event) -> bool:
    while not stopped.is_set():
        try:
            lines.put(line, timeout=0.1)
        except queue.Full:
            continue
        return True
    return False


def _read_complaints(pipe: IO[bytes], complaints: deque[str]) -> None:
    with io.BufferedReader(cast(io.RawIOBase, pipe)) as reader:
        while line := reader.readline(MAX_LINE):
            complaints.append(line.decode(errors="replace"))


def _wait_for_end(pid: int, seconds: float) -> bool:
    """Waits until the process has ended, and leaves it to be waited for; returns whether it has."""
    deadline = time.monotonic() + seconds
    while os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is None:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):  # the group has ended
        os.killpg(pid, signal.SIGKILL)
