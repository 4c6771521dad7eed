"""Roads of one's own: what can be driven on those of a file."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from quadrivium.envs.driving.roads.maps.bank import Plan
from quadrivium.envs.driving.roads.maps.opendrive import read_opendrive
from quadrivium.envs.driving.roads.maps.osm import read_osm
from quadrivium.envs.driving.roads.maps.trips import Ways
from quadrivium.envs.driving.roads.network import RoadMap

READERS: Mapping[str, Callable[[Path], RoadMap]] = {".xodr": read_opendrive, ".osm": read_osm}

_TRIPS, _WALKS = 64, 256
_TRIES = 8  # a driver, where several need roads of their own to begin on
_WALK_M, _WALK_ROADS = 900.0, 64
_MOST_LANES, _MOST_M = 20_000, 20_000.0  # m from the middle: float32 knows places there to 1 mm
_CAR_M = 20.0  # of a lane, a car


def own_plan(file: Path, seed: int, shortest: float, longest: float, vehicles: int, drivers: int = 1) -> Plan:
    """Returns the roads of a file with trips and the ways of traffic, drawn by a seed.

    Both keep to `Ways.part`. Raises ValueError, in one line, for a file that is broken, or cannot be driven
    so.
    """
    roads = READERS[file.suffix.lower()](file)
    lanes = sum(len(roads.lanes(*road)) for road in roads.roads)
    if lanes > _MOST_LANES:
        raise ValueError(f"{file} has {lanes:,} lanes; at most {_MOST_LANES:,} are read: cut out less")
    far = max(abs(v) for road in roads.roads for lane in roads.lanes(*road) for v in (*lane.start, *lane.end))
    if far > _MOST_M:
        raise ValueError(
            f"{file} has roads {far / 1000:.0f} km from its origin, and places are exact within "
            f"{_MOST_M / 1000:g} km: move its origin to the roads, or cut a smaller part out"
        )
    network = roads.arrays
    ways, rng = Ways(network), np.random.default_rng([seed])
    metres = float(network.lanes["length"][np.isin(network.lanes["road"], ways.part)].sum())
    if vehicles * _CAR_M > metres:
        raise ValueError(
            f"vehicles={vehicles} have no room on {metres:.0f} m of lanes that hang together in {file}: use "
            f"at most {int(metres / _CAR_M)}, or larger roads"
        )
    trips = ways.draw_trips(rng, shortest, longest, max(_TRIPS, _TRIES * drivers), apart=drivers > 1)
    if not trips:
        raise ValueError(
            f"{file}: no way of {shortest:g} to {longest:g} m leads from one road to another; the longest "
            f"that was found is {ways.longest_trip(rng):.0f} m: use a lower shortest, or join its roads"
        )
    if len(trips) < drivers:
        raise ValueError(
            f"drivers={drivers} have no room in {file}: trips begin on {len(trips)} of its roads; use at "
            "most as many, or larger roads"
        )
    return Plan(network, trips, [ways.draw_walk(rng, _WALK_M, _WALK_ROADS) for _ in range(_WALKS)])
