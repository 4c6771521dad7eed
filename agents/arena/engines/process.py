"""A program that is spoken to line by line: started, asked, watched, and killed with all that it started."""

import contextlib
import io
import os
import queue
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections import deque
from pathlib import Path
from typing import IO, cast

from quadrivium.agents.arena.engines.watcher import WATCHER, kill_group
from quadrivium.agents.arena.players import Ended, EngineError, OutOfTime
from quadrivium.agents.errors import UserError

INSTALL = {  # by `sys.platform`, how packages are installed and what they are called there
    "linux": ("apt-get install", {"gnugo": "gnugo", "stockfish": "stockfish", "gnuchess": "gnuchess"}),
    "darwin": ("brew install", {"gnugo": "gnu-go", "stockfish": "stockfish"}),
}
GAME_DIRECTORIES = ("/usr/games", "/usr/local/games")  # Debian's; root's PATH lacks them
MAX_LINE = 65_536  # characters; a longer one comes in pieces
MAX_WAITING = 10_000  # lines; a program that says more unasked waits until someone listens
GOODBYE_SECONDS = 1.0


def engine_command(text: str) -> list[str]:
    """Returns the words of a shell-like command, its program as a path.

    Raises UserError if it does not parse, names no program, one that is not installed or may not be executed.
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
        raise _missing(words[0], path)
    return [program, *words[1:]]


def _missing(program: str, path: str) -> UserError:
    """Returns the error for a program that cannot be executed, or is not there."""
    given = bool(os.path.dirname(program))
    for file in [Path(program)] if given else [Path(folder, program) for folder in path.split(os.pathsep)]:
        if given and file.is_dir():
            return UserError(f"engine {program!r} is a folder; give the path of the program in it")
        if file.is_file():
            return UserError(
                f"engine {str(file)!r} may not be executed; allow it: chmod +x {shlex.quote(str(file))}"
            )
    if given:
        return UserError(f"engine {program!r} is not there; check the path")
    install, packages = INSTALL.get(sys.platform, ("", {}))
    remedy = f"{install} {packages[program]}, say, or give" if program in packages else "install it, or give"
    return UserError(f"engine {program!r} is not installed; {remedy} the program's path")


class EngineProcess:
    """A running program, spoken to over its standard input and output, in a process group of its own.

    What it writes to standard error is read away. When it dies or hangs, its last lines are quoted, also
    those on its output, where some say why they end. Whatever goes wrong is an EngineError of one line
    (OutOfTime, Ended), and
    the program is dead after it, as it is when this process ends, however that ends. One thread at a time
    calls.

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
                creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),  # the same on Windows
            )
        except OSError as error:
            raise Ended(f"{name} cannot be started: {error.strerror or error}; check {command[0]}") from None
        self._popen = popen
        self._stdin = cast(IO[bytes], popen.stdin)
        self._lines: queue.Queue[str | None] = queue.Queue(MAX_WAITING)  # None: it said its last
        self._heard: deque[str] = deque(maxlen=2)  # the last lines of its output since it was spoken to
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
        WATCHER.add(popen.pid)
        self._kill_at_exit = weakref.finalize(self, _end_group, popen.pid)

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
            raise Ended(f"{self.name} is not running")
        self._heard.clear()
        try:
            self._stdin.write(f"{line}\n".encode())
        except OSError:
            raise self._died(line) from None

    def read(self, deadline: float, awaited: str) -> str:
        """Returns the next line without its end.

        deadline: by `time.monotonic`. awaited: what it is to answer, for errors. Raises EngineError past the
            deadline and when the program has ended.
        """
        line = self.listen(deadline, awaited)
        if line is None:
            self.kill()
            raise OutOfTime(f"{self.name} did not answer {awaited[:60]!r} in time{self._last_words()}")
        return line

    def listen(self, deadline: float, awaited: str) -> str | None:
        """Returns the next line as `read` does, None past the deadline; the program goes on."""
        if not self.alive:
            raise Ended(f"{self.name} is not running")
        seconds = deadline - time.monotonic()
        if seconds <= 0:  # even if it talks on and on
            return None
        try:
            line = self._lines.get(timeout=min(seconds, threading.TIMEOUT_MAX))
        except queue.Empty:
            return None
        if line is None:
            raise self._died(awaited)
        self._heard.append(line)
        return line

    def close(self, farewell: str = "quit") -> None:
        """Says goodbye, waits a second for the program to end, and kills what is left of its group."""
        if self.alive:
            with contextlib.suppress(OSError):
                self._stdin.write(f"{farewell}\n".encode())
                self._stdin.close()
            _wait_for_end(self._popen, GOODBYE_SECONDS)
        self.kill()

    def kill(self) -> None:
        """Kills the program and all that it started; may be called twice."""
        if not self.alive:
            return
        self._stopped.set()
        # Killed before it is waited for: until then the number of a dead group's leader is not given away.
        self._kill_at_exit()
        self._popen.kill()  # where there are no groups, and the system did not find it
        self._popen.wait()
        self._stdin.close()
        for reader in self._readers:
            # Someone who left the group may hold its pipe open; then the thread stays with it.
            reader.join(timeout=GOODBYE_SECONDS)

    def _died(self, awaited: str) -> EngineError:
        """Returns the error that says how the program ended."""
        ended = _wait_for_end(self._popen, GOODBYE_SECONDS)
        if ended:
            self._readers[0].join(timeout=GOODBYE_SECONDS)  # reads what it said before it ended
        with contextlib.suppress(queue.Empty):
            while (line := self._lines.get_nowait()) is not None:
                self._heard.append(line)
        self.kill()
        code = self._popen.returncode
        if not ended:
            how = "closed its output"
        elif code < 0:
            how = f"was ended by {signal.Signals(-code).name}"
        else:
            how = f"ended with exit code {code}"
        return Ended(f"{self.name} {how} instead of answering {awaited[:60]!r}{self._last_words()}")

    def _last_words(self) -> str:
        """Returns what it said last, on its output and on standard error, to go on a message; or nothing."""
        heard, complaints = (
            [line.strip() for line in said if line.strip()] for said in (self._heard, self._complaints)
        )
        words = " / ".join(heard + complaints[-2:])
        return f"; it said: {words[:200]}" if words else ""


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


def _wait_for_end(popen: "subprocess.Popen[bytes]", seconds: float) -> bool:
    """Waits until the process has ended; returns whether it has."""
    deadline = time.monotonic() + seconds
    while not _has_ended(popen):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


def _has_ended(popen: "subprocess.Popen[bytes]") -> bool:
    if hasattr(os, "waitid"):  # leaves it to be waited for, so that its number is not yet given away
        return os.waitid(os.P_PID, popen.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None
    return popen.poll() is not None  # Windows, and macOS before Python 3.13


def _end_group(pid: int) -> None:
    kill_group(pid)
    WATCHER.discard(pid)
