"""Films the gallery: `python docs/films.py [MODEL ...]`, an episode of each model of the package.

The episode is the first held-out scenario, whatever comes of it: nothing is picked.
"""

import io
import sys
from pathlib import Path

from PIL import Image

from quadrivium.agents.batches.environments import make_film_env
from quadrivium.agents.evaluation.episodes import film_episode
from quadrivium.agents.runs.model import CONFIG, read_card
from quadrivium.commands.build import MODELS, load_agent, model_names
from quadrivium.commands.trading.kept_market import kept_kwargs
from quadrivium.configs.schema import read_resolved

FOLDER = Path(__file__).parent / "films"
WIDTH = 380  # pixels
MOST_FRAMES = 80
FRAMES_A_SECOND = 10
LEAST_SECONDS = 4  # so that a game of a few moves can be followed
END_MS = 1500
QUALITY = 40


def film(name: str) -> list[Image.Image]:
    """Returns at most MOST_FRAMES frames of a model's episode, evenly over it."""
    directory = MODELS / name
    held_out = read_card(directory)["held_out"]
    config = read_resolved(directory / CONFIG)
    kwargs = held_out["kwargs"] | kept_kwargs(directory, config, held_out["kwargs"], print)
    env = make_film_env(config.env.id, kwargs)
    assert env is not None, f"{config.env.id} cannot be drawn"
    agent, _ = load_agent(directory, "last", print, kwargs)
    frames, _ = film_episode(agent.actor(), env, seed=held_out["seed"], fps=FRAMES_A_SECOND)
    env.close()
    step = -(-len(frames) // MOST_FRAMES)
    kept = frames[:-1:step] + frames[-1:]
    size = (WIDTH, round(WIDTH * frames[0].shape[0] / frames[0].shape[1]))
    return [Image.fromarray(frame).resize(size, Image.Resampling.LANCZOS) for frame in kept]


def encoded(frames: list[Image.Image], lossless: bool) -> bytes:
    """Returns an endless film; what has few colours, such as a chart, is smaller without loss."""
    pause = max(1000 // FRAMES_A_SECOND, 1000 * LEAST_SECONDS // len(frames))
    file = io.BytesIO()
    frames[0].save(
        file,
        format="WEBP",
        save_all=True,
        append_images=frames[1:],
        duration=[pause] * (len(frames) - 1) + [END_MS],
        loop=0,
        quality=QUALITY,
        lossless=lossless,
        method=6,
    )
    return file.getvalue()


def main() -> None:
    """Writes the films of the models that are named, or of all."""
    FOLDER.mkdir(exist_ok=True)
    for name in sys.argv[1:] or model_names():
        frames, path = film(name), FOLDER / f"{name}.webp"
        path.write_bytes(min((encoded(frames, lossless) for lossless in (False, True)), key=len))
        print(f"{path.name}: {len(frames)} frames, {path.stat().st_size / 1000:.1f} kB")


if __name__ == "__main__":
    main()
