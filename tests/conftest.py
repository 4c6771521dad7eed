"""What every test needs: no screen, no window, and few threads."""

import os
from collections import Counter

import pytest

# Set before pygame, matplotlib and torch are imported by any test.
os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
os.environ.setdefault("SDL_AUDIODRIVER", "dummy")
os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
os.environ.setdefault("MPLBACKEND", "Agg")
# Small networks gain nothing from threads, and the test workers already use the cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Several test processes share the cores: a thread that waits must not burn the core another one needs.
os.environ.setdefault("GOMP_SPINCOUNT", "0")

LONG = ("tests/commands/", "tests/learning/", "tests/agents/cluster/")
"""Where files are long though they have few tests: these train, and start processes."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts long files first: one that begins last keeps one worker busy while the other has nothing to do."""
    tests = Counter(item.nodeid.partition("::")[0] for item in items)

    def late(item: pytest.Item) -> tuple[bool, int]:
        path = item.nodeid.partition("::")[0]
        return not path.startswith(LONG), -tests[path]

    items.sort(key=late)
