"""Arrays that took long to make, such as banks of maps, kept on disk under a hash of what they are of."""

import contextlib
import hashlib
import os
import time
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np

from quadrivium.envs.core.compile import cache_root

_LONG = 0.5  # s: what is made sooner is not kept


def kept_arrays(
    made_of: bytes, make: Callable[[], tuple[np.ndarray, ...]], sources: tuple[Path, ...]
) -> tuple[np.ndarray, ...]:
    """Returns what `make` returns, read-only: from disk, if it was made of the same before and took long.

    made_of: all that the arrays depend on. sources: the files of the code that makes them.
    """
    path = cache_root() / "maps" / f"{hashlib.sha256(_hash(sources) + made_of).hexdigest()[:32]}.npz"
    arrays = _read(path)
    if arrays is None:
        begin = time.process_time()
        arrays = make()
        if time.process_time() - begin > _LONG:
            _write(path, arrays)
    for array in arrays:
        array.flags.writeable = False
    return arrays


@cache
def _hash(sources: tuple[Path, ...]) -> bytes:
    return hashlib.sha256(b"".join(file.read_bytes() for file in sources)).digest()


def _read(path: Path) -> tuple[np.ndarray, ...] | None:
    try:
        with np.load(path, allow_pickle=False) as stored:
            return tuple(stored[name] for name in stored.files)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):  # none, or half a file: made anew
        return None


def _write(path: Path, arrays: tuple[np.ndarray, ...]) -> None:
    # A folder that cannot be written costs later processes their time only.
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(f".{os.getpid()}.tmp")
        try:
            with unfinished.open("wb") as file:
                np.savez(file, *arrays)
            os.replace(unfinished, path)
        finally:
            unfinished.unlink(missing_ok=True)
