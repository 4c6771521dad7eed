"""Which maps an environment drives in: drawn at random by kind, or read from files."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import cast

from quadrivium.envs.core.file_hashes import digests
from quadrivium.envs.core.file_names import files_at, names_files
from quadrivium.envs.core.validation import require_choice
from quadrivium.envs.navigation.maps.bank import MapBank, Place, Plan, bank_of_plans, generate_bank
from quadrivium.envs.navigation.maps.movingai import load_movingai_map, load_scenarios
from quadrivium.envs.navigation.maps.own import MOST_CELLS, OwnMap, from_frame
from quadrivium.envs.navigation.maps.ros import load_ros_map
from quadrivium.envs.navigation.maps.stage import load_stage_world

CHOICES: Mapping[str, tuple[str, ...]] = {
    "rooms": ("rooms",),
    "maze": ("maze",),
    "clutter": ("clutter",),
    "mixed": ("rooms", "clutter"),
}
MapChoice = str | Path | Sequence[str | Path]
_SCENARIOS = ".scen"
_READERS: Mapping[str, Callable[[Path, float], OwnMap]] = {
    ".yaml": lambda file, _: load_ros_map(file),
    ".yml": lambda file, _: load_ros_map(file),
    ".map": load_movingai_map,
    ".world": lambda file, _: load_stage_world(file),
    _SCENARIOS: lambda file, resolution: load_scenarios(file, resolution)[0],
}
_GOALS_OF_A_FILE, _GOALS_OF_A_LARGE_ONE, _LARGE = 16, 8, 1_000_000  # cells: each goal has a field of its own
_MOST_FIELD_CELLS = 250_000_000  # of the ways to all goals of a `.scen`: 1 GB


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
    pairs: bool = False,
) -> MapBank:
    """Returns the maps that an argument names: one of `CHOICES`, or files (see `files_of`).

    The other arguments are those of `generate_bank`; files have their own sizes and resolutions, and 16
    goals, or 8 where there are more than a million cells. resolution: also of a `.map`, which has none.
    start, goal: in the frame of the only file's map, see `Plan`. pairs: whether those of a `.scen` are the
    starts and goals; otherwise it is as its map. Raises ValueError for an unknown name, for files that are no
    maps or do not go together, and for a map in which no robot of this radius can drive.
    """
    require_maps(maps)
    if not is_own(maps):
        return generate_bank(
            CHOICES[str(maps)], split, count, size, float(resolution), float(robot_radius), goals
        )
    files = files_of(maps)
    paired = pairs and any(file.suffix.lower() == _SCENARIOS for file in files)
    if len(files) > 1 and (paired or start is not None or goal is not None):
        what = "a .scen has starts and goals" if paired else "start and goal are"
        raise ValueError(f"{what} for one map, and maps names {len(files)}; name one")
    if paired:
        return _bank_of_scenarios(files[0], resolution, robot_radius, split)
    read = [_READERS[file.suffix.lower()](file, resolution) for file in files]
    _require_together(files, read)
    usual = _GOALS_OF_A_FILE if _cells(read) <= _LARGE else _GOALS_OF_A_LARGE_ONE
    plans = [
        Plan.of(str(file), one, *(at and from_frame(one.origin, *at) for at in (start, goal)))
        for file, one in zip(files, read, strict=True)
    ]
    bank = bank_of_plans(plans, robot_radius, max(goals, usual), split)
    return _with_files(bank, read)


def require_maps(maps: object) -> None:
    """Raises ValueError for what is neither one of `CHOICES` nor names files."""
    if not is_own(maps):
        kinds = ", ".join(_READERS)
        require_choice("maps", maps, [*CHOICES, f"PATH ({kinds}; a folder, a pattern, a list of these)"])
    elif isinstance(maps, list | tuple) and not maps:
        raise ValueError("maps=[] names no map; give the path of one at least")


def is_own(maps: object) -> bool:
    """Returns whether `maps` names files: by a Path, a list, or a text that is no kind of map."""
    if isinstance(maps, list | tuple):
        return all(isinstance(one, str | Path) for one in cast(Sequence[object], maps))
    if isinstance(maps, Path):
        return True
    return isinstance(maps, str) and maps not in CHOICES and names_files(maps, _READERS)


def has_pairs(maps: object) -> bool:
    """Returns whether `maps` names a `.scen`, which has pairs of start and goal."""
    return isinstance(maps, str | Path) and Path(maps).suffix.lower() == _SCENARIOS


def files_of(maps: object) -> list[Path]:
    """Returns the files that are meant: themselves, the maps in folders, and what fits patterns, by name.

    Raises ValueError for a folder or a pattern without any, and for a file that is no map by its name.
    """
    named = cast(Sequence[str | Path], maps if isinstance(maps, list | tuple) else [maps])
    found = list[Path]()
    for name in named:
        files = files_at(name, (*_READERS,)[:-1])
        if not files:
            raise ValueError(f"{name} holds or fits no map; a map is one of *{', *'.join(_READERS)}")
        if odd := next((one for one in files if one.suffix.lower() not in _READERS), None):
            raise ValueError(f"{odd} is no map by its name; a map is one of *{', *'.join(_READERS)}")
        found += files
    return found


def _require_together(files: list[Path], read: list[OwnMap]) -> None:
    for file, one in zip(files, read, strict=True):
        if abs(one.resolution - read[0].resolution) > 1e-9:
            raise ValueError(
                f"{file} has cells of {one.resolution} m, and {files[0]} of {read[0].resolution} m; maps "
                "that are named together need the same, so save them at one resolution"
            )
    if len(files) > 1 and _cells(read) > MOST_CELLS:
        raise ValueError(
            f"{len(files)} maps, each with room for the largest, have {_cells(read):,} cells; at most "
            f"{MOST_CELLS:,} are driven in: name fewer, or cut the largest"
        )


def _cells(read: list[OwnMap]) -> int:
    rows, columns = (max(one.occupied.shape[axis] for one in read) for axis in (0, 1))
    return len(read) * rows * columns


def _bank_of_scenarios(file: Path, resolution: float, robot_radius: float, split: str) -> MapBank:
    own, scenarios = load_scenarios(file, resolution)
    most = _MOST_FIELD_CELLS // own.occupied.size
    if len(scenarios.goals) > most:
        raise ValueError(
            f"{file} has {len(scenarios.goals)} pairs, and in {own.occupied.size:,} cells the ways to "
            f"{most} goals are kept at most; take lines out of it"
        )
    bank = bank_of_plans([Plan.of_scenarios(str(file), own, scenarios)], robot_radius, 0, split)
    return _with_files(bank, [own])


def _with_files(bank: MapBank, read: list[OwnMap]) -> MapBank:
    return bank._replace(files=tuple(digests(file for one in read for file in one.files).items()))
