"""The arrays of a batch of lanes and the launches that work on them."""

from collections.abc import Callable
from typing import Any

import numpy as np
from gymnasium.spaces import Box, Discrete

from envs.core.lane import ILLEGAL_ACTION, NO_ACTION
from envs.core.launch import Outputs, launchers
from envs.core.setup import Setup

Obs = np.ndarray | dict[str, np.ndarray]


class Lanes:
    """A batch of `num_envs` records of a world, with one row of outputs each."""

    def __init__(self, setup: Setup, num_envs: int) -> None:
        world, space = setup.world, setup.observation_space
        legal = int(setup.action_space.n) if isinstance(setup.action_space, Discrete) and setup.masked else 0
        self.setup = setup
        self.launchers = launchers(world)
        self.states = np.zeros(num_envs, setup.state_dtype)
        self.actions = np.zeros((num_envs, world.action_width), world.action_dtype)
        self.outputs = Outputs(
            obs=np.zeros((num_envs, int(np.prod(space.shape))), np.float32),
            masks=np.zeros((num_envs, legal), np.int8),
            final_obs=np.zeros((num_envs, int(np.prod(space.shape))), np.float32),
            final_masks=np.zeros((num_envs, legal), np.int8),
            rewards=np.zeros(num_envs, np.float32),
            terms=np.zeros((len(world.reward_terms), num_envs), np.float32).T,
            terminated=np.zeros(num_envs, np.bool_),
            truncated=np.zeros(num_envs, np.bool_),
            metrics=np.zeros((len(world.metric_names), num_envs), np.float32).T,
        )
        self._obs = self._named(self.outputs.obs, self.outputs.masks)
        self._final_obs = self._named(self.outputs.final_obs, self.outputs.final_masks)

    def _named(self, obs: np.ndarray, masks: np.ndarray) -> Obs:
        shaped = obs.reshape(-1, *self.setup.observation_space.shape)
        return {"observation": shaped, "action_mask": masks} if self.setup.masked else shaped

    @property
    def obs(self) -> Obs:
        """The current observations (N, ...), or a dict of them and their masks: views."""
        return self._obs

    @property
    def final_obs(self) -> Obs:
        """The last observations of the episodes that ended in the last step: views."""
        return self._final_obs

    def copy_of_obs(self, lane: int | slice = slice(None)) -> Any:
        """Returns a copy of the observations of all lanes, or of one."""
        if isinstance(self._obs, dict):
            return {key: value[lane].copy() for key, value in self._obs.items()}
        return self._obs[lane].copy()

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

    def set_actions(self, actions: np.ndarray) -> None:
        """Takes actions (N,) or (N, A); raises ValueError, and changes nothing, if one is illegal."""
        checked = checked_actions(actions, self.setup.action_space, len(self.states))
        if self.setup.masked:
            wrong = self.outputs.masks[np.arange(len(actions)), actions] == 0
            if wrong.any() and not self.setup.illegal_passes:
                raise ValueError(self._illegal_message(int(np.argmax(wrong)), actions))
            checked = np.where(wrong[:, None], ILLEGAL_ACTION, checked)
        self.actions[:, : checked.shape[1]] = checked

    def _illegal_message(self, lane: int, actions: np.ndarray) -> str:
        action, mask = int(actions[lane]), self.outputs.masks[lane]
        where = f" (environment {lane})" if len(actions) > 1 else ""
        if self.setup.illegal_message:
            return self.setup.illegal_message(self.states[lane], action, mask) + where
        return f"action {action} is illegal{where}; legal actions: {np.flatnonzero(mask).tolist()}"


def checked_actions(actions: np.ndarray, space: Discrete | Box, num_envs: int = 1) -> np.ndarray:
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
        raise ValueError(f"action {actions[row]} of environment {row} is outside {space}")
    return rows
