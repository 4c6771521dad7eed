"""Worlds of the Stage simulator: the floorplan of a `.world`, which is a bitmap with a size and a pose.

As Stage reads it: what is dark is wall, and the box around all that is dark, not the picture, is as large as
`size` says, with its middle at `pose`. Robots and other models are left aside.
"""

import math
from pathlib import Path

import numpy as np

from quadrivium.envs.navigation.maps.image import read_blank
from quadrivium.envs.navigation.maps.own import OwnMap, Pose, framed, in_frame
from quadrivium.envs.navigation.maps.worldfile import Model, Worldfile, read_worldfile

_LENGTHS = {"m": 1.0, "cm": 0.01, "mm": 0.001}
_ANGLES = {"degrees": math.pi / 180, "radians": 1.0}
_SQUARE, _LONGEST = 1e-3, 4.0  # sides of a pixel that differ by less, by their length, are equal; most by


def load_stage_world(path: str | Path) -> OwnMap:
    """Reads the floorplan of a world, in cells as wide as its pixels are, or as they are at their narrower
    side.

    Raises:
        ValueError: the file and what is wrong with it, in one line.
    """
    file = Path(path)
    world = read_worldfile(file)
    plan = _floorplan(file, world)
    metres = _unit(file, world, "unit_length", "m", _LENGTHS)
    radians = _unit(file, world, "unit_angle", "degrees", _ANGLES)
    width, depth = (n * metres for n in _numbers(file, plan, "size", (2, 3), None)[:2])
    bitmap = str(plan.properties["bitmap"])
    blank = read_blank(file, bitmap)
    rows, columns = (np.flatnonzero(~blank.all(axis=axis)) for axis in (1, 0))
    if not len(rows):
        raise ValueError(f"{file}: its bitmap has no walls, which are dark; give one that has")
    inside = blank[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    high, wide = depth / inside.shape[0], width / inside.shape[1]
    if not (min(high, wide) >= 0.001 and max(high, wide) <= min(100, _LONGEST * min(high, wide))):
        raise ValueError(
            f"{file}: size {width:g} x {depth:g} m makes pixels of {wide:g} x {high:g} m; give one that "
            "makes them about square, and 0.001 to 100 m"
        )
    free, resolution = _square(inside, high, wide)
    if not free.any():
        raise ValueError(
            f"{file}: its bitmap has no floor between its walls, which is light; give one that has"
        )
    x, y, yaw = _pose(file, plan, "pose", metres, radians)
    shift_x, shift_y, turn = _pose(file, plan, "origin", metres, radians)
    x, y = in_frame((x, y, yaw), shift_x, shift_y)
    yaw = math.remainder(yaw + turn, math.tau)
    x, y = in_frame((x, y, yaw), -0.5 * width, -0.5 * depth)
    return framed(file, free[::-1], resolution, (x, y, yaw), file.parent / bitmap)


def _floorplan(file: Path, world: Worldfile) -> Model:
    """Returns the model that is the map: the only floorplan, or else the only model with a bitmap."""
    found = [one for one in world.models if isinstance(one.properties.get("bitmap"), str)]
    plans = [one for one in found if "floorplan" in one.kinds] or found
    if len(plans) != 1:
        names = ", ".join(f"{one.kinds[0]} in line {one.line}" for one in plans[:5]) or "none"
        raise ValueError(
            f"{file} has {len(plans)} models with a bitmap ({names}); give a world with one floorplan"
        )
    return plans[0]


def _unit(file: Path, world: Worldfile, name: str, usual: str, units: dict[str, float]) -> float:
    value = world.properties.get(name, usual)
    if not isinstance(value, str) or value not in units:
        raise ValueError(f"{file}: {name} is {value!r}; give {' or '.join(units)}, or leave it out")
    return units[value]


def _pose(file: Path, plan: Model, name: str, metres: float, radians: float) -> Pose:
    """Returns x, y and yaw of a property [x y z yaw], 0 where there is none; [x y yaw] is the older form."""
    numbers = _numbers(file, plan, name, (3, 4), ["0", "0", "0", "0"])
    return numbers[0] * metres, numbers[1] * metres, numbers[-1] * radians


def _numbers(
    file: Path, plan: Model, name: str, counts: tuple[int, ...], usual: list[str] | None
) -> list[float]:
    value = plan.properties.get(name, usual)
    try:
        numbers = [float(one) for one in value] if isinstance(value, list) else []
    except ValueError:
        numbers = []
    if len(numbers) not in counts or not all(abs(n) < 1e9 for n in numbers):
        form = "[width depth height]" if name == "size" else "[x y z degrees]"
        raise ValueError(
            f"{file}: {name} of {plan.kinds[0]} in line {plan.line} is {value!r}; give {name} {form}"
        )
    return numbers


def _square(blank: np.ndarray, high: float, wide: float) -> tuple[np.ndarray, float]:
    """Returns pixels of `high` x `wide` m as square cells, and their side: each is as where its middle is."""
    side = min(high, wide)
    if max(high, wide) - side < _SQUARE * side:
        return blank, side
    rows, columns = blank.shape
    up = ((np.arange(round(rows * high / side)) + 0.5) * side / high).astype(int)
    across = ((np.arange(round(columns * wide / side)) + 0.5) * side / wide).astype(int)
    return blank[np.minimum(up, rows - 1)][:, np.minimum(across, columns - 1)], side
