"""The Highway environment: its arguments, spaces and documentation page; the rules are in `kernel`."""

import math
from typing import Any, Literal, TypedDict, Unpack

import numpy as np
from gymnasium.spaces import Box, Discrete

from envs.core.gym_env import LaneEnv, LaneVectorEnv, Setup
from envs.core.lane import World
from envs.core.validation import require_choice, require_number
from envs.driving.highway import kernel, observations
from envs.driving.highway.baselines import BASELINES
from envs.driving.highway.state import MAX_LANES, HighwayParams, state_dtype

WORLD = World(
    name="highway",
    params=HighwayParams,
    reset=kernel.reset_one,
    step=kernel.step_one,
    observe=observations.observe_one,
    metrics=kernel.metrics_one,
    reward_terms=kernel.REWARD_TERMS,
    metric_names=kernel.METRICS,
    action_width=2,
)

PRESETS: dict[str, dict[str, Any]] = {
    "highway-fast": {
        "lanes": 3,
        "vehicles": 20,
        "duration": 30,
        "simulation_frequency": 5,
        "decision_frequency": 1,
        "ego_spacing": 1.5,
        "density": 1.0,
        "collisions": "ego",
    },
    "highway": {
        "lanes": 4,
        "vehicles": 50,
        "duration": 40,
        "simulation_frequency": 15,
        "decision_frequency": 1,
        "ego_spacing": 2.0,
        "density": 1.0,
        "collisions": "all",
    },
}


class HighwayOptions(TypedDict, total=False):
    """The arguments of the Highway environments; `HighwayEnv` says what each one means."""

    preset: Literal["highway-fast", "highway"]
    lanes: int
    vehicles: int
    duration: float
    simulation_frequency: int
    decision_frequency: int
    ego_spacing: float
    density: float
    collisions: Literal["ego", "all"]
    traffic: Literal["cautious", "conventional"]
    observation: Literal["kinematics", "lidar", "grid"]
    observed_vehicles: int
    beams: int
    lidar_range: float
    grid_rows: int
    grid_columns: int
    actions: Literal["meta", "continuous"]
    reward: Literal["safe", "classic"]
    split: Literal["train", "test"]


def highway_setup(**options: Unpack[HighwayOptions]) -> Setup:
    """Returns the Highway world with its parameters chosen. Raises ValueError for a wrong argument."""
    for name in options:
        require_choice("argument", name, HighwayOptions.__annotations__)
    preset = require_choice("preset", options.get("preset", "highway-fast"), PRESETS)
    chosen: dict[str, Any] = {**_DEFAULTS, **PRESETS[preset], **options}
    for name, low, high, kind in _NUMBERS:
        require_number(name, chosen[name], low, high, integer=kind == "integer", open_low=kind == "positive")
    for name, allowed in _CHOICES.items():
        require_choice(name, chosen[name], allowed)
    simulation, decision = chosen["simulation_frequency"], chosen["decision_frequency"]
    if simulation % decision:
        raise ValueError(
            f"simulation_frequency={simulation} is no multiple of decision_frequency={decision}; "
            f"try simulation_frequency={decision * math.ceil(simulation / decision)}"
        )
    continuous = chosen["actions"] == "continuous"
    observation, rows, columns, shape = _observation(chosen)
    return Setup(
        world=WORLD,
        params=HighwayParams(
            split=int(chosen["split"] == "test"),
            lanes=chosen["lanes"],
            vehicles=chosen["vehicles"],
            frames=simulation // decision,
            dt=1.0 / simulation,
            max_steps=math.ceil(chosen["duration"] * decision),
            think_frames=_think_frames(1.0 / simulation),
            ego_spacing=float(chosen["ego_spacing"]),
            density=float(chosen["density"]),
            cautious=int(chosen["traffic"] == "cautious"),
            all_collide=int(chosen["collisions"] == "all"),
            continuous=int(continuous),
            safe=int(chosen["reward"] == "safe"),
            observation=observation,
            obs_rows=rows,
            obs_columns=columns,
            obs_range=float(chosen["lidar_range"]),
        ),
        state_dtype=state_dtype(chosen["vehicles"]),
        observation_space=Box(-1.0, 1.0, shape, np.float32),
        action_space=Box(-1.0, 1.0, (2,), np.float32) if continuous else Discrete(5),
        render_fps=decision,
        baselines=BASELINES,
    )


_DEFAULTS: dict[str, Any] = {
    "traffic": "cautious",
    "observation": "kinematics",
    "observed_vehicles": 5,
    "beams": 32,
    "lidar_range": 100.0,
    "grid_rows": 16,
    "grid_columns": 64,
    "actions": "meta",
    "reward": "safe",
    "split": "train",
}
_NUMBERS = (
    ("lanes", 1, MAX_LANES, "integer"),
    ("vehicles", 0, 500, "integer"),
    ("duration", 0, 10_000, "positive"),
    ("simulation_frequency", 1, 120, "integer"),
    ("decision_frequency", 1, 120, "integer"),
    ("ego_spacing", 0, 100, "positive"),
    ("density", 0, 10, "positive"),
    ("observed_vehicles", 1, 100, "integer"),
    ("beams", 4, 1024, "integer"),
    ("lidar_range", 0, 1000, "positive"),
    ("grid_rows", 4, 256, "integer"),
    ("grid_columns", 4, 256, "integer"),
)
_CHOICES = {
    "collisions": ("ego", "all"),
    "traffic": ("cautious", "conventional"),
    "observation": ("kinematics", "lidar", "grid"),
    "actions": ("meta", "continuous"),
    "reward": ("safe", "classic"),
    "split": ("train", "test"),
}


def _observation(chosen: dict[str, Any]) -> tuple[int, int, int, tuple[int, ...]]:
    """Returns the kernel's number of the observation, its two sizes, and the space's shape."""
    if chosen["observation"] == "kinematics":
        rows = chosen["observed_vehicles"]
        return observations.KINEMATICS, rows, observations.FEATURES, (rows, observations.FEATURES)
    if chosen["observation"] == "lidar":
        beams = chosen["beams"]
        return observations.LIDAR, beams, 2, (observations.OWN + 2 * beams,)
    rows, columns = chosen["grid_rows"], chosen["grid_columns"]
    return observations.GRID, rows, columns, (observations.CHANNELS, rows, columns)


def _think_frames(dt: float) -> int:
    """Returns the frames between two thoughts of changing lane: while a clock in float64 is within 1 s."""
    clock, frames = 0.0, 0
    while clock <= 1.0:
        clock, frames = clock + dt, frames + 1
    return frames


class HighwayEnv(LaneEnv):
    """A straight road of parallel lanes with traffic, and one car that learns to be fast without a crash."""

    def __init__(self, render_mode: str | None = None, **options: Unpack[HighwayOptions]) -> None:
        super().__init__(highway_setup(**options), render_mode)


class HighwayVectorEnv(LaneVectorEnv):
    """A batch of `HighwayEnv`, stepped on all cores; the same arguments."""

    def __init__(
        self, num_envs: int = 1, render_mode: str | None = None, **options: Unpack[HighwayOptions]
    ) -> None:
        super().__init__(highway_setup(**options), num_envs, render_mode)
