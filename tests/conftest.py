"""What every test needs: no screen, no window, and few threads."""

import os

# Set before pygame, matplotlib and torch are imported by any test.
os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
os.environ.setdefault("SDL_AUDIODRIVER", "dummy")
os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
os.environ.setdefault("MPLBACKEND", "Agg")
# Small networks gain nothing from threads, and the test workers already use the cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Several test processes share the cores: a thread that waits must not burn the core another one needs.
os.environ.setdefault("GOMP_SPINCOUNT", "0")
