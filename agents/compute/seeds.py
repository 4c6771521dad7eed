"""The global random generators."""

import random

import numpy as np
import torch


def seed_everything(seed: int) -> None:
    """Seeds Python's, NumPy's and torch's global generators: first weights come from them."""
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 (that of libraries which draw from it)
    torch.manual_seed(seed)
