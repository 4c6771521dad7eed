"""Gymnasium's two faces of a world: the single environment and the native vector environment."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Discrete
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from envs.core.lane import World
from envs.core.launch import launchers
from envs.core.validation import require_openmp


class Renderer(Protocol):
    """Draws one record; made by a world's `Setup.renderer`."""

    def draw(self, row: np.void) -> np.ndarray:
        """Returns the picture of `row`, (H, W, 3) uint8."""
        ...

    def frames_between(self, before: np.void, after: np.void, count: int) -> list[np.ndarray]:
        """Returns at most `count` pictures of the motion from one record to the next; the last is `after`."""
        ...

    def show(self, row: np.void) -> None:
        """Shows `row` in a window."""
        ...

    def close(self) -> None:
        """Releases the window."""
        ...


@dataclass(frozen=True)
class Setup:
    """A world with its parameters chosen: all that the generic environments need.

    Attributes:
        world: the rules.
        params: an instance of `world.params`.
        state_dtype: the record's dtype, beginning with `LANE_HEADER`.
        observation_space: a float32 Box; its flat size is K of `world.observe`.
        action_space: Discrete, or a Box of `world.action_width` numbers.
        renderer: makes the object that draws records, or None.
        render_fps: decisions a second of the world's clock.
        baselines: scripted players by name, each `(env) -> actions (N, ...)` on a `LaneVectorEnv`.
    """

    world: World
    params: Any
    state_dtype: np.dtype[Any]
    observation_space: Box
    action_space: Discrete | Box
    renderer: Callable[[], Renderer] | None = None
    render_fps: int = 10
    baselines: Mapping[str, Callable[["LaneVectorEnv"], np.ndarray]] = field(default_factory=dict)


class _Lanes:
    """The arrays of a batch of lanes, and the launches that work on them."""

    def __init__(self, setup: Setup, num_envs: int) -> None:
        world, shape = setup.world, setup.observation_space.shape
        self.setup = setup
        self.launchers = launchers(world)
        self.states = np.zeros(num_envs, setup.state_dtype)
        self.obs = np.zeros((num_envs, *shape), np.float32)
        self.final_obs = np.zeros((num_envs, *shape), np.float32)
        self.rewards = np.zeros(num_envs, np.float32)
        self.terms = np.zeros((len(world.reward_terms), num_envs), np.float32).T
        self.terminated = np.zeros(num_envs, np.bool_)
        self.truncated = np.zeros(num_envs, np.bool_)
        self.metrics = np.zeros((len(world.metric_names), num_envs), np.float32).T
        self.actions = np.zeros((num_envs, world.action_width), world.action_dtype)
        self._flat_obs = self.obs.reshape(num_envs, -1)
        self._flat_final_obs = self.final_obs.reshape(num_envs, -1)

    def seed(self, seeds: np.ndarray, mask: np.ndarray) -> None:
        self.states["seed"][mask] = seeds[mask]
        self.states["episode"][mask] = 0

    def copy_of_states(self) -> np.ndarray:
        rows = np.zeros(self.states.shape, self.states.dtype)  # .copy() would leave old memory between fields
        rows[:] = self.states
        return rows

    def reset(self, mask: np.ndarray) -> None:
        self.launchers.reset(self.states, self.setup.params, mask, self._flat_obs)

    def observe(self) -> None:
        self.launchers.observe(self.states, self.setup.params, self._flat_obs)

    def step(self, step: Callable[..., None], *, autoreset: bool) -> None:
        step(
            self.states,
            self.actions,
            self.setup.params,
            autoreset,
            self._flat_obs,
            self._flat_final_obs,
            self.rewards,
            self.terms,
            self.terminated,
            self.truncated,
            self.metrics,
        )


