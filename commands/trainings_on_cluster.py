"""Trainings all over a cluster: the seeds of a config, and those who work on a sweep.

What they write is in the folder where the command was started, which all machines share. What a lost machine
trained goes on on another one.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from queue import Empty, SimpleQueue
from subprocess import Popen
from types import FrameType

from quadrivium.agents.cluster.connection import Cluster
from quadrivium.agents.cluster.head import Address
from quadrivium.agents.cluster.workers import Call, WorkerLost
from quadrivium.agents.cluster.workforce import Workforce
from quadrivium.agents.training.signals import on_stop_signals
from quadrivium.commands.training_process import start_training
from quadrivium.commands.workplace import enter, named

_LISTEN_S = 0.5  # between questions for new lines


class Trainer:
    """What a worker holds: one training at a time, in a process that ends with it."""

    def __init__(self, folder: Path, program: str) -> None:
        with named():
            enter(folder)
        self._program = program
        self._lines: SimpleQueue[str] = SimpleQueue()
        self._process: Popen[str] | None = None
        self._stop = False

    def train(self, arguments: Sequence[str]) -> int:
        """Trains; returns the exit code."""
        process = self._process = start_training(arguments, self._program, heard=True, bound=True)
        if self._stop:
            process.send_signal(signal.SIGINT)
        for line in process.stdout or ():
            self._lines.put(line.rstrip())
        return process.wait()

    def stop(self) -> None:
        """Asks the training to save and end."""
        self._stop = True
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)

    def lines(self) -> list[str]:
        """Returns what it has printed since the last call."""
        found: list[str] = []
        while True:
            try:
                found.append(self._lines.get_nowait())
            except Empty:
                return found


def train_on_cluster(
    address: Address,
    commands_for: Callable[[int], Mapping[int, Sequence[str]]],
    say: Callable[[str], None],
    cpus: int,
    most: int | None,
    kind: str,
    again: Callable[[Sequence[str]], Sequence[str]],
) -> tuple[dict[int, int], bool]:
    """Trains by command lines, by number; returns their exit codes, and whether it was stopped.

    commands_for: what is trained, where there is room for so many at once. cpus: of each. most: at once;
    None: as many as there is room for. kind: of what is numbered, for people. again: how one goes on that was
    lost.
    """
    codes, stopped = dict[int, int](), False

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal stopped
        if stopped:
            raise KeyboardInterrupt
        stopped = True

    with Cluster(address) as cluster, on_stop_signals(stop):
        folder = Path.cwd()
        workforce = Workforce(
            cluster,
            lambda number: (Trainer, (folder, sys.argv[0])),
            cpus=cpus,
            most=most,
            threads=2,  # a training, and who asks about it
            notify=say,
        )
        say(f"cluster: {cluster.nodes} nodes, room for {workforce.room} runs at once")
        commands = commands_for(workforce.room)
        waiting = dict(commands)
        at_work: dict[Call, tuple[int, int]] = {}  # by training: its worker's number, its own
        told = False
        try:
            while at_work or (waiting and not stopped):
                free = [] if stopped else list(workforce.fill(len(waiting) + len(at_work)))
                free += [one for one in workforce.workers if one not in {n for n, _ in at_work.values()}]
                for number in dict.fromkeys(free):
                    if waiting and not stopped:
                        one = next(iter(waiting))
                        call = workforce.workers[number].call("train", list(waiting.pop(one)))
                        at_work[call] = number, one
                if stopped and not told:
                    told = True
                    for number, _ in at_work.values():
                        workforce.workers[number].call("stop")
                done = cluster.wait(list(at_work), _LISTEN_S)
                for call, (number, one) in list(at_work.items()):
                    try:
                        for line in workforce.workers[number].call("lines").result():
                            say(f"{kind} {one} | {line}")
                        if call in done:
                            codes[one] = call.result()
                            del at_work[call]
                            workforce.succeeded()
                    except WorkerLost as error:
                        del at_work[call]
                        workforce.lose(number, error, f"{kind} {one} goes on elsewhere")
                        waiting[one] = again(commands[one])
        finally:
            workforce.stop()
    return codes, stopped
