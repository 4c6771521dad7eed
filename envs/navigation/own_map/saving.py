"""A robot's own map as map servers of ROS read it: an image of its cells, and a YAML that says their size."""

from pathlib import Path

import numpy as np
from PIL import Image

from quadrivium.envs.core.setup import Setup

_FREE, _UNKNOWN, _OCCUPIED = 254, 205, 0  # as map savers write them


def save_own_map(path: str | Path, setup: Setup, row: np.void) -> Path:
    """Writes the map that the robot of a record has made, and returns the path of its YAML.

    The image is written beside it, with the name's `.pgm`. What has more evidence of being occupied than not
    is black, the other way round white, and grey where nothing is known. The origin is the true map's, which
    is where the robot believed to begin. Raises ValueError for a path that is no `.yaml`.
    """
    file = Path(path)
    if file.suffix not in (".yaml", ".yml"):
        raise ValueError(
            f"{file} is no name of a map: give one that ends in .yaml; the image is put beside it"
        )
    rows, columns = setup.params.occupied.shape[1:]
    odds = row["own_map"][:rows, :columns]
    shades = np.where(odds > 0, _OCCUPIED, np.where(odds < 0, _FREE, _UNKNOWN)).astype(np.uint8)
    image = file.with_suffix(".pgm")
    Image.fromarray(shades[::-1]).save(image)
    x, y, yaw = setup.source.origin(int(row["map"]))
    file.write_text(
        f"image: {image.name}\nmode: trinary\nresolution: {setup.params.resolution!r}\n"
        f"origin: [{x!r}, {y!r}, {yaw!r}]\nnegate: 0\noccupied_thresh: 0.65\nfree_thresh: 0.196\n",
        encoding="utf-8",
    )
    return file
