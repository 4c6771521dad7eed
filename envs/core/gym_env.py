"""Gymnasium's two faces of a world: the single environment and the native vector environment."""

from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from envs.core.lanes import Lanes, Obs, fresh_seeds
from envs.core.screen import Screen
from envs.core.setup import Setup
from envs.core.spaces import LegalDiscrete, LegalMultiDiscrete
from envs.core.validation import require_openmp


class LaneEnv(gymnasium.Env[Any, Any]):
    """One environment: a batch of one lane.

    The arrays that it returns are the caller's to keep. `info["reward_terms"]` holds the named parts of the
    reward at every step, `info["metrics"]` the episode's metrics at its last step.
    """

    # What any world may have; an environment has what its own world has.
    metadata: dict[str, Any] = {"render_modes": ["human", "ansi", "rgb_array"], "render_fps": 10}  # noqa: RUF012 (Gymnasium's form)

    def __init__(self, setup: Setup, render_mode: str | None = None) -> None:
        how = 'gymnasium.make(id, render_mode="rgb_array")'
        self._screen = Screen(render_mode, setup.renderer, setup.text, remedy=how)
        if len(setup.agents) > 1:
            raise ValueError(
                f"{setup.world.name} has {len(setup.agents)} agents that act at once; use a ParallelLaneEnv"
            )
        self.metadata = {"render_modes": self._screen.modes, "render_fps": setup.render_fps}
        self.render_mode = render_mode
        self.setup = setup
        self.observation_space = setup.single_observation_space
        self._lanes = Lanes(setup, 1)
        self.action_space = LegalDiscrete(self._lanes.masks[0]) if setup.masked else setup.action_space
        self._all = np.ones(1, np.bool_)
        self._before = self._lanes.states.copy()  # the record before the last step, for `render_motion`
        self._running = False
        self._lanes.seed(fresh_seeds(1), self._all)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begins an episode: the first of `seed`'s scenarios, or without a seed the next one."""
        super().reset(seed=seed)
        if seed is not None:
            self._lanes.seed(np.array([seed], np.uint64), self._all)
        self._lanes.reset(self._all)
        self._running = True
        if self.render_mode == "human":
            self.render()
        return self._lanes.copy_of_obs(0), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Takes one action. Raises ValueError for a wrong or illegal one, and after the episode's end."""
        lanes = self._lanes
        if not self._running:
            raise ValueError(
                "step() was called on an episode that has ended or not begun; call reset() first"
            )
        lanes.set_actions(np.asarray(action)[None])
        if self.render_mode == "rgb_array":
            self._before[:] = lanes.states
        lanes.step(lanes.launchers.step_serial, autoreset=False)
        world, outputs = self.setup.world, lanes.outputs
        terminated, truncated = bool(outputs.terminated[0]), bool(outputs.truncated[0])
        info: dict[str, Any] = {
            "reward_terms": dict(zip(world.reward_terms, outputs.terms[0].tolist(), strict=True))
        }
        if terminated or truncated:
            info["metrics"] = dict(zip(world.metric_names, outputs.metrics[0].tolist(), strict=True))
            self._running = False
        if self.render_mode == "human":
            self.render()
        return lanes.copy_of_obs(0), float(outputs.rewards[0]), terminated, truncated, info

    def render(self) -> np.ndarray | str | None:  # pyright: ignore[reportIncompatibleMethodOverride] (no frame lists)
        """Returns the frame (H, W, 3) uint8 in `rgb_array` mode, text in `ansi` mode; in `human` shows it."""
        return self._screen.render(self._lanes.states[0])

    def render_motion(self, count: int) -> list[np.ndarray]:
        """Returns `count` frames (H, W, 3) uint8 of the last step's motion, for films without jumps.

        The last one is what `render` returns. Needs the mode `rgb_array` and a step since the reset.
        """
        return self._screen.motion(self._before[0], self._lanes.states[0], count)

    def close(self) -> None:
        """Closes the window, if there is one."""
        self._screen.close()

    def get_state(self) -> np.ndarray:
        """Returns a copy of the lane: a structured array (1,) that is everything about this environment."""
        return self._lanes.copy_of_states()

    def set_state(self, rows: np.ndarray) -> None:
        """Continues from `rows` (1,), made by `get_state` of an environment with the same arguments."""
        self._lanes.set_states(rows)
        self._running = True


