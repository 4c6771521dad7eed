"""Which maps an environment drives in: drawn at random by kind, or one read from a file."""

from collections.abc import Mapping
from pathlib import Path
from typing import TypeGuard

from quadrivium.envs.core.validation import require_choice
from quadrivium.envs.navigation.maps.bank import MapBank, Place, bank_of_map, generate_bank
from quadrivium.envs.navigation.maps.ros import from_frame, load_ros_map

CHOICES: Mapping[str, tuple[str, ...]] = {
    "rooms": ("rooms",),
    "maze": ("maze",),
    "clutter": ("clutter",),
    "mixed": ("rooms", "clutter"),
}
_GOALS_OF_A_FILE, _GOALS_OF_A_LARGE_ONE, _LARGE = 16, 8, 1_000_000  # cells: each goal has a field of its own


def choose_bank(
    maps: object,
    *,
    split: str,
    count: int,
    size: int,
    resolution: float,
    robot_radius: float,
    goals: int,
    start: Place | None = None,
    goal: Place | None = None,
) -> MapBank:
    """Returns the maps that an argument names: one of `CHOICES`, or the path of a map's `.yaml`.

    The other arguments are those of `generate_bank`; a file has its own size and resolution, and 16
    goals, or 8 where it has more than a million cells.
    start, goal: in the file's frame, see `bank_of_map`. Raises ValueError for an unknown name, and for a map
    in which no robot of this radius can drive.
    """
    if is_file(maps):
        read = load_ros_map(maps)
        usual = _GOALS_OF_A_FILE if read.occupied.size <= _LARGE else _GOALS_OF_A_LARGE_ONE
        goals = max(goals, usual)
        places = [at and from_frame(read.origin, *at) for at in (start, goal)]
        bank = bank_of_map(
            read.occupied, read.resolution, robot_radius, goals, split, str(maps), places[0], places[1]
        )
        return bank._replace(origin=read.origin)
    require_maps(maps)
    kinds = CHOICES[str(maps)]
    return generate_bank(kinds, split, count, size, float(resolution), float(robot_radius), goals)


def require_maps(maps: object) -> None:
    """Raises ValueError for what is neither one of `CHOICES` nor the path of a `.yaml`."""
    if not is_file(maps):
        require_choice("maps", maps, [*CHOICES, "PATH.yaml"])


def is_file(maps: object) -> TypeGuard[str | Path]:
    """Returns whether `maps` is the path of a `.yaml`."""
    return isinstance(maps, Path) or (isinstance(maps, str) and maps.endswith((".yaml", ".yml")))
