"""The arrays of a batch of lanes, bound to the machine code that works on them."""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from gymnasium.spaces import Box, Dict, Discrete

from quadrivium.envs.core.lane import ILLEGAL_ACTION, NO_ACTION
from quadrivium.envs.core.launch import BATCH, lane_jobs, world_code
from quadrivium.envs.core.native import address, pack
from quadrivium.envs.core.ranges import require_valid
from quadrivium.envs.core.setup import ACTION_MASK, Setup
from quadrivium.envs.core.threads import caller, run, run_parallel

Obs = np.ndarray | dict[str, np.ndarray]
SLACK = 1e-6  # of the range, by which rounding may leave a Box; such actions are clipped into it
SMALL = 16  # numbers of an action that are checked faster one by one


class Outputs(NamedTuple):
    """The arrays that jobs write, a row a lane. A world without a mask has A = 0 there."""

    obs: np.ndarray  # (N, K) float32
    masks: np.ndarray  # (N, A) int8, 1 where an action is legal
    final_obs: np.ndarray  # (N, K) float32, written where an episode ended
    final_masks: np.ndarray  # (N, A) int8, likewise
    rewards: np.ndarray  # (N,) float32
    terms: np.ndarray  # (N, T) float32
    terminated: np.ndarray  # (N,) bool
    truncated: np.ndarray  # (N,) bool
    metrics: np.ndarray  # (N, M) float32, written where an episode ended; each step where agents leave
    active: (
        np.ndarray
    )  # (N, P) of `Setup.active` after the step, before any new episode; P = 0 where all stay


