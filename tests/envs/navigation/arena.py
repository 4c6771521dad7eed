"""PointNav scenes placed by hand, in maps written as YAML and images."""

import math
from pathlib import Path

import numpy as np
from PIL import Image

from quadrivium.envs.navigation.point_nav.env import PointNavEnv

Place = tuple[float, float]
RESOLUTION = 0.1


def write_map(folder: Path, occupied: np.ndarray) -> str:
    """Writes the inside of a map, (H, W) bool, its first row at the bottom; returns the path of its YAML."""
    shades = np.where(occupied[::-1], 0, 254).astype(np.uint8)
    Image.fromarray(shades).save(folder / "map.png")
    text = f"image: map.png\nresolution: {RESOLUTION}\norigin: [0, 0, 0]\n"
    (folder / "map.yaml").write_text(text + "occupied_thresh: 0.65\nfree_thresh: 0.196\n")
    return str(folder / "map.yaml")


def scene(maps: str, robot: Place, heading: float, goal: Place | None = None, **options) -> PointNavEnv:
    """Returns an environment whose robot stands at `robot`; a goal is moved, the distances to it are not."""
    env = PointNavEnv(maps=maps, **options)
    env.reset(seed=0)
    rows = env.get_state()
    for name, value in zip(("x", "y", "heading"), (*robot, heading), strict=True):
        rows[name] = value
        rows[f"believed_{name}"] = value
    if goal is not None:
        rows["goal_x"], rows["goal_y"] = goal
        rows["start_m"] = math.dist(robot, goal)
    env.set_state(rows)
    return env
