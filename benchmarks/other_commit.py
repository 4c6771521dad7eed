"""This checkout beside another commit's: where it lies, and programs that run in both, each in its own
process.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
BASE = "8a91f8e"
"""The last commit at which each launcher compiled its world for itself."""


@contextmanager
def checkout(base: str) -> Generator[Path]:
    """Yields the folder `base`, or a temporary one with the files of the commit `base`."""
    if Path(base).is_dir():
        yield Path(base).resolve()
        return
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "base"
        git = ["git", "-C", str(ROOT), "worktree"]
        subprocess.run([*git, "add", "--detach", str(target), base], check=True, capture_output=True)
        try:
            yield target
        finally:
            subprocess.run([*git, "remove", "--force", str(target)], check=True, capture_output=True)


def run_in(root: Path, program: str, argument: Any, cache: Path | None = None) -> Any:
    """Returns what `program` prints as its last line, JSON, when it is run with `argument` in a checkout.

    program: Python source that reads its argument, JSON, from `sys.argv[1]`. cache: where the checkout keeps
    machine code; None: a folder of its own that is empty and goes afterwards.
    """
    if not (root / "quadrivium").exists():  # a commit before there was one name
        program = program.replace("from quadrivium import envs", "import envs").replace("quadrivium.", "")
        program = program.replace("import quadrivium\n", "import envs\n")
    with tempfile.TemporaryDirectory() as folder:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("NUMBA_")}
        environment |= {"PYTHONPATH": str(root), "XDG_CACHE_HOME": str(cache or folder)}
        done = subprocess.run(
            [sys.executable, "-c", program, json.dumps(argument)],
            cwd=root,
            env=environment,
            capture_output=True,
            text=True,
        )
    if done.returncode:
        raise RuntimeError(f"the program failed in {root}:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])
