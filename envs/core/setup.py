"""What a world says of itself, once its parameters are chosen, to the generic environments."""

import importlib
import math
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Protocol

import numpy as np
from gymnasium.spaces import Box, Dict, Discrete, Space

from quadrivium.envs.core.lane import World

ACTION_MASK = "action_mask"


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

    # One that knows where what is observed lies in the picture has moreover
    #     places(row, parts: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]
    # as `LaneEnv.observed_places` says.

    def close(self) -> None:
        """Releases the window."""
        ...


class Batch(Protocol):
    """What a scripted player sees of a batch of environments; a `LaneVectorEnv` is one."""

    num_envs: int
    setup: "Setup"
    single_action_space: Space[Any]

    @property
    def states(self) -> np.ndarray:
        """The records of all lanes, a structured array."""
        ...

    def get_state(self) -> np.ndarray:
        """Returns a copy of them."""
        ...


@dataclass(frozen=True)
class Setup:
    """A world with its parameters chosen: all that the generic environments need.

    Attributes:
        world: the rules.
        params: an instance of `world.params`.
        state_dtype: the record's dtype, beginning with `LANE_HEADER`.
        observation_space: a float32 Box, or a flat Dict of such Boxes, which Gymnasium sorts by key if it is
            made of a plain dict. The row of `world.observe` holds the parts one after another in the Dict's
            order, each flattened; K is their size together. In a world with a `legal` function the Dict has
            `action_mask` (A,) int8 beside its parts, and a Box becomes the part `observation` of such a Dict.
        action_space: Discrete, or a Box of A numbers; a world with a `legal` function needs a Discrete that
            begins with 0.
        renderer: makes the object that draws records, or None.
        text: draws a record as text, for the render mode `ansi`, or None.
        render_fps: decisions a second of the world's clock.
        baselines: scripted players by name, each `(batch) -> actions (N, ...)`.
        others: acts for all who are not the agent and live outside the lanes: `(states (N,)) -> bool` moves
            `states` on to where the agent is to act and says whether it changed anything. The world's `step`
            then gets NO_ACTION once after the agent's own action, and reports how things stand.
        illegal_message: `(row, action, mask) -> str` says what is wrong with an illegal action, or None.
        illegal_passes: whether an illegal action reaches the world's `step`, as ILLEGAL_ACTION, instead of
            raising ValueError.
        agents: the names of the P agents that act at once; usually there is one. The spaces and the names of
            terms and metrics are those of one agent, and the lane functions get the rows of all of them one
            after another: `action` is (P * A,), `terms` (P * T,), and `observe`, `legal` and `metrics` write
            (P * K,), (P * A,) and (P * M,). `step` says whether the episode is over for all of them.
        active: the record's field (P,) that is not 0 while an agent takes part, where agents leave before the
            others; they do not come back within the episode, and their actions are 0. None: all stay.
        columns: what each number of an observation is, by part: of the last axis, or of a grid's first one,
            which are its planes.
        tokens: what each token of a part (N, F) is, N names a part, where the world has some.
        shown: what `info` says of the state after every reset and step, by name: functions of the records
            (N,) that return arrays (N, ...), of all P agents one after another (N · P, ...), and that can be
            pickled. In a batch that resets by itself it is the new episode's state; that of the last one is
            in `final_info`.
        mask_observed: whether the mask of legal actions is a part of what is observed; else it is only told.
        source: what the parameters were made from, for the world's own tools; the engine never reads it.
        files: the SHA-256 of each file that they were made from, by its path.

    Raises:
        ValueError: the spaces, `agents`, `active`, `columns` or `tokens` are none of these.
    """

    world: World
    params: Any
    state_dtype: np.dtype[Any]
    observation_space: Box | Dict
    action_space: Discrete | Box
    renderer: Callable[[], Renderer] | None = None
    text: Callable[[np.void], str] | None = None
    render_fps: int = 10
    baselines: Mapping[str, Callable[[Batch], np.ndarray]] = field(default_factory=dict)
    others: Callable[[np.ndarray], bool] | None = None
    illegal_message: Callable[[np.void, int, np.ndarray], str] | None = None
    illegal_passes: bool = False
    agents: tuple[str, ...] = ("agent",)
    active: str | None = None
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    tokens: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    shown: Mapping[str, Callable[[np.ndarray], np.ndarray]] = field(default_factory=dict)
    mask_observed: bool = True
    source: Any = None
    files: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        space = self.observation_space
        if isinstance(space, Dict) and not space.spaces:
            raise ValueError(f"the observation space of {self.world.name} is an empty Dict; give it a part")
        for name, part in self.observation_parts.items():
            if not isinstance(part, Box) or part.dtype != np.float32:
                raise ValueError(
                    f"{name} of {self.world.name} is observed as {part}; use a Box of dtype float32, or a "
                    "Dict of such Boxes that holds no Dict"
                )
        if isinstance(space, Dict) and ACTION_MASK in space.spaces:
            raise ValueError(
                f"the observation space of {self.world.name} has a part {ACTION_MASK!r}, which the engine "
                "adds where the world has a function `legal`; leave it out"
            )
        if self.masked and (not isinstance(self.action_space, Discrete) or self.action_space.start != 0):
            raise ValueError(
                f"the actions of {self.world.name}, which has a function `legal`, are {self.action_space}; "
                "use a Discrete that begins with 0"
            )
        if not self.agents or len(set(self.agents)) < len(self.agents):
            raise ValueError(f"agents={self.agents} of {self.world.name}; give each its own name")
        record: Any = self.state_dtype.fields or {}
        if self.active is not None and (
            self.active not in record or record[self.active][0].shape != (len(self.agents),)
        ):
            raise ValueError(
                f"active={self.active!r} is no field of {self.world.name}'s record with one number for each "
                f"of {len(self.agents)} agents; name one"
            )

        for name, texts in self.columns.items():
            shape = self.observation_parts[name].shape if name in self.observation_parts else None
            if shape is None or len(texts) != (shape[0] if len(shape) == 3 else shape[-1]):
                raise ValueError(
                    f"columns of {self.world.name} describe {len(texts)} numbers of {name!r}; its parts are "
                    f"{', '.join(f'{k} {part.shape}' for k, part in self.observation_parts.items())}"
                )

        for name, texts in self.tokens.items():
            shape = self.observation_parts[name].shape if name in self.observation_parts else None
            if shape is None or len(shape) != 2 or len(texts) != shape[0]:
                raise ValueError(
                    f"tokens of {self.world.name} name {len(texts)} of {name!r}, which has shape {shape}; "
                    "give a name for each row of a part (N, F)"
                )

    def __deepcopy__(self, memo: dict[int, Any]) -> "Setup":
        if self.others is None:
            return self  # nothing in it ever changes
        return replace(self, others=deepcopy(self.others, memo))  # they may have a random stream of their own

    def show(self, states: np.ndarray) -> dict[str, np.ndarray]:
        """Returns copies of what `shown` says of `states` (N,)."""
        return {name: np.array(function(states)) for name, function in self.shown.items()}

    @property
    def observation_parts(self) -> dict[str, Space[Any]]:
        """The Boxes whose values the flat row holds, in its order; a Box alone is called `observation`."""
        space = self.observation_space
        return dict(space.spaces) if isinstance(space, Dict) else {"observation": space}

    @property
    def observation_width(self) -> int:
        """K, the numbers in the flat row of one observation."""
        return sum(math.prod(part.shape or ()) for part in self.observation_parts.values())

    @property
    def action_width(self) -> int:
        """A, the numbers in the row of one action."""
        return math.prod(self.action_space.shape or ())

    @property
    def render_modes(self) -> list[str]:
        """The render modes for which the world has the means."""
        return render_modes(self.renderer, self.text)

    @property
    def masked(self) -> bool:
        """Whether some discrete actions may be illegal."""
        return self.world.legal is not None

    @property
    def single_observation_space(self) -> Box | Dict:
        """What one environment returns: the observation space, with the mask of legal actions if any."""
        if not (self.masked and self.mask_observed):
            return self.observation_space
        assert isinstance(self.action_space, Discrete)
        mask = Box(0, 1, (int(self.action_space.n),), np.int8)
        return Dict([(ACTION_MASK, mask), *self.observation_parts.items()])  # Dict does not sort pairs


