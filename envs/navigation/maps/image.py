"""The image of a map: which of its pixels are floor, as the map servers of ROS and as Stage read it."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import Image, UnidentifiedImageError

from quadrivium.envs.navigation.maps.ros_yaml import Meta

T = TypeVar("T")
MOST_PIXELS = 100_000_000
_WHITE, _UNKNOWN = 254, 205  # what every map_saver writes for free and for unknown
_STAGE_FREE = 127  # lighter is free


def read_free(file: Path, meta: Meta) -> np.ndarray:
    """Returns which pixels (H, W) bool are floor, row 0 at the top; raises ValueError in one line.

    A pixel's probability is that of its mean over red, green and blue; in mode `raw` its shade is a
    percentage. It is floor where that is below `free_thresh`; what is transparent, however little, is
    unknown. In mode `trinary` so is the shade 205: where a picture has it and `free_thresh` would take it for
    floor (0.25 does), floor is only what is lighter than half way from it to a map_saver's white.
    """
    shade, opaque = _read(file, meta.image, _shades)
    if meta.mode == "raw":
        return opaque & (np.rint(shade) / 100.0 < meta.low)
    occupied = (shade if meta.negate else 255.0 - shade) / 255.0
    free = opaque & (occupied < meta.low)
    if meta.mode == "trinary" and not meta.negate:
        unknown = np.abs(shade - _UNKNOWN) < 0.5
        if (unknown & free).any():
            free &= shade > (_WHITE + _UNKNOWN) / 2
    return free


def read_blank(file: Path, image: str) -> np.ndarray:
    """Returns which pixels (H, W) bool are light, by their red channel, as Stage reads a bitmap."""
    return _read(file, image, lambda picture: np.asarray(picture.convert("RGB"))[..., 0] > _STAGE_FREE)


def _read(file: Path, name: str, read: Callable[[Image.Image], T]) -> T:
    """Returns what `read` makes of the image `name` beside a file; raises ValueError in one line."""
    image = file.parent / name
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(image) as picture:
                picture.verify()  # the checksums of a .png, which reading its pixels leaves alone
            picture = Image.open(image)
        with picture:
            if picture.width * picture.height <= MOST_PIXELS:
                return read(picture)
            size = f"{picture.width} x {picture.height}"
    except Image.DecompressionBombError:
        size = "far too many"
    except UnidentifiedImageError:
        raise ValueError(f"{image}, named by {file}, is no image; give a .pgm or .png") from None
    except (OSError, ValueError, SyntaxError) as error:  # Pillow's for a broken .pgm and a broken .png
        if isinstance(error, OSError) and error.strerror:
            raise ValueError(
                f"{image}, named by {file}, cannot be read ({error.strerror}); "
                "give an image that is there under the key image"
            ) from None
        raise ValueError(f"{image}, named by {file}, is broken; save it again as .pgm or .png") from None
    raise ValueError(f"{image} has {size} pixels; at most {MOST_PIXELS:,} are read: cut off what is unknown")


def _shades(picture: Image.Image) -> tuple[np.ndarray, np.ndarray]:
    """Returns the shades (H, W) float from 0 (black) to 255, and where the picture is opaque (H, W) bool."""
    if picture.mode == "F" or picture.mode.startswith("I"):  # 16 bits, which a conversion would make white
        deep = np.asarray(picture)
        if picture.mode == "F" or deep.min() < 0 or deep.max() > 65535:
            raise ValueError("more than 16 bits a pixel")
        return deep / 257.0, deep != picture.info.get("transparency", -1)
    see_through = picture.has_transparency_data
    if not see_through and picture.mode in ("1", "L"):
        grey = np.asarray(picture.convert("L"))
        return grey.astype(np.float64), np.ones(grey.shape, np.bool_)
    pixels = np.asarray(picture.convert("RGBA" if see_through else "RGB"))
    mean = pixels[..., :3].sum(axis=2, dtype=np.uint16) / 3.0
    return mean, pixels[..., 3] == 255 if see_through else np.ones(mean.shape, np.bool_)
