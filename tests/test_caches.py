"""Machine code is kept where the user keeps such things, never beside the sources, which may be read-only."""

import importlib
import os
import pkgutil
import subprocess
import sys
from pathlib import Path

from numba.core.dispatcher import Dispatcher

import quadrivium

ROOT = Path(__file__).parents[1]
USE = """
import gymnasium, numpy as np
import quadrivium
from quadrivium.agents.search.hashing import hash_bytes
gymnasium.make("quadrivium:quadrivium/PointNav-v0", map_size=24, map_count=2).reset(seed=0)
hash_bytes(np.zeros((2, 3), np.uint8), np.arange(2), np.arange(3))
"""


def test_no_function_that_numba_caches_is_kept_beside_the_sources():
    found = []
    for module in pkgutil.walk_packages(quadrivium.__path__, "quadrivium."):
        for name, value in vars(importlib.import_module(module.name)).items():
            path = getattr(getattr(value, "_cache", None), "cache_path", None)
            if isinstance(value, Dispatcher) and path is not None:
                found.append(f"{module.name}.{name}")
                assert not Path(path).resolve().is_relative_to(ROOT), f"{found[-1]} is kept in {path}"
    assert "quadrivium.envs.navigation.maps.geodesic.distance_field" in found


def test_where_nothing_can_be_written_everything_works_and_nothing_is_said(tmp_path):
    blocked = tmp_path / "a file"
    blocked.touch()
    environment = {k: v for k, v in os.environ.items() if not k.startswith("NUMBA_")}
    environment |= {"XDG_CACHE_HOME": str(blocked), "PYTHONPATH": str(ROOT), "HOME": str(blocked)}
    done = subprocess.run(
        [sys.executable, "-c", USE], env=environment, cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a file"]