def flattened(setup: Setup) -> Setup:
    """Returns the world that observes one vector (K,), the parts in their order; a mask is not in it."""
    boxes = [part for part in setup.observation_parts.values() if isinstance(part, Box)]
    low, high = (np.concatenate([getattr(box, side).ravel() for box in boxes]) for side in ("low", "high"))
    names: list[str] = []
    for name, box in setup.observation_parts.items():
        told, shape = setup.columns.get(name), box.shape or ()
        for k in range(math.prod(shape)):
            # of a grid the first axis is described, of anything else the last
            at = k // math.prod(shape[1:]) if len(shape) == 3 else k % (shape or (1,))[-1]
            names.append(f"{name}: {told[at] if told else k}")
    return replace(
        setup,
        observation_space=Box(low, high, dtype=np.float32),
        columns={"observation": tuple(names)} if setup.columns else {},
        tokens={},
        mask_observed=False,
    )


def render_modes(renderer: Callable[[], Renderer] | None, text: Callable[[np.void], str] | None) -> list[str]:
    """Returns the render modes for which there are means, in the order of their names."""
    modes = {"human": renderer, "ansi": text, "rgb_array": renderer}
    return [mode for mode, means in modes.items() if means is not None]


def drawn_by(place: str, *arguments: Any) -> Callable[[], Renderer]:
    """Returns what makes a renderer, "module:Class", which is imported when something is drawn."""
    return partial(_renderer, place, *arguments)


def _renderer(place: str, *arguments: Any) -> Renderer:
    module, _, name = place.partition(":")
    return getattr(importlib.import_module(module), name)(*arguments)


def numbered(text: str, count: int) -> tuple[str, ...]:
    """Returns `count` descriptions of columns, in which "{}" in `text` is 0, 1, …"""
    return tuple(text.format(k) for k in range(count))
