"""Draws trained drivers: `python docs/driving_images.py runs/merge_ppo [runs/exit_ppo ...]`.

Of each run's last checkpoint a strip: three moments of the first episode of a held-out scenario, from left to
right.
"""

import sys
from pathlib import Path

import numpy as np
from pictures import VIEWS, fitted
from PIL import Image

from quadrivium.agents.batches.environments import make_film_env
from quadrivium.agents.evaluation.episodes import film_episode
from quadrivium.commands.build import load_agent, open_run

TARGET = Path(__file__).parent / "images" / "driving"
MOMENTS = (0.2, 0.5, 0.85)  # of the episode
GAP = 6  # pixels between two of them
SEED = 1_000_003
STILL = ("Parking",)  # where the camera does not go along, and so shows all


def strip(run: Path) -> Image.Image:
    """Returns three moments of an episode, side by side."""
    config = open_run(run)
    env = make_film_env(config.env.id, config.evaluation_kwargs())
    assert env is not None, f"{config.env.id} cannot be drawn"
    agent = load_agent(run, "last", print)[0]
    frames = film_episode(agent.actor(), env, seed=SEED, fps=15)[0]
    name = config.env.id.removeprefix("quadrivium/").removesuffix("-v0")
    crop = None if name in STILL else VIEWS[name].crop
    parts = [fitted(frames[round(share * (len(frames) - 1))], crop) for share in MOMENTS]
    gap = np.full((parts[0].height, GAP, 3), 255, np.uint8)
    columns = [np.asarray(one) for part in parts for one in (gap, part)][1:]
    return Image.fromarray(np.concatenate(columns, 1))


def main() -> None:
    """Writes a strip for each run that is named."""
    TARGET.mkdir(exist_ok=True)
    for run in map(Path, sys.argv[1:]):
        path = TARGET / f"{open_run(run).env.id.removeprefix('quadrivium/').removesuffix('-v0')}.png"
        strip(run).quantize(64, dither=Image.Dither.NONE).save(path, optimize=True)
        print(f"{path.name}: {path.stat().st_size / 1000:.1f} kB")


if __name__ == "__main__":
    main()
