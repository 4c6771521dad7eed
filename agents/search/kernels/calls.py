"""What a kernel is called with: a record of addresses, as every job of the engine."""

from typing import Any, NamedTuple

import numba
import numpy as np

from quadrivium.agents.search.kernels.layout import roots_arrays, tree_arrays
from quadrivium.envs.core.native import Params


class GumbelRule(NamedTuple):
    """What selection needs of a `GumbelConfig`."""

    c_visit: np.float32
    c_scale: np.float32
    rescale: bool
    solver: bool


class PuctRule(NamedTuple):
    """What selection needs of a `PuctConfig`.

    `normalise` maps values to [-1, 1] by the range met; `growth` is how many nodes a simulation may make.
    """

    cpuct: np.float32
    fpu: np.float32
    root_fpu: np.float32
    solver: bool
    normalise: bool
    growth: int


class BackupRule(NamedTuple):
    """How values are backed up."""

    discount: np.float32
    solver: bool


CALL = np.dtype(
    [
        ("arrays", "i8"),  # addresses: of the trees' words, as of those below by `native.pack`,
        ("rule", "i8"),
        ("roots", "i8"),
        ("trees", "i8"),  # of the trees (n,) int64 to work on,
        ("count", "i8"),  # n
        ("numbers", "i8"),  # of a number for each (n,) int64: a count, a move, a mover,
        ("scores", "i8"),  # of (n, A) float32, or of (n, C),
        ("width", "i8"),  # C
        ("over", "i8"),  # of (n,) int8,
        ("returns", "i8"),  # of (n, players) float32,
        ("players", "i8"),
        ("logits", "i8"),  # of what an evaluator says of m positions, (m, A) float32,
        ("values", "i8"),  # (m,) float32,
        ("draws", "i8"),  # (m,) float32,
        ("legal", "i8"),  # and of their legal actions (m, A) int8
        ("positions", "i8"),  # m; for `gather_results`, those listed before
        ("any_order", "i8"),  # whether roots' edges may be tried in any order
        ("places", "i8"),  # of (n, 3, N) int64 to work in
    ],
    align=True,
)
"""What a kernel is called with; what it does not need is 0."""

_type_of: Any = numba.typeof
TREES = Params(_type_of(tree_arrays(0, 0, 0, 0)))
ROOTS = Params(_type_of(roots_arrays(0, 0)))
GUMBEL_RULE = Params(_type_of(GumbelRule(np.float32(0), np.float32(0), True, True)))
PUCT_RULE = Params(_type_of(PuctRule(np.float32(0), np.float32(0), np.float32(0), True, True, 1)))
BACKUP_RULE = Params(_type_of(BackupRule(np.float32(0), True)))
