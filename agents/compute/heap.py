"""What the C library does with memory that torch has freed."""

import ctypes
import sys
from functools import cache

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of glibc's <malloc.h>
_KEPT = 256 << 20  # bytes at the end of the heap that are not given back
_LARGE = 32 << 20  # bytes of an array that has pages of its own; glibc takes no more


@cache
def keep_freed_memory() -> bool:
    """From now on freed memory of this process serves the next tensors; returns whether glibc agreed.

    A network's pass allocates tensors of 0.1 to 10 MB and frees them at its end. glibc gives them back to
    Linux each time, which then clears page after page for the next pass: beside the arithmetic of an MLP on
    a minibatch of 1024 that is every seventh second. Other systems' allocators stay as they are.
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
    if mallopt is None:
        return False
    return bool(mallopt(_MMAP_THRESHOLD, _LARGE)) and bool(mallopt(_TRIM_THRESHOLD, _KEPT))
