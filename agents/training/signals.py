"""Signals that ask a program to stop."""

import signal
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def on_stop_signals(handler: Callable[[int, FrameType | None], object]) -> Generator[None]:
    """In the block Ctrl-C and SIGTERM call `handler`; not beside the main thread, where Python has none."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = {number: signal.signal(number, handler) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, known in previous.items():
            signal.signal(number, known)