class LaneEnv(gymnasium.Env[np.ndarray, Any]):
    """One environment: a batch of one lane.

    The arrays that it returns are the caller's to keep. `info["reward_terms"]` holds the named parts of the
    reward at every step, `info["metrics"]` the episode's metrics at its last step.
    """

    metadata: dict[str, Any] = {"render_modes": ["rgb_array", "human"], "render_fps": 10}  # noqa: RUF012 (Gymnasium's form)

    def __init__(self, setup: Setup, render_mode: str | None = None) -> None:
        modes = self.metadata["render_modes"] if setup.renderer else []
        if render_mode is not None and render_mode not in modes:
            raise ValueError(f"render_mode={render_mode!r} is unknown; use one of {modes} or None")
        self.metadata = {"render_modes": modes, "render_fps": setup.render_fps}
        self.render_mode = render_mode
        self.setup = setup
        self.observation_space = setup.observation_space
        self.action_space = setup.action_space
        self._lanes = _Lanes(setup, 1)
        self._all = np.ones(1, np.bool_)
        self._renderer: Renderer | None = None
        self._before = self._lanes.states.copy()  # the record before the last step, for `render_motion`
        self._running = False
        self._lanes.seed(_fresh_seeds(1), self._all)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Begins an episode: the first of `seed`'s scenarios, or without a seed the next one."""
        super().reset(seed=seed)
        if seed is not None:
            self._lanes.seed(np.array([seed], np.uint64), self._all)
        self._lanes.reset(self._all)
        self._running = True
        if self.render_mode == "human":
            self.render()
        return self._lanes.obs[0].copy(), {}

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Takes one action. Raises ValueError for one outside the space, and after the episode's end."""
        lanes = self._lanes
        if not self._running:
            raise ValueError(
                "step() was called on an episode that has ended or not begun; call reset() first"
            )
        lanes.actions[0] = checked_actions(np.asarray(action)[None], self.setup.action_space)[0]
        if self.render_mode == "rgb_array":
            self._before[:] = lanes.states
        lanes.step(lanes.launchers.step_serial, autoreset=False)
        world = self.setup.world
        terminated, truncated = bool(lanes.terminated[0]), bool(lanes.truncated[0])
        info: dict[str, Any] = {
            "reward_terms": dict(zip(world.reward_terms, lanes.terms[0].tolist(), strict=True))
        }
        if terminated or truncated:
            info["metrics"] = dict(zip(world.metric_names, lanes.metrics[0].tolist(), strict=True))
            self._running = False
        if self.render_mode == "human":
            self.render()
        return lanes.obs[0].copy(), float(lanes.rewards[0]), terminated, truncated, info

    def render(self) -> np.ndarray | None:  # pyright: ignore[reportIncompatibleMethodOverride] (no frame lists)
        """Returns the frame (H, W, 3) uint8 in `rgb_array` mode; in `human` mode shows it."""
        if self.render_mode is None or self.setup.renderer is None:
            gymnasium.logger.warn('render() needs a render mode: gymnasium.make(id, render_mode="rgb_array")')
            return None
        if self._renderer is None:
            self._renderer = self.setup.renderer()
        row = self._lanes.states[0]
        if self.render_mode == "human":
            self._renderer.show(row)
            return None
        return self._renderer.draw(row)

    def render_motion(self, count: int) -> list[np.ndarray]:
        """Returns `count` frames (H, W, 3) uint8 of the last step's motion, for films without jumps.

        The last one is what `render` returns. Needs the mode `rgb_array` and a step since the reset.
        """
        frame = self.render()
        if frame is None or self._renderer is None:
            raise ValueError(
                f"render_motion() was called with render_mode={self.render_mode!r}; use 'rgb_array'"
            )
        return self._renderer.frames_between(self._before[0], self._lanes.states[0], count)

    def close(self) -> None:
        """Closes the window, if there is one."""
        if self._renderer is not None:
            self._renderer.close()
            self._renderer = None

    def get_state(self) -> np.ndarray:
        """Returns a copy of the lane: a structured array (1,) that is everything about this environment."""
        return self._lanes.copy_of_states()

    def set_state(self, rows: np.ndarray) -> None:
        """Continues from `rows` (1,), made by `get_state` of an environment with the same arguments."""
        _copy_states(rows, self._lanes)
        self._running = True


