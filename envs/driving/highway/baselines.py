"""Scripted drivers of the ego, batched: each takes a `LaneVectorEnv` and returns its actions."""

from collections.abc import Callable, Mapping

import numpy as np

from envs.core.gym_env import LaneVectorEnv

BASELINES: Mapping[str, Callable[[LaneVectorEnv], np.ndarray]] = {}
