"""Draws the robots' worlds: `python docs/navigation_images.py`."""

from pathlib import Path

import numpy as np
from PIL import Image

from quadrivium.envs.core.gym_env import LaneVectorEnv
from quadrivium.envs.core.setup import Renderer
from quadrivium.envs.navigation.crowd_nav.env import CrowdNavVectorEnv
from quadrivium.envs.navigation.crowd_nav.render import CrowdNavRenderer
from quadrivium.envs.navigation.explore.env import ExploreVectorEnv
from quadrivium.envs.navigation.explore.render import ExploreRenderer
from quadrivium.envs.navigation.point_nav.env import PointNavVectorEnv
from quadrivium.envs.navigation.point_nav.render import PointNavRenderer

TARGET = Path(__file__).parent / "images"


def picture(env: LaneVectorEnv, renderer: Renderer, baseline: str, seed: int, steps: int) -> np.ndarray:
    """Returns what one environment looks like after some steps of a baseline."""
    env.reset(seed=seed)
    for _ in range(steps):
        renderer.draw(env.states[0])  # remembers the path
        env.step(env.baselines[baseline](env))
    return renderer.draw(env.states[0])


def save(name: str, image: np.ndarray) -> None:
    """Writes a compressed picture."""
    path = TARGET / name
    Image.fromarray(image).quantize(128).save(path, optimize=True)
    print(f"{name}: {path.stat().st_size / 1000:.1f} kB")


def main() -> None:
    """Writes a robot among people, one in a maze and one that maps rooms."""
    crowd = CrowdNavVectorEnv(1, people_count=8, robot_visible=True, observation="lidar", beams=96)
    save("crowd_nav.png", picture(crowd, CrowdNavRenderer(crowd.setup.params), "orca", 6, 17))
    point = PointNavVectorEnv(1, maps="rooms", map_count=20, observation="grid", guide=True, split="test")
    save("point_nav.png", picture(point, PointNavRenderer(point.setup.params), "own_plan", 4, 75))
    explore = ExploreVectorEnv(1, maps="rooms", map_count=20, split="test", guide=True)
    save("explore.png", picture(explore, ExploreRenderer(explore.setup.params), "nearest_frontier", 3, 150))


if __name__ == "__main__":
    main()
