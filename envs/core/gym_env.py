"""Gymnasium's two faces of a world: the single environment and the native vector environment."""

from collections.abc import Callable, Mapping
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Discrete
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from quadrivium.envs.core.lanes import Lanes, Obs, checked_seeds, fresh_seeds, named_columns, objects
from quadrivium.envs.core.late_info import LateInfo
from quadrivium.envs.core.launch import TERMINATED, TRUNCATED
from quadrivium.envs.core.screen import Screen
from quadrivium.envs.core.setup import ACTION_MASK, Setup
from quadrivium.envs.core.spaces import LegalDiscrete, LegalMultiDiscrete

_BOUND = ("_obs", "_terms", "_metrics", "_rewards", "_advance", "_measure")
"""Attributes of environments that a copy makes anew."""


class LaneEnv(gymnasium.Env[Any, Any]):
    """One environment: a batch of one lane. A copy, by `copy.deepcopy` or pickle, goes on like the original.

    The arrays that it returns are the caller's to keep. `info` has one structure from `reset` on:
    `reward_terms`, the named parts of the reward (0 at `reset`); `metrics`, the episode's metrics so far,
    which are its own at the last step; and where actions may be illegal `action_mask`, the observation's.
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
        self.action_space = LegalDiscrete(len(self._lanes.masks[0])) if setup.masked else setup.action_space
        self._bind()
        self._all = np.ones(1, np.bool_)
        self._before = self._lanes.states.copy()  # the record before the last step, for `render_motion`
        self._running = False
        self._lanes.seed(fresh_seeds(1), self._all)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begins an episode: the first of `seed`'s scenarios, or without a seed the next one."""
        seeds = None if seed is None else checked_seeds([seed])
        require_known_options(options)
        super().reset(seed=seed)
        if seeds is not None:
            self._lanes.seed(seeds, self._all)
        self._running = False  # until others have acted, who may raise
        self._lanes.reset(self._all)
        self._advance, self._measure = self._lanes.stepper(), self._lanes.measurer()
        self._terms[:] = 0.0
        self._running = True
        if self.render_mode == "human":
            self.render()
        self._measure()
        obs = self._copy_of_obs()
        return obs, self._info(obs)

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Takes one action. Raises ValueError for a wrong or illegal one, and after the episode's end."""
        lanes = self._lanes
        if not self._running:
            raise ValueError(
                "step() was called on an episode that has ended or not begun; call reset() first"
            )
        lanes.set_action(action)
        if self.render_mode == "rgb_array":
            self._before[:] = lanes.states
        bits = self._advance()
        if bits:
            self._running = False
        else:  # else the step has written the metrics
            self._measure()
        if self.render_mode == "human":
            self.render()
        obs = self._copy_of_obs()
        return obs, self._rewards.item(0), bits == TERMINATED, bits == TRUNCATED, self._info(obs)

    def _info(self, obs: Any) -> dict[str, Any]:
        info: dict[str, Any] = {
            "reward_terms": dict(zip(self._term_names, self._terms.tolist())),  # noqa: B905
            "metrics": dict(zip(self._metric_names, self._metrics.tolist())),  # noqa: B905
        }
        if self.setup.masked:
            info[ACTION_MASK] = mask_of(obs, self._lanes.masks[0])
        if self.setup.shown:
            for name, value in self.setup.show(self._lanes.states).items():
                info[name] = value[0] if value.ndim > 1 else value.item(0)
        return info

    def action_masks(self) -> np.ndarray:
        """Returns which actions are legal now, (A,) bool, as sb3-contrib's MaskablePPO asks."""
        return action_masks(self._lanes)[0]

    def _copy_of_obs(self) -> Any:
        """Returns a copy of the observation, or a dict of copies of its parts, from views made once."""
        if isinstance(self._obs, dict):
            return {name: part.copy() for name, part in self._obs.items()}
        return self._obs.copy()

    def render(self) -> np.ndarray | str | None:  # pyright: ignore[reportIncompatibleMethodOverride] (no frame lists)
        """Returns the frame (H, W, 3) uint8 in `rgb_array` mode, text in `ansi` mode; in `human` shows it."""
        return self._screen.render(self._lanes.states[0])

    def render_motion(self, count: int) -> list[np.ndarray]:
        """Returns `count` frames (H, W, 3) uint8 of the last step's motion, for films without jumps.

        The last one is what `render` returns. Needs the mode `rgb_array` and a step since the reset.
        """
        return self._screen.motion(self._before[0], self._lanes.states[0], count)

    def observed_places(self, obs: Any) -> dict[str, np.ndarray]:
        """Returns where in the frame lies what `obs` tells of the present state, for drawings over it.

        By part, in pixels from the top left: (N, 2) of tokens, NaN of those that are absent, (H, W, 2) of a
        grid's cells. Parts that have no place in the frame, or whose renderer does not tell, are left out.
        """
        parts = obs if isinstance(obs, Mapping) else {"observation": obs}
        return self._screen.places(self._lanes.states[0], parts)

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

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in _BOUND}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._bind()

    def _bind(self) -> None:
        """Makes the views of the lane's arrays, of this environment's own or of its copy's."""
        lanes, outputs = self._lanes, self._lanes.outputs
        self._obs, self._rewards = lanes.obs_views(0), outputs.rewards
        self._terms, self._metrics = outputs.terms[0], outputs.metrics[0]
        self._advance, self._measure = lanes.step, lanes.write_metrics
        self._term_names, self._metric_names = self.setup.world.reward_terms, self.setup.world.metric_names
        if isinstance(self.action_space, LegalDiscrete):
            self.action_space.mask = self._lanes.masks[0]


