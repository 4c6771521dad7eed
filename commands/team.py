"""Several trainings at once, each in a process: told to stop, all of them save."""

import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from types import FrameType

from quadrivium.agents.errors import program
from quadrivium.commands.training_process import start_training


class Team:
    """The trainings that go on; told to stop, each of them saves, and no other one begins.

    Args:
        say: prints a line.
        kind: what their numbers are of, such as "seed".
        alone: one at a time, which has the terminal for itself.
        bound: they are killed when this process ends, however it ends.
    """

    def __init__(self, say: Callable[[str], None], kind: str, *, alone: bool, bound: bool = False) -> None:
        self._say, self._kind, self._alone, self._bound = say, kind, alone, bound
        self._running: set[subprocess.Popen[str]] = set()
        self._lock = threading.Lock()
        self.stopped = False

    def train(self, task: tuple[int, Sequence[str]]) -> int:
        """Runs `train.py` with the arguments of a numbered task; returns the exit code, or 0 where none is to
        begin any more.
        """
        number, arguments = task
        with self._lock:
            if self.stopped:
                return 0
            if self._alone:
                self._say(f"{self._kind} {number}: {program('train')} {shlex.join(arguments)}")
            process = start_training(arguments, sys.argv[0], heard=not self._alone, bound=self._bound)
            self._running.add(process)
            if self.stopped:  # just now, when nobody knew of this one
                process.send_signal(signal.SIGINT)
        for line in process.stdout or ():
            self._say(f"{self._kind} {number} | {line.rstrip()}")
        code = process.wait()
        with self._lock:
            self._running.discard(process)
        return code

    def pass_on(self, number: int, frame: FrameType | None) -> None:
        """Hands a signal on to all that train, and lets no other one begin."""
        self.stopped = True
        for process in list(self._running):
            process.send_signal(number)
