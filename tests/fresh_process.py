"""Runs modules that a test writes in Python processes of their own, with their own machine-code cache."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]


def runner(folder: Path, sources: Mapping[str, str], module: str) -> Callable[[], dict[str, Any]]:
    """Writes `sources` (name to text) into `folder`.

    Returns a function that calls `module.main()` in a new process and gives back the JSON that it prints.
    """
    for name, text in sources.items():
        (folder / f"{name}.py").write_text(text)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("NUMBA_")}
    environment |= {"XDG_CACHE_HOME": str(folder / "cache"), "PYTHONPATH": str(ROOT)}

    def run() -> dict[str, Any]:
        result = subprocess.run(
            [sys.executable, "-c", f"import {module}; {module}.main()"],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert result.returncode == 0, result.stderr
        return json.loads(result.stdout)

    return run
