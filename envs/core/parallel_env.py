"""A world in which several agents act at once, as a PettingZoo environment of the parallel form."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import gymnasium
import numpy as np
from pettingzoo import ParallelEnv

from quadrivium.envs.core.lanes import Lanes, checked_seeds, fresh_seeds
from quadrivium.envs.core.screen import Screen
from quadrivium.envs.core.setup import Setup
from quadrivium.envs.core.spaces import LegalDiscrete


class ParallelLaneEnv(ParallelEnv[str, Any, Any]):
    """One lane whose agents, `setup.agents`, act at once. For many lanes there is `LaneVectorEnv`.

    The dictionaries by agent that `step` returns have those who acted, the leaving ones included. An agent
    that leaves early has terminated; if the episode's time is up, those who are left are truncated.
    `infos[agent]` holds, from `reset` on, the named parts of its reward as `reward_terms` and its `metrics`
    so far. The arrays are the caller's to keep.

    Args:
        setup: the world with its parameters chosen.
        name: what PettingZoo calls the environment, such as "intersection_v0".
        render_mode: one that the world has, or None.
    """

    def __init__(self, setup: Setup, name: str, render_mode: str | None = None) -> None:
        how = 'parallel_env(render_mode="rgb_array")'
        self._screen = Screen(render_mode, setup.renderer, setup.text, remedy=how)
        modes, fps = self._screen.modes, setup.render_fps
        self.metadata = {"name": name, "render_modes": modes, "render_fps": fps}
        self.render_mode = render_mode
        self.setup = setup
        self.possible_agents = list(setup.agents)
        self.agents = []
        self._lanes = Lanes(setup, 1)
        self._row_of = {agent: row for row, agent in enumerate(setup.agents)}
        masks = self._lanes.masks
        self.observation_spaces = {agent: deepcopy(setup.single_observation_space) for agent in setup.agents}
        self.action_spaces = {  # each with a random stream of its own
            agent: LegalDiscrete(masks.shape[1]) if setup.masked else deepcopy(setup.action_space)
            for agent in setup.agents
        }
        self._bind()
        self._all = np.ones(1, np.bool_)
        self._lanes.seed(fresh_seeds(1), self._all)

    def _bind(self) -> None:
        for agent, space in self.action_spaces.items():
            if isinstance(space, LegalDiscrete):
                space.mask = self._lanes.masks[self._row_of[agent]]

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._bind()

    def observation_space(self, agent: str) -> gymnasium.Space[Any]:
        """Returns the agent's space, always the same object."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> gymnasium.Space[Any]:
        """Returns the agent's space, always the same object."""
        return self.action_spaces[agent]

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
        """Begins an episode: the first of `seed`'s scenarios, or without a seed the next one."""
        if seed is not None:
            self._lanes.seed(checked_seeds([seed]), self._all)
        self._lanes.reset(self._all)
        self.agents = [agent for agent in self.possible_agents if self._takes_part(agent)]
        if self.render_mode == "human":
            self.render()
        self._lanes.term_rows[:] = 0.0
        return self._observations(), self._infos(self.agents)

    def step(
        self, actions: Mapping[str, Any]
    ) -> tuple[dict[str, Any], dict[str, float], dict[str, bool], dict[str, bool], dict[str, dict[str, Any]]]:
        """Takes an action of each of `agents`.

        Actions of agents that have left are left aside. Raises ValueError for a wrong, illegal or missing
        action, or one of an agent that does not exist, which leaves everything as it was, and after the
        episode's end.
        """
        self._take(actions)
        lanes, acted = self._lanes, self.agents
        lanes.step()
        rewards, over, cut = lanes.results()
        terminations = {
            agent: bool(over[self._row_of[agent]]) or not self._takes_part(agent) for agent in acted
        }
        truncations = {agent: bool(cut[self._row_of[agent]]) and not terminations[agent] for agent in acted}
        infos = self._infos(acted)
        self.agents = [agent for agent in acted if not (terminations[agent] or truncations[agent])]
        if self.render_mode == "human":
            self.render()
        return (
            {agent: lanes.copy_of_obs(self._row_of[agent]) for agent in acted},
            {agent: float(rewards[self._row_of[agent]]) for agent in acted},
            terminations,
            truncations,
            infos,
        )

    def _take(self, actions: Mapping[str, Any]) -> None:
        if not self.agents:
            raise ValueError(
                "step() was called on an episode that has ended or not begun; call reset() first"
            )
        # Some clients go on to give actions for all, as long as any agent is there.
        if not set(self.agents) <= set(actions) <= set(self.possible_agents):
            raise ValueError(
                f"actions were given for {sorted(actions)}; give one for each of {self.agents}, who take part"
            )
        space = self.setup.action_space
        chosen = [np.asarray(actions[agent]) for agent in self.agents]
        for agent, action in zip(self.agents, chosen, strict=True):
            if action.shape != (space.shape or ()):
                raise ValueError(
                    f"the action of {agent} has shape {action.shape}; {space} needs {space.shape}"
                )
        self._lanes.actions[:] = 0  # of those who have left
        rows = np.array([self._row_of[agent] for agent in self.agents])
        self._lanes.set_actions(np.array(chosen), rows, self.agents)

    def _takes_part(self, agent: str) -> bool:
        active = self.setup.active
        return active is None or bool(self._lanes.states[active][0, self._row_of[agent]])

    def _infos(self, agents: list[str]) -> dict[str, dict[str, Any]]:
        self._lanes.write_metrics()
        named = (("reward_terms", self._lanes.reward_terms), ("metrics", self._lanes.metrics))
        shown = self.setup.show(self._lanes.states)
        return {
            agent: {key: self._of(agent, columns) for key, columns in named}
            | {key: values[self._row_of[agent]] for key, values in shown.items()}
            for agent in agents
        }

    def _of(self, agent: str, columns: Mapping[str, np.ndarray]) -> dict[str, float]:
        return {name: float(values[self._row_of[agent]]) for name, values in columns.items()}

    def _observations(self) -> dict[str, Any]:
        return {agent: self._lanes.copy_of_obs(self._row_of[agent]) for agent in self.agents}

    def render(self) -> np.ndarray | str | None:
        """Returns the text in mode "ansi", the frame (H, W, 3) uint8 in "rgb_array"; "human" shows it."""
        return self._screen.render(self._lanes.states[0])

    def close(self) -> None:
        """Closes the window, if there is one."""
        self._screen.close()

    def get_state(self) -> np.ndarray:
        """Returns a copy of the lane: a structured array (1,) that is everything about this environment."""
        return self._lanes.copy_of_states()

    def set_state(self, rows: np.ndarray) -> None:
        """Continues from `rows` (1,), made by `get_state` of an environment with the same arguments.

        The rows are of an episode that runs; who takes part in it stands in them.
        """
        self._lanes.set_states(rows)
        self.agents = [agent for agent in self.possible_agents if self._takes_part(agent)]
