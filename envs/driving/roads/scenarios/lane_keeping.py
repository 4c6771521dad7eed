"""LaneKeeping: steer a car whose tyres slip along a lane that swings."""

import math
from dataclasses import dataclass
from functools import cache
from typing import ClassVar, Literal

from quadrivium.envs.core.options import integer, number
from quadrivium.envs.core.setup import Setup
from quadrivium.envs.core.world_env import WorldVectorEnv
from quadrivium.envs.driving.roads.network import DASHED, NO_LINE, RoadMap, sine, straight
from quadrivium.envs.driving.roads.scenario import RoadsEnv, RoadsOptions, Scenario, Spawn, roads_setup
from quadrivium.envs.driving.roads.state import RewardWeights

_WIDTH, _SPEED = 10.0, 8.3  # m, m/s
_LENGTH, _SWING, _PERIOD = 500.0, 5.0, 100.0  # m


@cache
def lane_keeping_scenario(slope: bool, noise: float) -> Scenario:
    """Returns a lane in the form of a sine.

    slope: the conventional one: before it comes a straight lane, from whose end the car has to find it.
    """
    kind = {"width": _WIDTH, "lines": (DASHED, DASHED)}
    roads = RoadMap()
    swing = sine((0.0, 0.0), (_LENGTH, 0.0), _SWING, 2 * math.pi / _PERIOD, 0.0, **kind)
    roads.add("a", "b", swing)
    if slope:
        foot = (115.0, 15.0)
        roads.add("c", "d", straight((50.0, 50.0), foot, **kind))
        beyond = (foot[0] + 20.0, foot[1] - 20.0 * 35.0 / 65.0)
        roads.add("d", "a", straight(foot, beyond, width=_WIDTH, lines=(NO_LINE, DASHED)))
    lane = roads.lane("a", "b", 0)
    begin = Spawn((lane,), (125.0, 125.0), (_SPEED, 0.0), across=(0.0, 0.4))
    if slope:
        begin = Spawn((roads.lane("c", "d", 0),), (50.0, 0.0), (_SPEED, 0.0), across=(-4.0, 0.0))
    return Scenario(
        roads,
        spawns=(begin,),
        weights=RewardWeights(constant=1.0, offset=-1.0),
        goals=(),
        target_speeds=(0.0, _SPEED / 2, _SPEED),
        max_steer=math.pi / 3,
        slips=True,
        references=(roads.lane("c", "d", 0), lane) if slope else (lane,),
        noise=noise,
        late=slope,
    )


@dataclass(frozen=True, kw_only=True)
class LaneKeepingOptions(RoadsOptions):
    """The arguments of the LaneKeeping environments; `of` fills in what a preset says of those not given."""

    PRESETS: ClassVar = {"safe": {}, "lane-keeping": {"reward": "classic"}}

    preset: Literal["safe", "lane-keeping"] = "safe"
    """"safe", or "lane-keeping": the conventional environment; the arguments below override it"""

    noise: float = number(0.05, 0, 10)
    """of what is observed: half the width of a uniform distribution, in the units of each number"""
    simulation_frequency: int = integer(10, 1, 120)
    """frames a second, a multiple of `decision_frequency`"""
    decision_frequency: int = integer(10, 1, 120)
    """decisions a second"""
    actions: Literal["meta", "longitudinal", "continuous", "steering", "discrete"] = "steering"
    """the kind of actions"""
    observation: Literal["kinematics", "lidar", "grid", "road", "occupancy", "attributes"] = "attributes"  # pyright: ignore[reportIncompatibleVariableOverride] (one more)
    """what is seen"""

    def check(self) -> None:
        """The ego is steered by hand: its tyres slip, which no driver's controller knows of."""
        super().check()
        if self.actions in ("meta", "longitudinal"):
            raise ValueError(
                f"actions={self.actions!r} need a driver, and LaneKeeping has none; use 'steering', "
                "'continuous' or 'discrete'"
            )


def lane_keeping_setup(options: LaneKeepingOptions) -> Setup:
    """Returns the LaneKeeping world with its parameters chosen."""
    slope = options.preset == "lane-keeping"
    return roads_setup(options, lane_keeping_scenario(slope, options.noise), "LaneKeeping")


class LaneKeepingEnv(RoadsEnv):
    """A lane that swings, and a car whose tyres slip: keep to the lane's centre.

    The lane is 10 m wide, a sine of amplitude 5 m and wave length 100 m. The ego begins anywhere in its first
    250 m, at most 0.4 m beside its centre, and drives 8.3 m/s for 20 s. It is a dynamical bicycle
    (Rajamani 2011): lateral speed and turning are states of their own, integrated by Runge and Kutta.

    `preset="lane-keeping"` is the conventional environment, with `reward="classic"`: the ego begins on a
    straight lane, 4 m beside its centre, and is to change to the sine where that lane ends. What it observes
    there is the moment before the decision, under the new steering angle.

    Goal: none but to go on. Speed is constant.

    Actions: `"steering"` by default, by π/3.

    Observations: `"attributes"` (default), a Dict of three times y, heading, lateral speed and turning: of
    the car (`state`), their derivatives (`derivative`), both with uniform noise, and as they were in the
    lane's centre (`reference_state`).

    `reward="safe"`: instead of `arrival` and the loss of time it pays up to 0.1 a second for the way along
    the lane (`speed`), and takes up to 0.1 a second for the offset, as its square (`centering`).

    `reward="classic"`: 1 − (offset / 10 m)²; nothing but time ends the episode.

    Traffic: none. Held to `lane-keeping-v0`.
    """

    options, setup_of = LaneKeepingOptions, staticmethod(lane_keeping_setup)


class LaneKeepingVectorEnv(WorldVectorEnv):
    """A batch of `LaneKeepingEnv`, stepped on all cores; the same arguments."""

    single = LaneKeepingEnv
