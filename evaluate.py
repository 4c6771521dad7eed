"""Measures trained agents, compares players, plays tournaments: see `python evaluate.py --help`."""

import sys

from quadrivium.commands.evaluate import main

if __name__ == "__main__":
    sys.exit(main())
