"""UTurn: slow cars in a road that turns back."""

import math
from dataclasses import dataclass
from functools import cache
from typing import ClassVar, Literal

from quadrivium.envs.core.options import number
from quadrivium.envs.core.setup import Setup
from quadrivium.envs.core.world_env import WorldVectorEnv
from quadrivium.envs.driving.roads.network import DASHED, NO_LINE, SOLID, RoadMap, arc, straight
from quadrivium.envs.driving.roads.observations.kinematics import COLUMNS, PLAIN_COLUMNS
from quadrivium.envs.driving.roads.scenario import RoadsEnv, RoadsOptions, Scenario, Spawn, roads_setup
from quadrivium.envs.driving.roads.state import RewardWeights

_LENGTH, _RADIUS = 128.0, 20.0  # m


@cache
def u_turn_scenario(wide: bool) -> Scenario:
    """Returns the conventional U-turn: two lanes that turn back to the left.

    wide: observed over the whole width of the turn, and by heading.
    """
    roads, lines = RoadMap(), ((SOLID, DASHED), (NO_LINE, SOLID))
    before, after = (2 * _RADIUS + 4.0, 2 * _RADIUS + 8.0), (4.0, 0.0)
    back = [straight((_LENGTH, y), (0.0, y), lines=one) for y, one in zip(after, lines, strict=True)]
    turn = [
        arc((_LENGTH, _RADIUS + 4.0), _RADIUS + 4.0 * k, math.pi / 2, -math.pi / 2, lines=one)
        for k, one in enumerate(lines)
    ]
    out = [straight((0.0, y), (_LENGTH, y), lines=one) for y, one in zip(before, lines, strict=True)]
    for start, end, lanes in (("c", "d", back), ("b", "c", turn), ("a", "b", out)):
        roads.add(start, end, *lanes)
    end = (roads.destination("d"),)
    places = {
        (start, lane): roads.lane(start, after, lane)
        for start, after in ("ab", "bc", "cd")
        for lane in (0, 1)
    }
    others = (  # lane, m along it, m/s, and whether the driver is one of many
        (("a", 0), 25.0, 13.5, True),
        (("a", 1), 56.0, 14.5, False),
        (("b", 1), 0.5, 4.5, False),
        (("b", 0), 17.5, 5.5, False),
        (("c", 0), 1.0, 3.5, False),
        (("c", 1), 30.0, 5.5, False),
    )
    return Scenario(
        roads,
        spawns=(
            Spawn((places["a", 0],), (0.0, 0.0), (16.0, 0.0), destinations=end),
            *(
                Spawn((places[at],), (s, 2.0), (v, 2.0), normal=True, destinations=end, varied=varied)
                for at, s, v, varied in others
            ),
        ),
        weights=RewardWeights(
            speed=0.4,
            speed_low=8.0,
            speed_high=24.0,
            clipped=True,
            collision=-1.0,
            lane=0.1,
            low=-1.0,
            high=0.5,
            on_road=True,
        ),
        goals=(places["c", 0], places["c", 1]),
        goal_s=_LENGTH - 40.0,
        target_speeds=(8.0, 16.0, 24.0),
        observed=(200.0, 100.0, 40.0) if wide else (200.0, 8.0, 80.0),
        columns=COLUMNS if wide else PLAIN_COLUMNS,
    )


@dataclass(frozen=True, kw_only=True)
class UTurnOptions(RoadsOptions):
    """The arguments of the UTurn environments; `of` fills in what a preset says of those not given."""

    PRESETS: ClassVar = {
        "safe": {
            "target_speeds": (0.0, 8.0, 16.0, 24.0),
            "duration": 60,  # time to arrive behind slow cars
            "observed_vehicles": 7,
            "observed_behind": 30,
        },
        "u-turn": {"traffic": "conventional", "reward": "classic"},
    }

    preset: Literal["safe", "u-turn"] = "safe"
    """"safe", or "u-turn": the conventional environment; the arguments below override it"""

    duration: float = number(10, 0, 10_000, above=True)
    """s"""


def u_turn_setup(options: UTurnOptions) -> Setup:
    """Returns the UTurn world with its parameters chosen."""
    return roads_setup(options, u_turn_scenario(options.preset == "safe"), "UTurn")


class UTurnEnv(RoadsEnv):
    """A two-lane road that turns back, with slow cars in it.

    The ego begins at 16 m/s; 128 m, half a circle to the left with radii of 20 and 24 m, and 128 m back. Six
    others drive at 3 to 15 m/s.

    `preset="u-turn"` is the conventional environment: `traffic="conventional"` and `reward="classic"`; 10 s,
    where the safe one has 60.

    Goal: 88 m after the turn. Target speeds: 8, 16 and 24 m/s; in the safe preset 0 too, to follow who is
    slower.

    Observations: x by 200 m, y by 8 m, velocities by 80 m/s, clipped to [−1, 1]. Others are seen relative
    to the ego. In the safe preset, where 8 m would not reach across the turn, y by 100 m, velocities by 40
    m/s, rows have the cosine and sine of the heading too, and all six others are seen, up to 30 m behind.

    `reward="classic"`: 0.4 for speed from 8 to 24 m/s, 0.1 in the right lane, −1 for a crash, brought to
    [0, 1], and 0 beside the road; arriving neither pays nor ends.

    Traffic: Held to `u-turn-v1`, in which drivers do not see those beyond the end of the half circle.
    """

    options, setup_of = UTurnOptions, staticmethod(u_turn_setup)


class UTurnVectorEnv(WorldVectorEnv):
    """A batch of `UTurnEnv`, stepped on all cores; the same arguments."""

    single = UTurnEnv
