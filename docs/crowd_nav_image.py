"""Draws a robot with lidar among people: `python docs/crowd_nav_image.py`."""

from pathlib import Path

from PIL import Image

from envs.navigation.crowd_nav.env import CrowdNavVectorEnv
from envs.navigation.crowd_nav.render import CrowdNavRenderer

TARGET = Path(__file__).parent / "images" / "crowd_nav.png"
SEED, STEPS = 6, 17


def main() -> None:
    """Writes the robot's view after some seconds of walking by ORCA."""
    env = CrowdNavVectorEnv(1, people_count=8, robot_visible=True, observation="lidar", beams=96)
    env.reset(seed=SEED)
    renderer = CrowdNavRenderer(env.setup.params)
    for _ in range(STEPS):
        renderer.draw(env.states[0])  # remembers the path
        env.step(env.baselines["orca"](env))
    Image.fromarray(renderer.draw(env.states[0])).quantize(128).save(TARGET)
    print(f"{TARGET.name}: {TARGET.stat().st_size / 1000:.1f} kB")


if __name__ == "__main__":
    main()
