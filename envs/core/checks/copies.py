"""What a copy of an environment, single or a batch, must keep."""

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np

from quadrivium.envs.core.checks.rollout import Leaves, difference, leaves, legal_random_action
from quadrivium.envs.core.checks.subject import LeftOutError, Subject, require_same

STEPS = 40


def a_copy_goes_on_like_the_original(subject: Subject) -> None:
    """`copy.deepcopy`, pickle and cloudpickle in the middle of an episode: equal futures, to the last bit."""
    ways: dict[str, Callable[[Any], Any]] = {
        "copy.deepcopy": copy.deepcopy,
        "pickle": lambda env: pickle.loads(pickle.dumps(env)),
    }
    try:
        import cloudpickle
    except ImportError:
        pass
    else:
        ways["cloudpickle"] = lambda env: pickle.loads(cloudpickle.dumps(env))
    env = subject.batch() if subject.is_batch else subject.make()
    obs = env.reset(seed=subject.seed)[0]
    obs = _play(env, obs, subject.seed, STEPS // 4)[0]
    for name, way in ways.items():
        try:
            twin = way(env)
        except Exception as error:
            raise LeftOutError(f"{name} refuses it: {type(error).__name__}: {error}") from None
        theirs = _play(twin, copy.deepcopy(obs), subject.seed + 1, STEPS)[1]
        obs, ours = _play(env, obs, subject.seed + 1, STEPS)
        for step, (one, other) in enumerate(zip(ours, theirs, strict=True), 1):
            found = difference(one, other)
            require_same(None if found is None else f"step {step}: {found}", f"the original, and {name}")


def _play(env: Any, obs: Any, seed: int, steps: int) -> tuple[Any, list[Leaves]]:
    """Takes random actions; returns the last observation, and what came back at each step."""
    space, random = copy.deepcopy(env.action_space), np.random.default_rng(seed)
    space.seed(seed)
    records: list[Leaves] = []
    for _ in range(steps):
        obs, reward, terminated, truncated, info = env.step(legal_random_action(space, obs, random))
        seen = {
            "obs": obs,
            "reward": reward,
            "ended": (terminated, truncated),
            "terms": info.get("reward_terms", {}),
        }
        records.append(leaves(seen))
        if not hasattr(env, "num_envs") and (terminated or truncated):
            obs = env.reset()[0]
            records.append(leaves({"obs": obs}))
    return obs, records
