"""The arrays of a batch of lanes and the launches that work on them."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from gymnasium.spaces import Box, Dict, Discrete

from envs.core.lane import ILLEGAL_ACTION, NO_ACTION
from envs.core.launch import Outputs, launchers
from envs.core.setup import ACTION_MASK, Setup

Obs = np.ndarray | dict[str, np.ndarray]


class Lanes:
    """A batch of `num_lanes` records of a world, and the outputs of its agents.

    With P agents a lane (usually 1), the launchers see one row a lane, in which the agents lie one after
    another, and the methods here one row an agent: those of lane i begin at i * P.
    """

    def __init__(self, setup: Setup, num_lanes: int) -> None:
        world, agents = setup.world, len(setup.agents)
        rows = num_lanes * agents
        legal = int(setup.action_space.n) if isinstance(setup.action_space, Discrete) and setup.masked else 0
        self.setup = setup
        self.launchers = launchers(world)
        self.states = np.zeros(num_lanes, setup.state_dtype)
        self.actions = np.zeros((num_lanes, agents * setup.action_width), world.action_dtype)
        width = agents * setup.observation_width
        self.outputs = Outputs(
            obs=np.zeros((num_lanes, width), np.float32),
            masks=np.zeros((num_lanes, agents * legal), np.int8),
            final_obs=np.zeros((num_lanes, width), np.float32),
            final_masks=np.zeros((num_lanes, agents * legal), np.int8),
            rewards=np.zeros(num_lanes, np.float32),
            terms=_columns(num_lanes, agents, len(world.reward_terms)),
            terminated=np.zeros(num_lanes, np.bool_),
            truncated=np.zeros(num_lanes, np.bool_),
            metrics=_columns(num_lanes, agents, len(world.metric_names)),
        )
        outputs, self._agents = self.outputs, agents
        self._parts = _parts(setup)
        self._action_rows = self.actions.reshape(rows, setup.action_width)
        self.masks = outputs.masks.reshape(rows, legal)
        self._flat_obs = outputs.obs.reshape(rows, setup.observation_width)
        self._obs = self._named(self._flat_obs, self.masks)
        self._final_obs = self._named(
            outputs.final_obs.reshape(rows, setup.observation_width), outputs.final_masks.reshape(rows, legal)
        )
        terms = outputs.terms.reshape(rows, len(world.reward_terms))
        metrics = outputs.metrics.reshape(rows, len(world.metric_names))
        self.reward_terms = {name: terms[:, k] for k, name in enumerate(world.reward_terms)}
        self.metrics = {name: metrics[:, k] for k, name in enumerate(world.metric_names)}

    def _named(self, flat: np.ndarray, masks: np.ndarray) -> Obs:
        """Returns rows (..., K) and their masks (..., A) as observations: views."""
        if self._parts is None:
            return flat.reshape(*flat.shape[:-1], *self.setup.observation_space.shape or ())
        named = {ACTION_MASK: masks} if self.setup.masked else {}
        for name, begin, end, shape in self._parts:
            named[name] = flat[..., begin:end].reshape(*flat.shape[:-1], *shape)
        return named

    @property
    def obs(self) -> Obs:
        """The current observations (N * P, ...), or a dict of their parts and masks: views."""
        return self._obs

    @property
    def final_obs(self) -> Obs:
        """The last observations of the episodes that ended in the last step: views."""
        return self._final_obs

    def copy_of_obs(self, lane: int | slice = slice(None)) -> Any:
        """Returns a copy of the observations of all agents, or of one."""
        if isinstance(self._obs, dict):
            return self._named(self._flat_obs[lane].copy(), self.masks[lane].copy())
        return self._obs[lane].copy()

    def results(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Returns copies of the last step's rewards (N * P,) float32, terminations and truncations."""
        outputs = self.outputs
        if self._agents == 1:
            return outputs.rewards.copy(), outputs.terminated.copy(), outputs.truncated.copy()
        rewards = np.zeros(len(self._action_rows), np.float32)
        for values in self.reward_terms.values():
            rewards += values
        return rewards, outputs.terminated.repeat(self._agents), outputs.truncated.repeat(self._agents)

    def copy_of_states(self) -> np.ndarray:
        """Returns a copy of all records."""
        rows = np.zeros(self.states.shape, self.states.dtype)  # .copy() would leave old memory between fields
        rows[:] = self.states
        return rows

    def set_states(self, rows: np.ndarray) -> None:
        """Continues from `rows`; raises ValueError if they are of another batch or world."""
        if rows.dtype != self.states.dtype or rows.shape != self.states.shape:
            raise ValueError(
                f"the state is {rows.shape} rows of {rows.dtype.itemsize} bytes; this environment has "
                f"{self.states.shape} rows of {self.states.dtype.itemsize} bytes; use the same arguments"
            )
        self.states[:] = rows
        self.observe()

    def seed(self, seeds: np.ndarray, mask: np.ndarray) -> None:
        """Gives the lanes where `mask` their seeds; their next scenario is the first of these."""
        self.states["seed"][mask] = seeds[mask]
        self.states["episode"][mask] = 0

    def reset(self, mask: np.ndarray) -> None:
        """Begins an episode in the lanes where `mask`."""
        self.launchers.reset(self.states, self.setup.params, mask, self.outputs)
        self._let_others_act()

    def observe(self) -> None:
        """Writes the observations and masks of all lanes."""
        self.launchers.observe(self.states, self.setup.params, self.outputs)

    def step(self, step: Callable[..., None], *, autoreset: bool) -> None:
        """Steps all lanes with the launcher `step`, by `actions`."""
        p, outputs = self.setup.params, self.outputs
        if self.setup.others is None:
            step(self.states, self.actions, p, autoreset, outputs)
            return
        step(self.states, self.actions, p, False, outputs)
        self.setup.others(self.states)
        self.actions[:] = NO_ACTION
        step(self.states, self.actions, p, autoreset, outputs)
        self._let_others_act()  # where a new episode begins with a move of theirs

    def _let_others_act(self) -> None:
        if self.setup.others is not None and self.setup.others(self.states):
            self.observe()

    def set_actions(self, actions: np.ndarray, rows: Any = None, names: Sequence[str] | None = None) -> None:
        """Takes actions (N * P,) or (N * P, A); raises ValueError, and changes nothing, if one is illegal.

        rows: the indices of those who act, if not all do. names: what errors call them.
        """
        masks = self.masks if rows is None else self.masks[rows]
        checked = checked_actions(actions, self.setup.action_space, len(masks), names)
        if self.setup.masked:
            wrong = masks[np.arange(len(actions)), actions] == 0
            if wrong.any() and not self.setup.illegal_passes:
                first = int(np.argmax(wrong))
                where = f" (environment {first})" if len(actions) > 1 else ""
                where = f" ({names[first]})" if names else where
                lane = (first if rows is None else rows[first]) // self._agents
                raise ValueError(self._illegal_message(lane, int(actions[first]), masks[first]) + where)
            checked = np.where(wrong[:, None], ILLEGAL_ACTION, checked)
        if rows is None:
            self._action_rows[:, : checked.shape[1]] = checked
        else:
            self._action_rows[rows, : checked.shape[1]] = checked

    def _illegal_message(self, lane: int, action: int, mask: np.ndarray) -> str:
        if self.setup.illegal_message:
            return self.setup.illegal_message(self.states[lane], action, mask)
        return f"action {action} is illegal; legal actions: {np.flatnonzero(mask).tolist()}"


