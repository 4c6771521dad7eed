"""Maps in ROS form: an image of occupancy, and a YAML file that says what its shades and its size mean."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import yaml
from PIL import Image, UnidentifiedImageError

MOST_CELLS = 4_000_000
_KEYS = ("image", "resolution", "origin", "occupied_thresh", "free_thresh")


class RosMap(NamedTuple):
    """What is read; a frame of one occupied cell is put around the image."""

    occupied: np.ndarray  # (H, W) bool, row 0 at the bottom; what the map does not know counts as occupied
    resolution: float  # m, a cell
    origin: tuple[float, float]  # m, the corner of cell (0, 0) in the map's own frame


def load_ros_map(path: str | Path) -> RosMap:
    """Reads a map, in the modes `trinary` (the default) and `scale` of the ROS map server.

    Raises:
        ValueError: the file and what is wrong with it, in one line.
    """
    file = Path(path)
    meta = _read_yaml(file)
    resolution = _number(file, meta, "resolution")
    if not 0.001 <= resolution <= 100:
        raise ValueError(f"{file}: resolution is {resolution}; give the metres of a pixel, 0.001 to 100")
    origin = meta["origin"]
    if (
        not isinstance(origin, list)
        or len(origin) != 3
        or not all(isinstance(n, int | float) for n in origin)
    ):
        raise ValueError(f"{file}: origin is {origin!r}; give [x, y, yaw] in m and rad, such as [0, 0, 0]")
    if abs(origin[2]) > 1e-6:
        raise ValueError(f"{file}: origin has a yaw of {origin[2]}; turn the image instead and give 0")
    high, low = _number(file, meta, "occupied_thresh"), _number(file, meta, "free_thresh")
    if not 0 <= low < high <= 1:
        raise ValueError(
            f"{file}: free_thresh is {low} and occupied_thresh {high}; give 0 <= free < occupied <= 1"
        )
    negate = meta.get("negate", 0)
    if negate not in (0, 1):
        raise ValueError(f"{file}: negate is {negate!r}; give 0 (black is occupied) or 1")
    if meta.get("mode", "trinary") not in ("trinary", "scale"):
        raise ValueError(f"{file}: mode is {meta['mode']!r}; give trinary or scale, or leave it out")
    shade = _read_image(file, file.parent / str(meta["image"]))
    probability = shade if negate else 1.0 - shade
    occupied = np.pad(probability[::-1] > low, 1, constant_values=True)
    if occupied.all():
        raise ValueError(f"{file}: no pixel is free, which are those below free_thresh {low}; look at negate")
    return RosMap(occupied, resolution, (float(origin[0]) - resolution, float(origin[1]) - resolution))


def _read_yaml(file: Path) -> dict[str, Any]:
    try:
        meta = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"{file} cannot be read ({error.strerror}); give a map's .yaml") from None
    except (yaml.YAMLError, UnicodeDecodeError):
        raise ValueError(f"{file} is no YAML; give the .yaml beside the image, not the image") from None
    if not isinstance(meta, dict):
        raise ValueError(f"{file} holds no mapping; give the keys {', '.join(_KEYS)}")
    if missing := [key for key in _KEYS if key not in meta]:
        raise ValueError(f"{file} lacks {', '.join(missing)}; a map has {', '.join(_KEYS)}")
    return meta


def _number(file: Path, meta: dict[str, Any], key: str) -> float:
    value = meta[key]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{file}: {key} is {value!r}; give a number")
    return float(value)


def _read_image(file: Path, image: Path) -> np.ndarray:
    """Returns the shades (H, W) float64, from 0 (black) to 1."""
    try:
        with Image.open(image) as picture:
            width, height = picture.size
            if width * height > MOST_CELLS:
                raise ValueError(
                    f"{image} has {width} x {height} pixels; at most {MOST_CELLS:,} are driven in: "
                    "scale it down and raise resolution"
                )
            return np.asarray(picture.convert("L"), np.float64) / 255
    except UnidentifiedImageError:
        raise ValueError(f"{image}, named by {file}, is no image; give a .pgm or .png") from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise ValueError(f"{image}, named by {file}, cannot be read ({reason}); correct image:") from None
