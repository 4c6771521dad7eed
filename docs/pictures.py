"""Draws the small pictures of the README, one of each id: `python docs/pictures.py [NAME ...]`.

Each is what `render_mode="rgb_array"` shows. Of a world: a good episode of a scripted player, under way. Of a
board game: a game whose moves are those of `board_images.py`.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from board_images import MOVES
from gymnasium.vector import VectorEnv
from PIL import Image

import quadrivium
from quadrivium.envs.board import GAMES

FOLDER = Path(__file__).parent / "pictures"
SIZE = (320, 200)  # all alike, so that a table of them is even; twice what the README shows
COLOURS = 255
EPISODES = 32
CAPTION = 40  # pixels at the top of a board
Box = tuple[int, int, int, int]  # left, top, right, bottom; pixels


@dataclass(frozen=True)
class View:
    """What is drawn of a world.

    Attributes:
        player: the world's scripted player.
        share: of the episode, after which it is drawn.
        crop: what is shown of the frame: not the line of text at its top, which would be too small to read.
        seed: of the episode; None: of that with the highest return of the first 32.
        kwargs: the world's arguments.
    """

    player: str
    share: float = 0.5
    crop: Box | None = None
    seed: int | None = None
    kwargs: dict[str, Any] = field(default_factory=dict)


TABLE: Box = (0, 40, 480, 320)
CHART: Box = (0, 28, 640, 360)
ROOMS = {"maps": "rooms", "map_count": 20, "guide": True}
VIEWS = {
    "Highway": View("idm_mobil", 0.63, (80, 28, 420, 160), seed=9, kwargs={"density": 1.4}),
    "Merge": View("idm_mobil", 0.5, (150, 70, 490, 282), seed=4),
    "Roundabout": View("idm", 0.35, (150, 70, 490, 282), seed=2),
    "Exit": View("idm", 0.4, (150, 70, 490, 282), seed=1),
    "TwoWay": View("idm_mobil", 0.4, (150, 70, 490, 282), seed=1),
    "UTurn": View("idm", 0.75, (150, 70, 490, 282), seed=1),
    "Intersection": View("idm", 0.6, (150, 70, 490, 282), kwargs={"vehicles": 14}),
    "Racetrack": View("stanley", 0.15, (150, 70, 490, 282), seed=1),
    "Roads": View("idm", 0.25, (150, 70, 490, 282), seed=3, kwargs={"networks": 8}),
    "LaneKeeping": View("stanley", 0.5, (150, 70, 490, 282), seed=1),
    "Parking": View("parker", 0.6, (150, 60, 490, 272), seed=5, kwargs={"parked": 12}),
    "PointNav": View("own_plan", 0.6, (0, 32, 1280, 672), kwargs=ROOMS | {"observation": "grid"}),
    "CrowdNav": View("orca", 0.4, (90, 110, 550, 580), kwargs={"people_count": 8, "robot_visible": True}),
    "Explore": View("nearest_frontier", 0.3, (0, 32, 1120, 592), kwargs=ROOMS),
    "SingleAsset": View("sma_cross", 0.9, CHART),
    "Portfolio": View("momentum", 0.9, CHART),
    "LimitOrderBook": View("inventory_skew", crop=(48, 116, 592, 456)),
    "SignChain": View("optimal", 0.9, CHART),
    "Execution": View("almgren_chriss", 0.9, CHART, kwargs={"steps": 40}),
    "MarketMaking": View("optimal", 0.9, CHART),
    "OptimalStopping": View("optimal", 1.0, CHART, seed=33),
    "TwentyFortyEight": View("greedy", 0.97, (0, 44, 418, 462)),
    "KuhnPoker": View("equilibrium", 1.0, TABLE, seed=1, kwargs={"opponent": "equilibrium"}),
    "LeducPoker": View("tight", 1.0, TABLE, seed=8, kwargs={"opponent": "tight"}),
}


def best_episode(batch: VectorEnv, player: Callable[[VectorEnv], np.ndarray]) -> int:
    """Returns the seed of the episode with the highest return; lane i plays seed i."""
    returns, running = np.zeros(batch.num_envs), np.ones(batch.num_envs, np.bool_)
    batch.reset(seed=0)
    while running.any():
        _, rewards, terminated, truncated, _ = batch.step(player(batch))
        returns += rewards * running
        running &= ~(terminated | truncated)
    return int(returns.argmax())


def world_frame(name: str, view: View) -> np.ndarray:
    """Returns a frame (H, W, 3) uint8 of a world."""

    def make(count: int) -> VectorEnv:
        mode = "rgb_array" if count == 1 else None
        return gymnasium.make_vec(f"quadrivium/{name}-v0", num_envs=count, render_mode=mode, **view.kwargs)

    one = make(1)
    player = one.baselines[view.player]
    seed = best_episode(make(EPISODES), player) if view.seed is None else view.seed
    frames, over = [], False
    one.reset(seed=seed)
    while not over:
        frames += one.render()
        _, _, terminated, truncated, _ = one.step(player(one))
        over = bool(terminated[0] or truncated[0])
    shown = min(round(view.share * len(frames)), len(frames) - 1)
    print(f"{name}: {view.player}, seed {seed}, after {shown} of {len(frames)} steps")
    return frames[shown]


def board_frame(name: str) -> np.ndarray:
    """Returns a frame (H, W, 3) uint8 of a board game, without its caption."""
    env = gymnasium.make(f"quadrivium/{name}-v0", render_mode="rgb_array").unwrapped
    env.set_state(GAMES[name]().play_moves(MOVES[name]))
    return env.render()[CAPTION:]


def fitted(frame: np.ndarray, crop: Box | None) -> Image.Image:
    """Returns the picture in the common size, on its own background."""
    picture = Image.fromarray(frame)
    picture = picture if crop is None else picture.crop(crop)
    whole = Image.new("RGB", SIZE, picture.getpixel((0, 0)))
    picture.thumbnail(SIZE, Image.Resampling.LANCZOS)
    whole.paste(picture, ((SIZE[0] - picture.width) // 2, (SIZE[1] - picture.height) // 2))
    return whole


def main() -> None:
    """Writes the pictures that are named, or all."""
    FOLDER.mkdir(exist_ok=True)
    for name in sys.argv[1:] or (*VIEWS, *quadrivium.envs.BOARD_GAMES):
        if name in VIEWS:
            picture = fitted(world_frame(name, VIEWS[name]), VIEWS[name].crop)
        else:
            picture = fitted(board_frame(name), None)
        path = FOLDER / f"{name}.png"
        picture.quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
        print(f"{path.name}: {path.stat().st_size / 1000:.1f} kB")


if __name__ == "__main__":
    main()
