"""Plays environments with repeatable random actions and records what they return, to be compared by bits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import VectorEnv

Leaves = dict[str, np.ndarray]
"""Arrays by their path in a nested observation or info; what two rollouts are compared by."""


@dataclass
class Rollout:
    """What was done to an environment and what came back.

    Attributes:
        seed: given to `reset`.
        actions: one entry a step, as passed to `step`.
        records: of the reset and of each step.
        ends: (lane, step) of each episode's end; steps count from 1.
    """

    seed: int
    actions: list[Any] = field(default_factory=list)
    records: list[Leaves] = field(default_factory=list)
    ends: list[tuple[int, int]] = field(default_factory=list)


def leaves(value: Any, path: str = "") -> Leaves:
    """Returns copies of the arrays in a nest of mappings, tuples and records by their paths."""
    if isinstance(value, Mapping):
        return {k: v for key in sorted(value) for k, v in leaves(value[key], f"{path}.{key}").items()}
    if isinstance(value, tuple):
        return {k: v for i, part in enumerate(value) for k, v in leaves(part, f"{path}.{i}").items()}
    if isinstance(value, np.ndarray) and value.dtype == object:  # last observations in Gymnasium's batches
        present = [(i, part) for i, part in enumerate(value) if part is not None]
        return {k: v for i, part in present for k, v in leaves(part, f"{path}.{i}").items()}
    if isinstance(value, np.ndarray) and value.dtype.names:  # records by field: padding bytes mean nothing
        return {k: v for name in value.dtype.names for k, v in leaves(value[name], f"{path}.{name}").items()}
    return {path: np.array(value)}  # a copy: the environment may write into its own


def lanes_of(value: Any, index: Any) -> Any:
    """Returns the rows `index` of every array in a nest."""
    if isinstance(value, Mapping):
        return {key: lanes_of(part, index) for key, part in value.items()}
    if isinstance(value, tuple):
        return tuple(lanes_of(part, index) for part in value)
    return np.asarray(value)[index]


def difference(one: Leaves, other: Leaves) -> str | None:
    """Returns in a few words the first thing that is not the same to the last bit, or None."""
    if one.keys() != other.keys():
        return f"entries {sorted(one.keys() ^ other.keys())} are on one side only"
    for key, left in one.items():
        right = other[key]
        if left.dtype != right.dtype or left.shape != right.shape:
            return f"{key} is {left.dtype}{left.shape} and {right.dtype}{right.shape}"
        if left.tobytes() != right.tobytes():
            at = np.argwhere(np.atleast_1d(left != right))
            where = tuple(at[0].tolist()) if len(at) else ()
            return f"{key}{list(where)} is {np.atleast_1d(left)[where]} and {np.atleast_1d(right)[where]}"
    return None


def first_difference(one: Sequence[Leaves], other: Sequence[Leaves]) -> str | None:
    """Returns where two sequences of records part, "step 3: rewards[1] is 1.0 and 0.5", or None."""
    for step, (left, right) in enumerate(zip(one, other, strict=True)):
        if found := difference(left, right):
            return f"step {step}: {found}"
    return None


def legal_random_action(space: gymnasium.Space[Any], obs: Any, random: np.random.Generator) -> Any:
    """Samples `space`, or among the actions that an `action_mask` in a Dict observation allows."""
    if isinstance(obs, Mapping) and "action_mask" in obs:
        mask = np.asarray(obs["action_mask"], np.bool_)
        return np.argmax(random.random(mask.shape) * mask, axis=-1)
    return space.sample()


def play_single(env: gymnasium.Env[Any, Any], seed: int, steps: int, actions: Any = None) -> Rollout:
    """Plays `steps` steps from `reset(seed=seed)`, resetting without a seed after each episode.

    actions: to be repeated; None samples them, the same ones for the same seed. After an episode's end the
    record holds the last observation as `final_obs` and the new episode's first as `obs`, like a batch in
    SAME_STEP mode.
    """
    env.action_space.seed(seed)
    random = np.random.default_rng(seed)
    obs, _ = env.reset(seed=seed)
    rollout = Rollout(seed, records=[leaves(obs, "obs")])
    for step in range(1, steps + 1):
        action = legal_random_action(env.action_space, obs, random) if actions is None else actions[step - 1]
        obs, reward, terminated, truncated, info = env.step(action)
        record = {
            "reward": np.array(reward, np.float64),
            "terminated": np.array(terminated),
            "truncated": np.array(truncated),
            **leaves(info.get("reward_terms", {}), "reward_terms"),
        }
        if terminated or truncated:
            record |= leaves(obs, "final_obs") | leaves(info.get("metrics", {}), "metrics")
            rollout.ends.append((0, step))
            obs, _ = env.reset()
        rollout.actions.append(action)
        rollout.records.append(record | leaves(obs, "obs"))
    return rollout


def play_batch(env: VectorEnv[Any, Any, Any], seed: int, steps: int, actions: Any = None) -> Rollout:
    """Plays `steps` steps of a batch from `reset(seed=seed)`, lane i on seed + i; see `play_single`."""
    env.action_space.seed(seed)
    random = np.random.default_rng(seed)
    obs, _ = env.reset(seed=seed)
    rollout = Rollout(seed, records=[leaves(obs, "obs")])
    continue_batch(env, obs, rollout, steps, random, actions)
    return rollout


def continue_batch(
    env: VectorEnv[Any, Any, Any],
    obs: Any,
    rollout: Rollout,
    steps: int,
    random: np.random.Generator,
    actions: Any = None,
) -> None:
    """Plays on from `obs`, adding to `rollout`."""
    for step in range(steps):
        action = legal_random_action(env.action_space, obs, random) if actions is None else actions[step]
        obs, rewards, terminated, truncated, info = env.step(action)
        done = np.asarray(terminated) | np.asarray(truncated)
        rollout.actions.append(action)
        rollout.records.append(
            leaves(obs, "obs")
            | {
                "reward": np.array(rewards, np.float64),
                "terminated": np.array(terminated),
                "truncated": np.array(truncated),
                **leaves(told(info, "reward_terms", done), "reward_terms"),
            }
            | ended_rows(info, done)
        )
        rollout.ends.extend((int(lane), len(rollout.actions)) for lane in np.flatnonzero(done))


def ended_rows(info: Mapping[str, Any], done: np.ndarray) -> Leaves:
    """Returns `final_obs` and `metrics` of the lanes whose episode ended; other rows mean nothing."""
    if not done.any() or "final_obs" not in info:
        return {}
    final = info["final_obs"]
    if isinstance(final, np.ndarray) and final.dtype == object:  # Gymnasium's own batches
        rows = [leaves(obs, "final_obs") for obs in final[done]]
        found = {key: np.stack([row[key] for row in rows]) for key in rows[0]}
    else:
        found = leaves(lanes_of(final, done), "final_obs")
    return found | leaves(lanes_of(told(info, "metrics", done), done), "metrics")


def told(info: Mapping[str, Any], key: str, done: np.ndarray) -> dict[str, np.ndarray]:
    """Returns what the infos of a step held under `key`, by name, in a batch's info.

    In Gymnasium's batches, where an episode ended, that is in `final_info`, and beside it stands what the
    reset has said; names that begin with "_" are masks.
    """
    now, last = info.get(key, {}), info.get("final_info", {}).get(key, {})
    columns = {name: values for name, values in now.items() if not name.startswith("_")}
    for name in columns.keys() & last.keys():
        where = done.reshape(-1, *[1] * (columns[name].ndim - 1))
        columns[name] = np.where(where, last[name], columns[name])
    return columns


def lane_records(rollout: Rollout, lane: int) -> list[Leaves]:
    """Returns the records of one lane of a batch, each array without its batch dimension."""
    picked: list[Leaves] = []
    for record in rollout.records:
        done = record.get("terminated", np.zeros(1, bool)) | record.get("truncated", np.zeros(1, bool))
        own = {}
        for key, value in record.items():
            if key.startswith(("final_obs", "metrics")):
                if done[lane]:
                    own[key] = value[np.count_nonzero(done[:lane])]
            else:
                own[key] = value[lane]
        picked.append({key: np.array(value) for key, value in own.items()})
    return picked