class LaneVectorEnv(VectorEnv[Any, np.ndarray, np.ndarray]):
    """A batch of environments that steps on all cores. A copy, by `copy.deepcopy` or pickle, goes on like it.

    When an episode ends, `autoreset_mode` says what follows, as in Gymnasium's batches:

    - "SameStep" (default): the same step begins the next one and returns its first observation. Where lanes
      have ended, `info["final_obs"]` (N,) object holds their last observations and `info["final_info"]` their
      last infos, as Gymnasium's batches form them; `_final_obs` and `_final_info` (N,) bool say where.
    - "NextStep": the step returns the last observation; the next one ignores the action, begins the next
      episode and returns its first observation with reward 0.
    - "Disabled": the step returns the last observation; the caller begins the next episode by
      `reset(options={"reset_mask": done})`.

    An environment is a lane. Where P agents act at once, it is one agent of a lane, so that one policy can be
    trained as all of them: those of lane i begin at i * P, and begin their episodes together. Where agents
    leave (`Setup.active`), each ends its episode by itself, and its row is idle until that of the lane ends:
    its actions are left aside, it earns nothing and ends nothing. `info["active"]` (N,) bool says of whom an
    observation is, so whose next action counts; see `taking_part` too.

    All arrays are the caller's to keep. `info` holds `reward_terms`, name to (N,) float32, of the step;
    `metrics`, name to (N,) float32, valid where an episode ended: `_metrics` (N,) bool; and where actions may
    be illegal `action_mask` (N, A) int8, the observations'.
    """

    metadata: dict[str, Any] = {  # noqa: RUF012 (Gymnasium's form)
        "render_modes": ["rgb_array"],
        "autoreset_mode": AutoresetMode.SAME_STEP,
    }

    def __init__(
        self,
        setup: Setup,
        num_envs: int = 1,
        render_mode: str | None = None,
        autoreset_mode: AutoresetMode | str = AutoresetMode.SAME_STEP,
    ) -> None:
        if isinstance(num_envs, bool) or not isinstance(num_envs, int | np.integer) or num_envs < 1:
            raise ValueError(f"num_envs={num_envs!r} must be an integer of at least 1")
        kind: Any = {"remedy": "", "only": ("rgb_array",), "where": " in a batch"}
        self._screen = Screen(render_mode, setup.renderer, setup.text, **kind)
        self._mode = _autoreset_mode(autoreset_mode)
        self.metadata = {
            **self.metadata,
            "render_modes": self._screen.modes,
            "render_fps": setup.render_fps,
            "autoreset_mode": self._mode,
        }
        self.render_mode = render_mode
        self.num_envs = num_envs
        self.setup = setup
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
            LegalMultiDiscrete(*self._lanes.masks.shape)
            if setup.masked
            else batch_space(setup.action_space, num_envs)
        )
        self.baselines = setup.baselines
        self._all = np.ones(num_lanes, np.bool_)
        self._begun = np.zeros(num_lanes, np.bool_)
        self._lanes.seed(fresh_seeds(num_lanes), self._all)
        self._bind()

    def _bind(self) -> None:
        if isinstance(self.action_space, LegalMultiDiscrete):
            self.action_space.masks = self._lanes.masks

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._bind()

    @property
    def states(self) -> np.ndarray:
        """The lanes themselves, a structured array (N,): a view, for baselines and drawing; do not write."""
        return self._lanes.states

    @property
    def taking_part(self) -> np.ndarray | None:
        """(N,) bool: the environments whose next actions count; None where that is always all of them."""
        return self._lanes.taking_part

    def reset(  # pyright: ignore[reportIncompatibleMethodOverride] (a list of seeds may hold None in Gymnasium)
        self, *, seed: int | list[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begins an episode in every lane, or where `options["reset_mask"]` says, one bool a lane.

        Lane i of an integer seed begins the scenarios of `seed + i`, of a list those of `seed[i]`; without a
        seed, or with None in the list, a lane goes on to its next scenario.
        """
        require_known_options(options, "reset_mask")
        mask = np.asarray((options or {}).get("reset_mask", self._all))
        if mask.shape != self._all.shape or mask.dtype != np.bool_:
            raise ValueError(
                f"reset_mask is {mask.dtype} of shape {mask.shape}; one bool a lane is {self._all.shape}"
            )
        if not (mask | self._begun).all():
            raise ValueError(
                f"lanes {np.flatnonzero(~(mask | self._begun)).tolist()} have not begun and are left out of "
                "reset_mask; reset all lanes first"
            )
        if seed is not None:
            seeds = seed if isinstance(seed, list) else consecutive_seeds(seed, len(mask))
            if len(seeds) != len(mask):
                what = "environments" if len(mask) == self.num_envs else "lanes"
                raise ValueError(f"{len(seeds)} seeds were given for {len(mask)} {what}; give one each")
            given = np.array([one is not None for one in seeds])
            self._lanes.seed(checked_seeds([0 if one is None else one for one in seeds]), mask & given)
        super().reset(seed=seed if not isinstance(seed, list) else None)
        self._begun &= ~mask  # until others have acted, who may raise
        self._lanes.reset(mask)
        self._begun |= mask
        return self._lanes.copy_of_obs(), self._told_now()

    def step(self, actions: Any) -> tuple[Any, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Steps every lane. actions: (N,) integers for Discrete, (N, A) for Box; else ValueError."""
        if not self._begun.all():
            raise ValueError("step() was called before the first episodes began; call reset() first")
        lanes, acted = self._lanes, self.taking_part
        if self._mode is AutoresetMode.SAME_STEP:
            self._take(np.asarray(actions), acted)
            lanes.step(autoreset=True)
        else:
            acted = self._step_as_far_as_they_run(np.asarray(actions), acted)
        rewards, terminated, truncated = lanes.results(acted)
        obs = lanes.copy_of_obs()
        return obs, rewards, terminated, truncated, self._info(obs, terminated | truncated)

    def _take(self, actions: np.ndarray, acting: np.ndarray | None) -> None:
        """Takes the actions of those who act, (N,) bool or all; those of others are 0."""
        lanes = self._lanes
        if acting is None or acting.all() or actions.shape[:1] != (self.num_envs,):  # which they refuse
            lanes.set_actions(actions)
            return
        rows = np.flatnonzero(acting)
        lanes.set_actions(actions[rows], rows, [f"environment {k}" for k in rows])
        lanes.actions.reshape(self.num_envs, -1)[~acting] = 0

    def _told_now(self) -> dict[str, Any]:
        """Returns what `info` says of how things stand: who takes part, and what the world shows."""
        active = self.taking_part
        return self.setup.show(self._lanes.states) | ({} if active is None else {"active": active})

    def _info(self, obs: Any, done: np.ndarray) -> dict[str, Any]:
        lanes, world = self._lanes, self.setup.world
        terms, metrics = lanes.term_rows.copy(), lanes.metric_rows.copy()
        info: dict[str, Any] = {
            "reward_terms": named_columns(world.reward_terms, terms),
            "metrics": named_columns(world.metric_names, metrics),
            "_metrics": done,
        }
        if self.setup.masked:
            info[ACTION_MASK] = mask_of(obs, lanes.masks)
        info |= self._told_now()
        if self._mode is AutoresetMode.SAME_STEP and done.any():
            info |= {"_final_obs": done, "_final_info": done}
            return LateInfo(
                info, ("final_obs", "final_info"), self._final(done, terms.copy(), metrics.copy())
            )
        return info

    def _final(
        self, done: np.ndarray, terms: np.ndarray, metrics: np.ndarray
    ) -> Callable[[], dict[str, Any]]:
        """Returns a function that returns what `info` says of the episodes that have just ended.

        An object for each of them, as Gymnasium wants it, takes longer than a step of a small game.
        """
        world, done, rows = self.setup.world, done.copy(), np.flatnonzero(done)
        last, shown = self._lanes.last_obs(rows), self.setup.show(self._lanes.final_states)
        masks = self._lanes.final_masks[rows] if self.setup.masked else None

        def final() -> dict[str, Any]:
            infos: dict[str, Any] = {}
            for key, names, values in (
                ("reward_terms", world.reward_terms, terms),
                ("metrics", world.metric_names, metrics),
            ):
                columns = named_columns(names, np.where(done[:, None], values, 0))
                infos |= {key: columns | {f"_{name}": done for name in names}, f"_{key}": done}
            for name, values in shown.items():
                values[~done] = 0
                infos |= {name: values, f"_{name}": done}
            if masks is not None:
                dense = np.zeros((len(done), masks.shape[1]), np.int8)
                dense[rows] = masks
                infos |= {ACTION_MASK: dense, f"_{ACTION_MASK}": done}
            return {"final_obs": objects(last, rows, len(done)), "final_info": infos}

        return final

    def action_masks(self) -> np.ndarray:
        """Returns which actions are legal now, (N, A) bool."""
        return action_masks(self._lanes)

    def _step_as_far_as_they_run(self, actions: np.ndarray, acting: np.ndarray | None) -> np.ndarray | None:
        """Steps the lanes whose episodes run. Begins those that ended in the step before, if that is the
        mode.

        Returns who has acted, of those `acting` in their episodes; (N,) bool, or None for all.
        """
        lanes, ended = self._lanes, self._lanes.done
        if not ended.any():
            self._take(actions, acting)
            lanes.step()
            return acting
        if self._mode is AutoresetMode.DISABLED:
            raise ValueError(
                f"the episodes of lanes {np.flatnonzero(ended).tolist()} have ended and autoreset is "
                'disabled; call reset(options={"reset_mask": terminated | truncated}) first'
            )
        runs = ~ended.repeat(len(self.setup.agents))
        self._take(actions, runs if acting is None else runs & acting)
        before = lanes.copy_of_states(), lanes.outputs.terminated.copy(), lanes.outputs.truncated.copy()
        try:
            lanes.reset(ended)
            lanes.step(spare=ended)
        except BaseException:
            lanes.restore(*before)  # an opponent's wrong action changes nothing
            raise
        return acting if acting is None else runs & acting

    def observe(self) -> Obs:
        """Returns a copy of the current observations (N, ...) float32, or a dict of their parts and masks."""
        return self._lanes.copy_of_obs()

    def metrics_so_far(self) -> dict[str, np.ndarray]:
        """Returns what the metrics of the running episodes have come to, name to (N,) float32."""
        self._lanes.write_metrics()
        return named_columns(self.setup.world.metric_names, self._lanes.metric_rows.copy())

    def get_state(self) -> np.ndarray:
        """Returns a copy of all lanes, a row each: a structured array that is everything about this batch.

        In the mode "NextStep" only between episodes' ends: that one has ended is not in its row.
        """
        if self._mode is AutoresetMode.NEXT_STEP and self._lanes.done.any():
            ended = np.flatnonzero(self._lanes.done).tolist()
            raise ValueError(
                f"the episodes of lanes {ended} have just ended and begin anew in the next step; take it "
                "first, or copy.deepcopy the batch"
            )
        return self._lanes.copy_of_states()

    def set_state(self, rows: np.ndarray) -> None:
        """Continues from `rows`, made by `get_state` of an environment with the same arguments."""
        self._lanes.set_states(rows)
        self._begun[:] = True

    def render(self) -> tuple[np.ndarray, ...] | None:
        """Returns a frame (H, W, 3) uint8 of every lane in `rgb_array` mode."""
        if self.render_mode is None:
            return None
        return tuple(self._screen.draw(row) for row in self._lanes.states)

    def close_extras(self, **kwargs: Any) -> None:
        """Releases the renderer."""
        self._screen.close()


def mask_of(obs: Any, masks: np.ndarray) -> np.ndarray:
    """Returns the mask that was observed, or a copy of `masks` where it was not."""
    return obs[ACTION_MASK] if isinstance(obs, dict) else masks.copy()


def action_masks(lanes: Lanes) -> np.ndarray:
    """Returns which actions are legal, (N, A) bool; of a Discrete space without masks all are."""
    if lanes.setup.masked:
        return lanes.masks != 0
    space = lanes.setup.action_space
    if not isinstance(space, Discrete):
        raise ValueError(f"actions of {lanes.setup.world.name} are {space}; only a Discrete space has masks")
    return np.ones((len(lanes.term_rows), int(space.n)), np.bool_)


def _autoreset_mode(mode: AutoresetMode | str) -> AutoresetMode:
    for known in AutoresetMode:
        if mode in (known, known.value, known.name):
            return known
    allowed = ", ".join(repr(known.value) for known in AutoresetMode)
    raise ValueError(f"autoreset_mode={mode!r} is unknown: use one of {allowed}")


def require_known_options(options: Mapping[str, Any] | None, *known: str) -> None:
    """Raises ValueError if `reset` was given an option that it does not know."""
    for name in options or {}:
        if name not in known:
            knows = f"it knows {known[0]!r}" if known else "it knows none: give arguments to the environment"
            raise ValueError(f"reset() knows no option {name!r}; {knows}")


def consecutive_seeds(seed: int, count: int) -> list[int | None]:
    """Returns seed, seed + 1, …; what is no integer is left to `checked_seeds`."""
    return (
        [seed + k for k in range(count)]
        if isinstance(seed, int | np.integer) and not isinstance(seed, bool)
        else [seed] * count
    )