def fresh_seeds(n: int) -> np.ndarray:
    """Returns n seeds (n,) uint64 that no one has asked for."""
    return np.random.SeedSequence().generate_state(n, np.uint64)


def _parts(setup: Setup) -> list[tuple[str, int, int, tuple[int, ...]]] | None:
    """Returns each part's name, where it lies in the flat row, and its shape; None for a Box alone."""
    if not setup.masked and not isinstance(setup.observation_space, Dict):
        return None
    shapes = {name: part.shape or () for name, part in setup.observation_parts.items()}
    ends = np.cumsum([math.prod(shape) for shape in shapes.values()]).tolist()
    begins = [0, *ends[:-1]]
    return list(zip(shapes, begins, ends, shapes.values(), strict=True))


def _columns(lanes: int, agents: int, names: int) -> np.ndarray:
    """Returns zeros (lanes, agents * names) float32 from which each name's numbers can be viewed as one."""
    if agents == 1:
        return np.zeros((names, lanes), np.float32).T  # each name's numbers side by side
    return np.zeros((lanes, agents * names), np.float32)


def checked_actions(
    actions: np.ndarray, space: Discrete | Box, num_envs: int = 1, names: Sequence[str] | None = None
) -> np.ndarray:
    """Returns `actions` as rows (num_envs, A); raises ValueError that names the first one outside `space`."""
    expected = (num_envs, *space.shape) if space.shape else (num_envs,)
    if actions.shape != expected:
        raise ValueError(
            f"actions have shape {actions.shape}; {space} in a batch of {num_envs} needs {expected}"
        )
    if isinstance(space, Discrete):
        if actions.dtype.kind not in "iu":
            raise ValueError(f"actions have dtype {actions.dtype}; {space} needs integers")
        wrong = (actions < space.start) | (actions >= space.start + space.n)
        rows = actions[:, None]
    else:
        if actions.dtype.kind not in "iuf":
            raise ValueError(f"actions have dtype {actions.dtype}; {space} needs numbers")
        wrong = ~((actions >= space.low) & (actions <= space.high))  # true for NaN too
        rows = actions.reshape(num_envs, -1)
    if wrong.any():
        row = int(np.argmax(wrong.reshape(num_envs, -1).any(axis=1)))
        who = names[row] if names else f"environment {row}"
        raise ValueError(f"action {actions[row]} of {who} is outside {space}")
    return rows
