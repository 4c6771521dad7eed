"""The global random generators."""

import random
from typing import Any

import numpy as np
import torch


def seed_everything(seed: int | None, env: Any) -> None:
    """Seeds `env`, and Python's, NumPy's and torch's global generators: first weights come from them."""
    if seed is not None:
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002 (that of libraries which draw from it)
        torch.manual_seed(seed)
        env.seed(seed)
