"""Maps in ROS form: an image of occupancy, and a YAML file that says what its shades and its size mean."""

import warnings
from pathlib import Path
from reprlib import Repr
from typing import Any, NamedTuple

import numpy as np
import yaml
from PIL import Image, UnidentifiedImageError

MOST_CELLS = 4_000_000
_REPR = Repr()  # what a file holds may be long, or refer to itself
_REPR.maxlevel = 2
_brief = _REPR.repr
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
    if not isinstance(origin, list) or len(origin) != 3 or not all(_is_number(n) for n in origin):
        raise ValueError(
            f"{file}: origin is {_brief(origin)}; give [x, y, yaw] in m and rad, such as [0, 0, 0]"
        )
    if abs(origin[2]) > 1e-6:
        raise ValueError(f"{file}: origin has a yaw of {origin[2]}; turn the image instead and give 0")
    high, low = _number(file, meta, "occupied_thresh"), _number(file, meta, "free_thresh")
    if not 0 <= low < high <= 1:
        raise ValueError(
            f"{file}: free_thresh is {low} and occupied_thresh {high}; give 0 <= free < occupied <= 1"
        )
    negate = meta.get("negate", 0)
    if negate not in (0, 1):
        raise ValueError(f"{file}: negate is {_brief(negate)}; give 0 (black is occupied) or 1")
    if meta.get("mode", "trinary") not in ("trinary", "scale"):
        raise ValueError(f"{file}: mode is {_brief(meta['mode'])}; give trinary or scale, or leave it out")
    name = meta["image"]
    if not isinstance(name, str) or not name or not name.isprintable():
        raise ValueError(f"{file}: image is {_brief(name)}; give the name of a .pgm or .png")
    shade = _read_image(file, file.parent / name)
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
    except (yaml.YAMLError, ValueError, RecursionError):  # no text, no such date, brackets without end
        raise ValueError(f"{file} is no YAML; give the .yaml beside the image, not the image") from None
    if not isinstance(meta, dict):
        raise ValueError(f"{file} holds no mapping; give the keys {', '.join(_KEYS)}")
    if missing := [key for key in _KEYS if key not in meta]:
        raise ValueError(f"{file} lacks {', '.join(missing)}; a map has {', '.join(_KEYS)}")
    return meta


def _is_number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) <= 1e9  # false for NaN


def _number(file: Path, meta: dict[str, Any], key: str) -> float:
    value = meta[key]
    if isinstance(value, str):
        try:
            value = float(value)  # 5e-2 is a number to ROS, and a string to PyYAML
        except ValueError:
            value = meta[key]
    if not _is_number(value):
        raise ValueError(f"{file}: {key} is {_brief(value)}; give a number")
    return float(value)


def _read_image(file: Path, image: Path) -> np.ndarray:
    """Returns the shades (H, W) float64, from 0 (black) to 1."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            picture = Image.open(image)
        with picture:
            if picture.width * picture.height <= MOST_CELLS:
                return _shades(picture)
            size = f"{picture.width} x {picture.height}"
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        size = "far too many"
    except UnidentifiedImageError:
        raise ValueError(f"{image}, named by {file}, is no image; give a .pgm or .png") from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise ValueError(f"{image}, named by {file}, cannot be read ({reason}); correct image:") from None
    except (ValueError, SyntaxError):  # Pillow's for a broken .pgm and a broken .png
        raise ValueError(f"{image}, named by {file}, is broken; save it again as .pgm or .png") from None
    raise ValueError(
        f"{image} has {size} pixels; at most {MOST_CELLS:,} are driven in: scale it down and raise resolution"
    )


def _shades(picture: Image.Image) -> np.ndarray:
    if picture.mode.startswith("I"):  # 16 bits, of which a conversion to 8 would make nearly all white
        return np.asarray(picture, np.float64) / 65535
    return np.asarray(picture.convert("L"), np.float64) / 255
