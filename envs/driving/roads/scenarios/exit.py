"""Exit: cross six lanes of traffic to leave the highway."""

import math
from dataclasses import dataclass
from functools import cache
from typing import ClassVar, Literal

from quadrivium.envs.core.options import integer, number
from quadrivium.envs.core.setup import Setup
from quadrivium.envs.core.world_env import WorldVectorEnv
from quadrivium.envs.driving.roads.network import DASHED, NO_LINE, SOLID, RoadMap, arc, straight
from quadrivium.envs.driving.roads.observations.kinematics import COLUMNS
from quadrivium.envs.driving.roads.scenario import RoadsEnv, RoadsOptions, Scenario, Spawn, roads_setup
from quadrivium.envs.driving.roads.state import RewardWeights

_LANES, _CARS, _DENSITY = 6, 20, 1.5
_BEFORE, _OPEN, _END = 400.0, 500.0, 1000.0  # m: the seventh lane lies between the first two
_RADIUS = 150.0  # m, of the way out
_EGO_SPACING = 2.0


@cache
def exit_scenario() -> Scenario:
    """Returns the conventional exit: six lanes, a seventh one for 100 m, and a way out from it."""
    roads = RoadMap()
    for start, end, first, last, count in (
        ("0", "1", 0.0, _BEFORE, _LANES),
        ("1", "2", _BEFORE, _OPEN, _LANES + 1),
        ("2", "3", _OPEN, _END, _LANES),
    ):
        for lane in range(count):
            lines = (SOLID if lane == 0 else DASHED, SOLID if lane == count - 1 else NO_LINE)
            ends = (first, 4.0 * lane), (last, 4.0 * lane)
            roads.add(start, end, straight(*ends, limit=26.0 - 3.4 * lane, lines=lines))
    centre = (_OPEN, 4.0 * _LANES + _RADIUS)
    roads.add("2", "exit", arc(centre, _RADIUS, 1.5 * math.pi, 2 * math.pi, closed=True))
    end, lanes = (roads.destination("3"),), tuple(roads.lane("0", "1", lane) for lane in range(_LANES))
    distance = (12.0 + 25.0) * math.exp(-0.125 * _LANES) * _EGO_SPACING
    return Scenario(
        roads,
        spawns=(
            Spawn(lanes[:1], (4 * distance, 0.1 * distance), (25.0, 0.0)),
            *[Spawn(lanes, queue=1 / _DENSITY, destinations=end, keeps=True, weighted=True)] * _CARS,
        ),
        weights=RewardWeights(speed=0.1, clipped=True, arrival=1.0, bounded=True),
        goals=(roads.lane("1", "2", _LANES), roads.lane("2", "exit", 0)),
        lane_wanted=_LANES,
        target_speeds=(18.0, 24.0, 30.0),
        observed=(200.0, 24.0, 80.0),
        own_x0=_BEFORE,
        bound=10.0,
        columns=COLUMNS,
    )


@dataclass(frozen=True, kw_only=True)
class ExitOptions(RoadsOptions):
    """The arguments of the Exit environments; `of` fills in what a preset says of those not given."""

    PRESETS: ClassVar = {
        "safe": {
            "target_speeds": (0.0, 6.0, 12.0, 18.0, 24.0, 30.0),
            "duration": 60,
        },  # the right lane is slow
        "exit": {"traffic": "conventional", "reward": "classic"},
    }

    preset: Literal["safe", "exit"] = "safe"
    """"safe", or "exit": the conventional environment; the arguments below override it"""

    duration: float = number(18, 0, 10_000, above=True)
    """s"""
    simulation_frequency: int = integer(5, 1, 120)
    """frames a second, a multiple of `decision_frequency`"""
    observed_vehicles: int = integer(15, 1, 100)
    """rows of the observation, the ego's included"""


def exit_setup(options: ExitOptions) -> Setup:
    """Returns the Exit world with its parameters chosen."""
    return roads_setup(options, exit_scenario(), "Exit")


class ExitEnv(RoadsEnv):
    """Six lanes of traffic to cross, to leave the highway by a seventh.

    The ego begins in the left lane at 25 m/s; right of it lanes are slower, 26 − 3.4 k m/s in lane k. The
    seventh lane is there from 400 m on for 100 m, then a bend leads out of it. 20 others, more of them to the
    right.

    `preset="exit"` is the conventional environment: `traffic="conventional"` and `reward="classic"`; 18 s,
    where the safe one has 60.

    Goal: the seventh lane, or the bend. Target speeds: 18, 24 and 30 m/s; in the safe preset 0, 6 and 12 too,
    for the slow lanes on the right.

    Observations: Rows have the cosine and sine of the heading too. x by 200 m, the ego's from where the
    seventh lane begins, y by 24 m, velocities by 80 m/s, clipped to [−10, 10]. Others are seen relative to
    the ego.

    `reward="classic"`: 1 while the ego steers to the seventh lane or the bend, 0.1 for speed from 20 to 30
    m/s, kept in [0, 1]; arriving does not end.

    Traffic: Held to `exit-v1`. Those in traffic never change lane.
    """

    options, setup_of = ExitOptions, staticmethod(exit_setup)


class ExitVectorEnv(WorldVectorEnv):
    """A batch of `ExitEnv`, stepped on all cores; the same arguments."""

    single = ExitEnv
