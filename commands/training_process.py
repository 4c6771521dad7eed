"""A training in a process of its own, which does not outlive the one that started it."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import quadrivium

_TRAIN = """import os, signal, sys, threading, time
sys.argv[0], parent = sys.argv.pop(1), int(sys.argv.pop(1))  # what hints call the program by; who started it

def watch():
    while os.getppid() == parent:
        time.sleep(0.2)
    os.kill(os.getpid(), signal.SIGKILL)

if parent:
    threading.Thread(target=watch, daemon=True).start()
from quadrivium.commands.train import main
sys.exit(main(sys.argv[1:]))
"""


def start_training(
    arguments: Sequence[str], program: str, *, heard: bool, bound: bool = False
) -> subprocess.Popen[str]:
    """Starts `train.py ARGUMENTS`, out of reach of the terminal's signals.

    Args:
        arguments: of the command line.
        program: what hints call the program by.
        heard: what it prints comes through a pipe, else to the terminal.
        bound: it is killed when this process ends, however it ends.
    """
    home = str(Path(quadrivium.__file__).resolve().parents[1])
    path = os.pathsep.join(filter(None, [home, os.environ.get("PYTHONPATH", "")]))
    parent = os.getpid() if bound and os.name != "nt" else 0  # Windows has no parents to ask for
    return subprocess.Popen(
        [sys.executable, "-u", "-c", _TRAIN, program, str(parent), *arguments],
        env=os.environ | {"PYTHONPATH": path},
        stdout=subprocess.PIPE if heard else None,
        stderr=subprocess.STDOUT if heard else None,
        text=True,
        encoding="utf-8",
        start_new_session=True,  # so that a signal of the terminal reaches it once, through us
    )
