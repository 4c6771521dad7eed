# Numba is partly typed.
# pyright: basic, reportPrivateImportUsage=false, reportAttributeAccessIssue=false
"""How the kernels are compiled: parts into kernels, and kernels once for all processes.

Numba keeps compiled kernels on disk, but watches only the file of the kernel itself. These are made of parts
and constants from several files: so their machine code is kept in a directory that is named by all of them.
"""

import hashlib
import importlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba

# By `sys.platform`, where OpenMP's library comes from.
OPENMP = {
    "linux": "install libgomp1 (Debian: apt-get install libgomp1; Fedora: dnf install libgomp)",
    "darwin": "install LLVM's OpenMP (brew install libomp, or conda install llvm-openmp)",
    "win32": "install Microsoft's Visual C++ Redistributable",
}


def threading_layer() -> str:
    """Returns Numba's layer for the search's threads: "omp", or "workqueue" and a line that says why.

    "workqueue", which needs no library, costs 5 ms at each change between Numba's and torch's threads.
    """
    try:
        importlib.import_module("numba.np.ufunc.omppool")
    except ImportError as error:
        remedy = OPENMP.get(sys.platform, "install OpenMP's library")
        why = " ".join(str(error).split())[:100]
        print(
            f"note: Numba finds no OpenMP ({why}): AlphaZero's search uses slower threads; {remedy}",
            file=sys.stderr,
        )
        return "workqueue"
    return "omp"


if "NUMBA_THREADING_LAYER" not in os.environ:
    numba.config.THREADING_LAYER = threading_layer()

part = numba.njit(error_model="numpy", _nrt=False, forceinline=True)  # pyright: ignore[reportCallIssue]
"""Compiles a part of a kernel. It allocates nothing, so counting references would only take time; and inlined
it need not be handed all the arrays of a `TreeArrays`, which takes longer than most parts do."""


def kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compiles what is called from Python."""
    return _kept(function, parallel=False)


def parallel_kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compiles what is called from Python and runs its `prange` over many trees at once.

    What such a loop does is always a function of its own: Numba (0.68) loses what the loop itself writes to
    arrays that are in a tuple.
    """
    return _kept(function, parallel=True)


def cache_directory() -> Path:
    """Returns where the machine code is kept, by a hash of everything that it is compiled from.

    Under `$NUMBA_CACHE_DIR`, else `$XDG_CACHE_HOME/quadrivium`, else `~/.cache/quadrivium`.
    """
    digest = hashlib.sha256(numba.__version__.encode())
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.name.encode() + source.read_bytes())
    root = os.environ.get("NUMBA_CACHE_DIR") or Path(
        os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "quadrivium"
    )
    return Path(root, f"search-{digest.hexdigest()[:16]}")


_DIRECTORY = str(cache_directory())


def _kept(function: Callable[..., Any], parallel: bool) -> Callable[..., Any]:
    compiled = numba.njit(parallel=parallel, error_model="numpy")(function)
    previous = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = _DIRECTORY
    try:
        compiled.enable_caching()
    except RuntimeError:  # nothing can be written there: compiled anew in each process
        pass
    finally:
        numba.config.CACHE_DIR = previous
    return compiled