class LaneVectorEnv(VectorEnv[Any, np.ndarray, np.ndarray]):
    """A batch of environments that steps on all cores, with SAME_STEP autoreset.

    An environment is a lane. Where P agents act at once, it is one agent of a lane, so that one policy can be
    trained as all of them: those of lane i begin at i * P, and begin and end their episodes together.

    `reset` and `step` return arrays that are the caller's to keep. The arrays in `info` are views that the
    next step overwrites: `final_obs`, like the observations, valid where `_final_obs` (N,) bool;
    `reward_terms`, name to (N,) float32; `metrics`, name to (N,) float32, valid where `_metrics` (N,) bool.
    """

    metadata: dict[str, Any] = {  # noqa: RUF012 (Gymnasium's form)
        "render_modes": ["rgb_array"],
        "autoreset_mode": AutoresetMode.SAME_STEP,
    }

    def __init__(self, setup: Setup, num_envs: int = 1, render_mode: str | None = None) -> None:
        if num_envs < 1:
            raise ValueError(f"num_envs={num_envs} must be at least 1")
        kind: Any = {"remedy": "", "only": ("rgb_array",), "where": " in a batch"}
        self._screen = Screen(render_mode, setup.renderer, setup.text, **kind)
        require_openmp()
        modes, fps = self._screen.modes, setup.render_fps
        self.metadata = {**self.metadata, "render_modes": modes, "render_fps": fps}
        self.render_mode = render_mode
        self.num_envs = num_envs
        self.setup = setup
        if setup.active is not None:
            raise ValueError(
                f"agents of {setup.world.name} leave before others, but a batch has rows for all until the "
                "lane's episode ends; use ParallelLaneEnv, or rules by which all stay"
            )
        num_lanes, left = divmod(num_envs, len(setup.agents))
        if left:
            raise ValueError(
                f"num_envs={num_envs} is no multiple of the {len(setup.agents)} agents of a lane of "
                f"{setup.world.name}; try {(num_lanes + 1) * len(setup.agents)}"
            )
        self._lanes = Lanes(setup, num_lanes)
        self.single_observation_space = setup.single_observation_space
        self.single_action_space = setup.action_space
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = (
            LegalMultiDiscrete(self._lanes.masks)
            if setup.masked
            else batch_space(setup.action_space, num_envs)
        )
        self.baselines = setup.baselines
        self._all = np.ones(num_lanes, np.bool_)
        self._begun = False
        self._lanes.seed(fresh_seeds(num_lanes), self._all)
        batch = self._lanes.launchers
        self._step = batch.step_parallel if num_lanes > 1 else batch.step_serial

    @property
    def states(self) -> np.ndarray:
        """The lanes themselves, a structured array (N,): a view, for baselines and drawing; do not write."""
        return self._lanes.states

    def reset(  # pyright: ignore[reportIncompatibleMethodOverride] (a list of seeds may hold None in Gymnasium)
        self, *, seed: int | list[int] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begins an episode in every lane, or where `options["reset_mask"]` says, one bool a lane.

        Lane i of an integer seed begins the scenarios of `seed + i`, of a list those of `seed[i]`; without a
        seed each lane goes on to its next scenario.
        """
        super().reset(seed=seed if not isinstance(seed, list) else None)
        mask = self._all if options is None else np.asarray(options.get("reset_mask", self._all), np.bool_)
        if mask.shape != self._all.shape:
            raise ValueError(f"reset_mask has shape {mask.shape}; one bool a lane is {self._all.shape}")
        if seed is not None:
            seeds = seed if isinstance(seed, list) else range(seed, seed + len(mask))
            if len(seeds) != len(mask):
                what = "environments" if len(mask) == self.num_envs else "lanes"
                raise ValueError(f"{len(seeds)} seeds were given for {len(mask)} {what}; give one each")
            self._lanes.seed(np.array(seeds, np.uint64), mask)
        self._lanes.reset(mask)
        self._begun = True
        return self._lanes.copy_of_obs(), {}

    def step(self, actions: Any) -> tuple[Any, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Steps every lane. actions: (N,) integers for Discrete, (N, A) for Box; else ValueError."""
        if not self._begun:
            raise ValueError("step() was called before the first episodes began; call reset() first")
        lanes = self._lanes
        lanes.set_actions(np.asarray(actions))
        lanes.step(self._step, autoreset=True)
        rewards, terminated, truncated = lanes.results()
        done = terminated | truncated
        info = {
            "final_obs": lanes.final_obs,
            "_final_obs": done,
            "reward_terms": lanes.reward_terms,
            "metrics": lanes.metrics,
            "_metrics": done,
        }
        return lanes.copy_of_obs(), rewards, terminated, truncated, info

    def observe(self) -> Obs:
        """Returns a copy of the current observations (N, ...) float32, or a dict of their parts and masks."""
        return self._lanes.copy_of_obs()

    def get_state(self) -> np.ndarray:
        """Returns a copy of all lanes, a row each: a structured array that is everything about this batch."""
        return self._lanes.copy_of_states()

    def set_state(self, rows: np.ndarray) -> None:
        """Continues from `rows`, made by `get_state` of an environment with the same arguments."""
        self._lanes.set_states(rows)
        self._begun = True

    def render(self) -> tuple[np.ndarray, ...] | None:
        """Returns a frame (H, W, 3) uint8 of every lane in `rgb_array` mode."""
        if self.render_mode is None:
            return None
        return tuple(self._screen.draw(row) for row in self._lanes.states)

    def close_extras(self, **kwargs: Any) -> None:
        """Releases the renderer."""
        self._screen.close()
