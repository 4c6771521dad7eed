"""The command `quadrivium`: `python train.py` and `python evaluate.py` where there is no checkout."""

import sys
from collections.abc import Sequence

USAGE = """usage: quadrivium train [CONFIG] [--option value ...]
       quadrivium train sweep SWEEP [--processes N]
       quadrivium evaluate {run,compare,report,walk-forward,tournament,engine,play,audit} ...

quadrivium train --help and quadrivium evaluate --help say more."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    name, *rest = (sys.argv[1:] if argv is None else argv) or ["--help"]
    if name == "train":
        from quadrivium.commands.train import main as train

        return train(rest)
    if name == "evaluate":
        from quadrivium.commands.evaluate import main as evaluate

        return evaluate(rest)
    if name in ("-h", "--help"):
        print(USAGE)
        return 0
    print(f"error: {name} is no command of quadrivium; use train or evaluate", file=sys.stderr)
    return 2
