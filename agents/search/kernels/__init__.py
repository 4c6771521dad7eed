"""Functions on one search tree that run over many trees at once; see `layout` first."""

from quadrivium.agents.search.kernels.calls import BackupRule, GumbelRule, PuctRule
from quadrivium.agents.search.kernels.launching import (
    Judged,
    expand_and_back_up,
    gather_new,
    gather_results,
    keep_subtrees,
    leave_to_chance,
    plant,
    read_roots,
    select_gumbel,
    select_puct,
)
from quadrivium.agents.search.kernels.layout import (
    PROVEN,
    RESTING,
    UNPROVEN,
    Roots,
    TreeArrays,
    edge_arrays,
    roots_arrays,
    tree_arrays,
)
from quadrivium.envs.core.native import pack

__all__ = [
    "PROVEN",
    "RESTING",
    "UNPROVEN",
    "BackupRule",
    "GumbelRule",
    "Judged",
    "PuctRule",
    "Roots",
    "TreeArrays",
    "edge_arrays",
    "expand_and_back_up",
    "gather_new",
    "gather_results",
    "keep_subtrees",
    "leave_to_chance",
    "pack",
    "plant",
    "read_roots",
    "roots_arrays",
    "select_gumbel",
    "select_puct",
    "tree_arrays",
]