class LaneVectorEnv(VectorEnv[np.ndarray, np.ndarray, np.ndarray]):
    """A batch of environments that steps on all cores, with SAME_STEP autoreset.

    `reset` and `step` return arrays that are the caller's to keep. The arrays in `info` are views that the
    next step overwrites: `final_obs` (N, ...) float32, valid where `_final_obs` (N,) bool; `reward_terms`,
    name to (N,) float32; `metrics`, name to (N,) float32, valid where `_metrics` (N,) bool.
    """

    metadata: dict[str, Any] = {  # noqa: RUF012 (Gymnasium's form)
        "render_modes": ["rgb_array"],
        "autoreset_mode": AutoresetMode.SAME_STEP,
    }

    def __init__(self, setup: Setup, num_envs: int = 1, render_mode: str | None = None) -> None:
        if num_envs < 1:
            raise ValueError(f"num_envs={num_envs} must be at least 1")
        modes = ["rgb_array"] if setup.renderer else []
        if render_mode is not None and render_mode not in modes:
            raise ValueError(f"render_mode={render_mode!r} is unknown in a batch; use one of {modes} or None")
        require_openmp()
        self.metadata = {**self.metadata, "render_modes": modes, "render_fps": setup.render_fps}
        self.render_mode = render_mode
        self.num_envs = num_envs
        self.setup = setup
        self.single_observation_space = setup.observation_space
        self.single_action_space = setup.action_space
        self.observation_space = batch_space(setup.observation_space, num_envs)
        self.action_space = batch_space(setup.action_space, num_envs)
        self.baselines = setup.baselines
        self._lanes = _Lanes(setup, num_envs)
        self._all = np.ones(num_envs, np.bool_)
        self._renderer: Renderer | None = None
        self._begun = False
        self._lanes.seed(_fresh_seeds(num_envs), self._all)
        world, lanes = setup.world, self._lanes
        self._step = lanes.launchers.step_parallel if num_envs > 1 else lanes.launchers.step_serial
        self._reward_terms = {name: lanes.terms[:, k] for k, name in enumerate(world.reward_terms)}
        self._metrics = {name: lanes.metrics[:, k] for k, name in enumerate(world.metric_names)}

    @property
    def states(self) -> np.ndarray:
        """The lanes themselves, a structured array (N,): a view, for baselines and drawing; do not write."""
        return self._lanes.states

    def reset(  # pyright: ignore[reportIncompatibleMethodOverride] (a list of seeds may hold None in Gymnasium)
        self, *, seed: int | list[int] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Begins an episode in every lane, or where `options["reset_mask"]` (N,) bool says.

        Lane i of an integer seed begins the scenarios of `seed + i`; without a seed each lane goes on to its
        next scenario.
        """
        super().reset(seed=seed if not isinstance(seed, list) else None)
        mask = self._all if options is None else np.asarray(options.get("reset_mask", self._all), np.bool_)
        if mask.shape != (self.num_envs,):
            raise ValueError(f"reset_mask has shape {mask.shape}; one bool a lane is {(self.num_envs,)}")
        if seed is not None:
            seeds = seed if isinstance(seed, list) else range(seed, seed + self.num_envs)
            if len(seeds) != self.num_envs:
                raise ValueError(
                    f"{len(seeds)} seeds were given for {self.num_envs} environments; give one each"
                )
            self._lanes.seed(np.array(seeds, np.uint64), mask)
        self._lanes.reset(mask)
        self._begun = True
        return self._lanes.obs.copy(), {}

    def step(self, actions: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Steps every lane. actions: (N,) integers for Discrete, (N, A) for Box; else ValueError."""
        if not self._begun:
            raise ValueError("step() was called before the first episodes began; call reset() first")
        lanes = self._lanes
        checked = checked_actions(np.asarray(actions), self.setup.action_space, self.num_envs)
        lanes.actions[:, : checked.shape[1]] = checked
        lanes.step(self._step, autoreset=True)
        done = lanes.terminated | lanes.truncated
        info = {
            "final_obs": lanes.final_obs,
            "_final_obs": done,
            "reward_terms": self._reward_terms,
            "metrics": self._metrics,
            "_metrics": done,
        }
        return (
            lanes.obs.copy(),
            lanes.rewards.copy(),
            lanes.terminated.copy(),
            lanes.truncated.copy(),
            info,
        )

    def observe(self) -> np.ndarray:
        """Returns a copy of the current observations (N, ...) float32."""
        return self._lanes.obs.copy()

    def get_state(self) -> np.ndarray:
        """Returns a copy of all lanes: a structured array (N,) that is everything about this batch."""
        return self._lanes.copy_of_states()

    def set_state(self, rows: np.ndarray) -> None:
        """Continues from `rows` (N,), made by `get_state` of an environment with the same arguments."""
        _copy_states(rows, self._lanes)
        self._begun = True

    def render(self) -> tuple[np.ndarray, ...] | None:
        """Returns a frame (H, W, 3) uint8 of every lane in `rgb_array` mode."""
        if self.render_mode is None or self.setup.renderer is None:
            return None
        if self._renderer is None:
            self._renderer = self.setup.renderer()
        return tuple(self._renderer.draw(row) for row in self._lanes.states)

    def close_extras(self, **kwargs: Any) -> None:
        """Releases the renderer."""
        if self._renderer is not None:
            self._renderer.close()
            self._renderer = None


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


def _copy_states(rows: np.ndarray, lanes: _Lanes) -> None:
    if rows.dtype != lanes.states.dtype or rows.shape != lanes.states.shape:
        raise ValueError(
            f"the state is {rows.shape} rows of {rows.dtype.itemsize} bytes; this environment has "
            f"{lanes.states.shape} rows of {lanes.states.dtype.itemsize} bytes; use the same arguments"
        )
    lanes.states[:] = rows
    lanes.observe()


def _fresh_seeds(n: int) -> np.ndarray:
    return np.random.SeedSequence().generate_state(n, np.uint64)
