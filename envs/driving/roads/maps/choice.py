"""Which networks an environment drives on: drawn at random, or read from files."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import cast

import numpy as np

from quadrivium.envs.core.file_names import files_at, names_files
from quadrivium.envs.core.shelf import kept_arrays
from quadrivium.envs.core.validation import require_choice
from quadrivium.envs.driving.roads.maps.bank import Courses, Plan, courses_of
from quadrivium.envs.driving.roads.maps.own import READERS, own_plan
from quadrivium.envs.driving.roads.maps.town import draw_town
from quadrivium.envs.driving.roads.maps.trips import Ways
from quadrivium.envs.driving.roads.network import Network

TOWNS = "towns"
_SPLITS = ("train", "test")
_TRIPS, _WALKS = 8, 48
_TRIES = 4  # a driver, where several need roads of their own to begin on
_WALK_M, _WALK_ROADS = 900.0, 48  # how far traffic drives before it is gone
_SOURCES = (
    *sorted(Path(__file__).parent.glob("*.py")),
    *sorted(Path(__file__).parents[1].glob("*.py")),
)
_FORMS = f"*{', *'.join(READERS)}"


def courses_on(
    maps: object, split: str, count: int, vehicles: int, shortest: float, longest: float, drivers: int = 1
) -> Courses:
    """Returns the networks that an argument names: "towns", `count` of them, or those of files.

    shortest, longest: m, of trips. vehicles: of traffic, for whom there must be room, as for the drivers,
    who begin on roads of their own where there are several. Raises ValueError for an unknown name, for files
    that are no maps, and for roads without such trips.
    """
    require_maps(maps)
    if maps == TOWNS:
        return _towns(split, count, shortest, longest, drivers)
    seed = _SPLITS.index(split)
    plans = [own_plan(file, seed, shortest, longest, vehicles, drivers) for file in files_of(maps)]
    return courses_of(plans)


@lru_cache(maxsize=4)
def _towns(split: str, count: int, shortest: float, longest: float, drivers: int) -> Courses:
    """Returns that many towns, from disk if they were drawn before."""

    def make() -> tuple[np.ndarray, ...]:
        network, *others = courses_of([town_plan(split, k, shortest, longest, drivers) for k in range(count)])
        return (*network, *others)

    made_of = repr((split, count, float(shortest), float(longest), drivers)).encode()
    arrays = kept_arrays(made_of, make, _SOURCES)
    parts = len(Network._fields)
    return Courses(Network(*arrays[:parts]), *arrays[parts:])


def town_plan(split: str, number: int, shortest: float, longest: float, drivers: int = 1) -> Plan:
    """Returns town `number` of a split, whatever their count, with its trips and the ways of traffic.

    With several drivers no two of its trips begin on one road.
    """
    tries = max(_TRIPS, _TRIES * drivers)
    rng = np.random.default_rng([_SPLITS.index(split), number])
    for _ in range(20):
        network = draw_town(rng).arrays
        ways = Ways(network)
        trips = ways.draw_trips(rng, shortest, longest, tries, apart=drivers > 1)
        if len(trips) >= drivers:
            return Plan(network, trips, [ways.draw_walk(rng, _WALK_M, _WALK_ROADS) for _ in range(_WALKS)])
    what = "no way leads" if drivers == 1 else f"fewer than drivers={drivers} ways lead"
    raise ValueError(
        f"{what} over shortest={shortest:g} to longest={longest:g} m through a town: use 150 and 400"
    )


def require_maps(maps: object) -> None:
    """Raises ValueError for what is neither "towns" nor names files."""
    if isinstance(maps, list | tuple) and maps and all(isinstance(one, str | Path) for one in maps):
        return
    if isinstance(maps, list | tuple) and not maps:
        raise ValueError("maps=[] names no roads; give the path of one file at least")
    if not isinstance(maps, Path) and not (isinstance(maps, str) and names_files(maps, (*READERS, ".pbf"))):
        require_choice("maps", maps, [TOWNS, f"PATH ({_FORMS}; a folder, a pattern, a list of these)"])


def files_of(maps: object) -> list[Path]:
    """Returns the files that are meant: themselves, the maps in folders, and what fits patterns, by name.

    Raises ValueError for a folder or a pattern without any, and for a file that is no map by its name.
    """
    found = list[Path]()
    for name in cast(Sequence[str | Path], maps if isinstance(maps, list | tuple) else [maps]):
        files = files_at(name, READERS)
        if not files:
            raise ValueError(f"{name} holds or fits no roads; roads are {_FORMS}")
        if odd := next((one for one in files if one.suffix.lower() not in READERS), None):
            remedy = " (make it one: osmium cat FILE.osm.pbf -o FILE.osm)" if odd.suffix == ".pbf" else ""
            raise ValueError(f"{odd} holds no roads by its name; roads are {_FORMS}{remedy}")
        found += files
    return found