class Lanes:
    """A batch of `num_lanes` records of a world, and the outputs of its agents.

    With P agents a lane (usually 1), the machine code sees one row a lane, in which the agents lie one after
    another, and the methods here one row an agent: those of lane i begin at i * P.

    A copy, by `copy.deepcopy` or pickle, goes on like the original.

    Args:
        setup: the world with its parameters chosen.
        num_lanes: N.
        zeros: `(name, shape, dtype)` allocates an array of zeros; NumPy's by default.
    """

    def __init__(self, setup: Setup, num_lanes: int, zeros: Callable[..., np.ndarray] | None = None) -> None:
        world, agents = setup.world, len(setup.agents)
        rows = num_lanes * agents
        legal = int(setup.action_space.n) if isinstance(setup.action_space, Discrete) and setup.masked else 0
        self.setup = setup
        zeros = zeros or _zeros
        active = None if setup.active is None else setup.state_dtype[setup.active].base
        self.states = zeros("states", num_lanes, setup.state_dtype)
        # What `shown` says of the last state of an episode needs that state, after the next one has begun.
        self.final_states = zeros("final_states", num_lanes if setup.shown else 0, setup.state_dtype)
        self.actions = zeros("actions", (num_lanes, agents * setup.action_width), world.action_dtype)
        width, terms, metrics = setup.observation_width, len(world.reward_terms), len(world.metric_names)
        self.outputs = Outputs(
            obs=zeros("obs", (num_lanes, agents * width), np.float32),
            masks=zeros("masks", (num_lanes, agents * legal), np.int8),
            final_obs=zeros("final_obs", (num_lanes, agents * width), np.float32),
            final_masks=zeros("final_masks", (num_lanes, agents * legal), np.int8),
            rewards=zeros("rewards", num_lanes, np.float32),
            terms=zeros("terms", (num_lanes, agents * terms), np.float32),
            terminated=zeros("terminated", num_lanes, np.bool_),
            truncated=zeros("truncated", num_lanes, np.bool_),
            metrics=zeros("metrics", (num_lanes, agents * metrics), np.float32),
            active=zeros("active", (num_lanes, agents if active else 0), active or np.int8),
        )
        self._chosen, self._spared = (
            zeros("chosen", num_lanes, np.bool_),
            zeros("spared", num_lanes, np.bool_),
        )
        self._num_lanes, self._agents = num_lanes, agents
        self._bind()

        outputs = self.outputs
        self._parts = _parts(setup)
        space = setup.action_space
        self._bounds: list[tuple[float, float]] | None = None
        if isinstance(space, Discrete):
            self._first_action, self._end_of_actions = int(space.start), int(space.start + space.n)
        else:
            self._action_shape, flat = space.shape, len(space.shape) == 1 and space.shape[0] <= SMALL
            bounds = list(zip(space.low.flat, space.high.flat, strict=True)) if flat else []
            self._bounds = [(float(low), float(high)) for low, high in bounds]
        self._action_rows = self.actions.reshape(rows, setup.action_width)
        self.masks, self.final_masks = (
            outputs.masks.reshape(rows, legal),
            outputs.final_masks.reshape(rows, legal),
        )
        self._obs = self._named(outputs.obs.reshape(rows, width), self.masks)
        self._final_obs = self._named(outputs.final_obs.reshape(rows, width), self.final_masks)
        term_rows, metric_rows = outputs.terms.reshape(rows, terms), outputs.metrics.reshape(rows, metrics)
        self.term_rows, self.metric_rows = term_rows, metric_rows
        self.reward_terms = named_columns(world.reward_terms, term_rows)
        self.metrics = named_columns(world.metric_names, metric_rows)

    def _bind(self) -> None:
        """Writes the record by which the machine code finds all of these arrays."""
        setup, outputs = self.setup, self.outputs
        self._params = pack(setup.params)
        self._batch = np.zeros(1, BATCH)
        self._autoreset = False
        self._code: dict[str, int] | None = None  # made when it is first needed: compiling takes seconds
        self._at = address(self._batch)
        b = self._batch[0]
        b["params"], b["split"], b["lanes"] = address(self._params), setup.params.split, self._num_lanes
        b["states"], b["state_bytes"] = address(self.states), self.states.dtype.itemsize
        b["final_states"] = address(self.final_states) if len(self.final_states) else 0
        b["actions"], b["action_bytes"] = address(self.actions), self.actions.strides[0]
        b["action_width"] = self.actions.shape[1]
        b["chosen"], b["spared"] = address(self._chosen), address(self._spared)
        b["obs"], b["final_obs"], b["obs_width"] = (
            address(outputs.obs),
            address(outputs.final_obs),
            outputs.obs.shape[1],
        )
        b["masks"], b["final_masks"] = address(outputs.masks), address(outputs.final_masks)
        b["mask_width"], b["rewards"] = outputs.masks.shape[1], address(outputs.rewards)
        b["terms"], b["term_width"] = address(outputs.terms), outputs.terms.shape[1]
        b["terminated"], b["truncated"] = address(outputs.terminated), address(outputs.truncated)
        b["metric_rows"], b["metric_width"] = address(outputs.metrics), outputs.metrics.shape[1]
        fields: Any = setup.state_dtype.fields
        b["active_at"] = -1 if setup.active is None else fields[setup.active][1]
        b["active"], b["active_bytes"] = address(outputs.active), outputs.active.strides[0]

    def _prepare(self) -> None:
        """Sees to it that the machine code is there; the first call compiles it, or reads it from disk."""
        if self._code is None:
            self._code = world_code(self.setup.world, self.setup.state_dtype, self.setup.params)
            for role in self.setup.world.lane_functions.keys() & set(self._batch.dtype.names or ()):
                self._batch[role] = self._code[role]  # a search's alone are left out
            self._jobs = lane_jobs()
            self._step_job = self._jobs["step"]

    def __getstate__(self) -> dict[str, Any]:
        return {
            "setup": self.setup,
            "arrays": [self.copy_of_states(), self.actions, self._spared, *self.outputs],
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        states, *others = state["arrays"]
        self.__init__(state["setup"], len(states))  # the views are views again, of this copy's own arrays
        self.states[:] = states
        for array, values in zip([self.actions, self._spared, *self.outputs], others, strict=True):
            array[:] = values

    def _named(self, flat: np.ndarray, masks: np.ndarray) -> Obs:
        """Returns rows (..., K) and their masks (..., A) as observations: views."""
        if self._parts is None:
            return flat.reshape(*flat.shape[:-1], *self.setup.observation_space.shape or ())
        named = {ACTION_MASK: masks} if self.setup.masked and self.setup.mask_observed else {}
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

    def obs_views(self, row: int) -> Obs:
        """Returns one agent's observation, or a dict of its parts and mask: views, each in one piece."""
        if isinstance(self._obs, dict):
            return {name: values[row] for name, values in self._obs.items()}
        return self._obs[row]

    def copy_of_obs(self, row: int | slice = slice(None)) -> Any:
        """Returns a copy of the observations of all agents, or of one."""
        if isinstance(self._obs, dict):
            return {name: values[row].copy() for name, values in self._obs.items()}
        return self._obs[row].copy()

    def last_obs(self, rows: np.ndarray) -> Obs:
        """Returns a copy of the last observations of agents in `rows` (n,) whose episodes have ended.

        That of an agent which has left a lane whose episode goes on is what it observes there still.
        """
        begun = self.done[rows // self._agents]
        if isinstance(self._final_obs, dict):
            assert isinstance(self._obs, dict)
            pairs = [(name, self._final_obs[name], values) for name, values in self._obs.items()]
            return {name: _rows_of(begun, last[rows], now[rows]) for name, last, now in pairs}
        assert not isinstance(self._obs, dict)
        return _rows_of(begun, self._final_obs[rows], self._obs[rows])

    @property
    def done(self) -> np.ndarray:
        """(N,) bool: the lanes whose episode ended in the last step."""
        return self.outputs.terminated | self.outputs.truncated

    def results(self, acted: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Returns copies of the last step's rewards (N * P,) float32, terminations and truncations.

        acted: (N * P,) bool, who took part before it, where agents leave: their episodes end one by one.
        """
        outputs = self.outputs
        if self._agents == 1:
            return outputs.rewards.copy(), outputs.terminated.copy(), outputs.truncated.copy()
        rewards = np.zeros(len(self._action_rows), np.float32)
        for values in self.reward_terms.values():
            rewards += values
        terminated, truncated = (
            flags.repeat(self._agents) for flags in (outputs.terminated, outputs.truncated)
        )
        if acted is None:
            return rewards, terminated, truncated
        left = outputs.active.reshape(-1) == 0
        return rewards, acted & (terminated | left), acted & truncated & ~left

    @property
    def taking_part(self) -> np.ndarray | None:
        """(N * P,) bool: the agents that take part now; None where all always do."""
        active = self.setup.active
        return None if active is None else (self.states[active] != 0).reshape(-1)

    def copy_of_states(self) -> np.ndarray:
        """Returns a copy of all records."""
        rows = np.zeros(self.states.shape, self.states.dtype)  # .copy() would leave old memory between fields
        rows[:] = self.states
        return rows

    def set_states(self, rows: np.ndarray) -> None:
        """Continues from `rows`; raises ValueError if they are of another batch or world, or none of it."""
        require_rows_of(rows, self.states.dtype, self.states.shape)
        if not rows["episode"].all():
            lane = int(np.argmin(rows["episode"]))
            raise ValueError(f"row {lane} has never begun an episode; take the state after a reset")
        require_valid(rows, self.setup.params, self.setup.world)
        self.states[:] = rows
        self.outputs.terminated[:] = self.outputs.truncated[:] = False
        self.observe()

    def restore(self, states: np.ndarray, terminated: np.ndarray, truncated: np.ndarray) -> None:
        """Puts back records and flags that were copied before something failed."""
        self.states[:] = states
        self.outputs.terminated[:], self.outputs.truncated[:] = terminated, truncated
        self.observe()

    def seed(self, seeds: np.ndarray, mask: np.ndarray) -> None:
        """Gives the lanes where `mask` their seeds; their next scenario is the first of these."""
        self.states["seed"][mask] = seeds[mask]
        self.states["episode"][mask] = 0

    def reset(self, mask: np.ndarray) -> None:
        """Begins an episode in the lanes where `mask`."""
        self._prepare()
        self._chosen[:] = mask
        run(self._jobs["reset"], self._at, self._num_lanes)
        self._let_others_act()

    def observe(self) -> None:
        """Writes the observations and masks of all lanes."""
        self._prepare()
        run(self._jobs["observe"], self._at, self._num_lanes)

    def write_metrics(self) -> None:
        """Writes the metrics of all lanes, also of those whose episodes still run."""
        self._prepare()
        run(self._jobs["metrics"], self._at, self._num_lanes)

    def step(self, *, autoreset: bool = False, spare: np.ndarray | None = None) -> int:
        """Steps all lanes by `actions`; returns the last lane's bits TERMINATED and TRUNCATED.

        autoreset: begins an episode where one has ended. spare: (N,) bool, lanes that are left as they are.
        """
        self._prepare()
        if spare is not None:
            self._spared[:] = spare
        try:
            if self.setup.others is None:
                return self._launch_step(autoreset)
            return self._step_with_others(autoreset)
        finally:
            if spare is not None:
                self._spared[:] = False

    def stepper(self) -> Callable[[], int]:
        """Returns what steps a lane that is alone, as `step` does without its arguments."""
        if self.setup.others is not None:
            return self.step
        self._prepare()
        return partial(caller(), self._step_job, self._at, 0, 1, 0)

    def measurer(self) -> Callable[[], Any]:
        """Returns what writes the metrics of a lane that is alone, as `write_metrics` does."""
        self._prepare()
        return partial(caller(), self._jobs["metrics"], self._at, 0, 1, 0)

    def _launch_step(self, autoreset: bool) -> int:
        if autoreset is not self._autoreset:
            self._autoreset = autoreset
            self._batch["autoreset"] = autoreset
        if self._num_lanes == 1:
            return run(self._step_job, self._at, 1)
        run_parallel(self._step_job, self._at, self._num_lanes)
        return 0

    def _step_with_others(self, autoreset: bool) -> int:
        assert self.setup.others is not None
        flags = self.outputs.terminated.copy(), self.outputs.truncated.copy()
        before = self.copy_of_states()
        try:
            self._launch_step(False)
            self.setup.others(self.states)
            self.actions[:] = NO_ACTION
            bits = self._launch_step(autoreset)
            self._let_others_act()  # where a new episode begins with a move of theirs
        except BaseException:
            self.restore(before, *flags)  # a wrong action, one of theirs too, changes nothing
            raise
        return bits

    def _let_others_act(self) -> None:
        if self.setup.others is not None and self.setup.others(self.states):
            self.observe()

    def set_action(self, action: Any) -> None:
        """Takes the action of the only agent; raises ValueError, and changes nothing, if it is illegal."""
        if self._bounds is None:
            whole = action.__class__ is int or isinstance(action, np.integer)
            inside = whole and self._first_action <= action < self._end_of_actions
            if inside and (not self.setup.masked or self.masks[0, action]):
                self.actions[0, 0] = action
                return
        elif (
            self._bounds  # of few numbers in a row
            and isinstance(action, np.ndarray)
            and action.shape == self._action_shape
            and action.dtype.kind in "iuf"
        ):
            inside = zip(action.tolist(), self._bounds, strict=True)
            if all(low <= value <= high for value, (low, high) in inside):
                self._action_rows[0] = action
                return
        self.set_actions(np.asarray(action)[None])  # says what is wrong, or takes what is unusual

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
        self._action_rows[slice(None) if rows is None else rows] = checked

    def _illegal_message(self, lane: int, action: int, mask: np.ndarray) -> str:
        if self.setup.illegal_message:
            return self.setup.illegal_message(self.states[lane], action, mask)
        return f"action {action} is illegal; legal actions: {np.flatnonzero(mask).tolist()}"


def require_rows_of(rows: Any, dtype: np.dtype[Any], shape: tuple[int, ...]) -> None:
    """Raises ValueError unless `rows` are records of a dtype and shape."""
    if not isinstance(rows, np.ndarray) or rows.dtype != dtype or rows.shape != shape:
        given = (
            f"{rows.shape} rows of {rows.dtype.itemsize} bytes"
            if isinstance(rows, np.ndarray)
            else f"a {type(rows).__name__}"
        )
        raise ValueError(
            f"the state is {given}; this environment has {shape} rows of {dtype.itemsize} bytes; "
            "use the same arguments"
        )


def objects(obs: Obs, rows: np.ndarray, count: int) -> np.ndarray:
    """Returns (count,) object, as Gymnasium's batches give observations (n, ...): in `rows` (n,) one each,
    which may be a dict; None elsewhere.
    """
    found = np.full(count, None, object)
    if isinstance(obs, dict):
        names = list(obs)
        found[rows] = [dict(zip(names, own)) for own in zip(*obs.values())]  # noqa: B905 (they are as many)
    else:
        for row, last in zip(rows.tolist(), obs, strict=True):
            found[row] = last
    return found


def _rows_of(first: np.ndarray, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Returns rows (n, ...) of `one` where `first` (n,), else of the `other`."""
    return one if first.all() else np.where(first.reshape(-1, *[1] * (one.ndim - 1)), one, other)


def named_columns(names: Sequence[str], rows: np.ndarray) -> dict[str, np.ndarray]:
    """Returns the columns of `rows` by their names: views."""
    return {name: rows[:, k] for k, name in enumerate(names)}


def _zeros(name: str, shape: tuple[int, ...] | int, dtype: Any) -> np.ndarray:
    return np.zeros(shape, dtype)


def checked_seeds(seeds: Sequence[Any]) -> np.ndarray:
    """Returns seeds as uint64; raises ValueError for one that is no integer from 0 to 2⁶⁴ − 1."""
    for seed in seeds:
        if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= seed < 2**64:
            raise ValueError(f"seed={seed!r}: use an integer from 0 to 2**64 - 1")
    return np.array([int(seed) for seed in seeds], np.uint64)


def fresh_seeds(n: int) -> np.ndarray:
    """Returns n seeds (n,) uint64 that no one has asked for."""
    return np.random.SeedSequence().generate_state(n, np.uint64)


def _parts(setup: Setup) -> list[tuple[str, int, int, tuple[int, ...]]] | None:
    """Returns each part's name, where it lies in the flat row, and its shape; None for a Box alone."""
    if not isinstance(setup.single_observation_space, Dict):
        return None
    shapes = {name: part.shape or () for name, part in setup.observation_parts.items()}
    ends = np.cumsum([math.prod(shape) for shape in shapes.values()]).tolist()
    begins = [0, *ends[:-1]]
    return list(zip(shapes, begins, ends, shapes.values(), strict=True))


def checked_actions(
    actions: np.ndarray, space: Discrete | Box, num_envs: int = 1, names: Sequence[str] | None = None
) -> np.ndarray:
    """Returns `actions` as rows (num_envs, A); raises ValueError that names the first one outside `space`.

    Numbers that rounding has left outside a Box, by less than a millionth of its range, are clipped.
    """
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
        if wrong.any():
            slack = SLACK * (space.high.astype(np.float64) - space.low)
            wrong = ~((actions >= space.low - slack) & (actions <= space.high + slack))
        rows = np.clip(actions, space.low, space.high).reshape(num_envs, math.prod(space.shape))
    if wrong.any():
        row = int(np.argmax(wrong.reshape(num_envs, rows.shape[1]).any(axis=1)))
        who = names[row] if names else f"environment {row}"
        raise ValueError(f"action {actions[row]} of {who} is outside {space}")
    return rows
