"""Maps in ROS form: an image of occupancy, and a YAML file that says what its shades and its size mean."""

from pathlib import Path

from quadrivium.envs.navigation.maps.image import read_free
from quadrivium.envs.navigation.maps.own import OwnMap, framed
from quadrivium.envs.navigation.maps.ros_yaml import read_meta


def load_ros_map(path: str | Path) -> OwnMap:
    """Reads a map, in the modes `trinary` (the default), `scale` and `raw` of the ROS map servers.

    Raises:
        ValueError: the file and what is wrong with it, in one line.
    """
    file = Path(path)
    meta = read_meta(file)
    free = read_free(file, meta)[::-1]
    if not free.any():
        raise ValueError(
            f"{file}: no pixel is free, which are those below free_thresh {meta.low} that are not "
            "transparent; look at negate and mode"
        )
    return framed(file, free, meta.resolution, meta.origin, file.parent / meta.image)
