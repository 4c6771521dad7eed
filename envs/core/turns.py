# A kernel file: a record has no static type.
# pyright: basic, reportMissingParameterType=false, reportPrivateImportUsage=false, reportAttributeAccessIssue=false
"""Whose turn it is: worlds that have many maps give them to lanes and episodes in turn."""

import numpy as np

from quadrivium.envs.core.lane import lane

# Primes, so that an environment walks through all; the second where the first divides their number.
_STRIDE, _OTHER_STRIDE = np.uint64(7919), np.uint64(7907)


@lane
def turn_of(s, count):
    """Returns whose turn it is of so many: environment k begins with number k, and walks on through all."""
    count = np.uint64(count)
    stride = _STRIDE if count % _STRIDE != np.uint64(0) else _OTHER_STRIDE
    return np.int32((s.seed + (s.episode - np.uint64(1)) * stride) % count)
