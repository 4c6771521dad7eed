"""The 2048 environment: its arguments, spaces and documentation page; the rules are in `kernel`."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from gymnasium.spaces import Box, Discrete

from quadrivium.envs.core.chance import Chance
from quadrivium.envs.core.lane import World
from quadrivium.envs.core.options import Options
from quadrivium.envs.core.setup import Setup, drawn_by
from quadrivium.envs.core.world_env import WorldEnv, WorldVectorEnv
from quadrivium.envs.puzzles.twenty_forty_eight import kernel
from quadrivium.envs.puzzles.twenty_forty_eight.baselines import BASELINES
from quadrivium.envs.puzzles.twenty_forty_eight.kernel import CELLS, EXPONENTS, TwentyFortyEightParams
from quadrivium.envs.puzzles.twenty_forty_eight.pushes import tiles
from quadrivium.envs.puzzles.twenty_forty_eight.tables import tables

MOVES = ("up", "right", "down", "left")
WORLD = World.of(
    kernel,
    "twenty_forty_eight",
    TwentyFortyEightParams,
    action_dtype=np.int32,
    ranges=kernel.ranges_of,
    chance=Chance(2 * CELLS, kernel.decide_one, kernel.weigh_one, kernel.settle_one),
    estimate=kernel.estimate_one,
)


@dataclass(frozen=True, kw_only=True)
class TwentyFortyEightOptions(Options):
    """The arguments of the TwentyFortyEight environments."""

    goal: Literal["none", "512", "1024", "2048", "4096", "8192", "16384", "32768"] = "none"
    """the tile with which a game ends; "none": it goes on until no push is left"""
    illegal: Literal["error", "end"] = "error"
    """what a push does that changes nothing: "error" raises ValueError, "end" ends the game, for agents that
    do not read masks"""


def twenty_forty_eight_setup(options: TwentyFortyEightOptions) -> Setup:
    """Returns 2048 as a world."""
    table = tables()
    goal = 0 if options.goal == "none" else int(options.goal).bit_length() - 1
    params = TwentyFortyEightParams(options.index("split"), goal, *table)
    planes = ("the cell is empty", *(f"the tile is {1 << k}" for k in range(1, EXPONENTS)))
    return Setup(
        world=WORLD,
        params=params,
        state_dtype=kernel.STATE,
        observation_space=Box(0.0, 1.0, (EXPONENTS, 4, 4), np.float32),
        action_space=Discrete(4),
        renderer=drawn_by("quadrivium.envs.puzzles.twenty_forty_eight.render:TwentyFortyEightRenderer"),
        text=text,
        render_fps=8,
        baselines=BASELINES,
        illegal_message=_illegal,
        illegal_passes=options.illegal == "end",
        columns={"observation": planes},
    )


def text(row: np.void) -> str:
    """Returns a game as lines of text."""
    cells = tiles(row["board"])
    width = max(4, len(str(cells.max())))
    lines = [" ".join(f"{tile or '.':>{width}}" for tile in line) for line in cells.tolist()]
    return "\n".join([*lines, f"score {int(row['score'])}"])


def _illegal(row: np.void, action: int, mask: np.ndarray) -> str:
    legal = ", ".join(name for name, allowed in zip(MOVES, mask, strict=True) if allowed)
    if not legal:
        return "a push after the game's end; reset first"
    named = MOVES[action] if 0 <= action < len(MOVES) else str(action)
    return f"action {named} changes nothing and is illegal; legal actions: {legal}"


class TwentyFortyEightEnv(WorldEnv):
    """2048 (Cirulli 2014): push the tiles to a side, equal ones become one of their sum, and a new one comes.

    All tiles of the 4 × 4 board slide as far as they can; two equal ones that meet become one tile, which is
    not joined again in the same push. Then a 2 comes to a random empty cell, a 4 with probability 1/10. The
    game is over when no push changes anything. The rules are held to OpenSpiel's `2048` ply by ply.

    ## Actions
    Discrete(4): up (0), right (1), down (2), left (3). A push that would change nothing is illegal.

    ## Observations
    A Dict: `observation`, 16 planes (16, 4, 4) of zeros and ones: in the first is 1 where a cell is empty, in
    the k-th behind it where the tile is 2^k; and `action_mask` (4,) int8.

    ## Reward
    `merged`: the sum of the tiles that a push makes, as the game counts its points.

    ## Episodes
    Begin with two tiles and are never truncated. Two tiles 32768 do not become one: nothing is known to play
    so well that it matters, and a board is 64 bits.

    ## Metrics
    `score`, `highest_tile`, `reached_2048` (0 or 1), `moves`.

    ## Baselines
    `corner` (down if it can be, else left, right, up), `greedy` (the most points at once). Beside them
    `mcts:N` and `expectimax:DEPTH` search: see [Search in worlds](../planning.md).
    """

    options, setup_of = TwentyFortyEightOptions, staticmethod(twenty_forty_eight_setup)


class TwentyFortyEightVectorEnv(WorldVectorEnv):
    """A batch of `TwentyFortyEightEnv`, stepped on all cores; the same arguments."""

    single = TwentyFortyEightEnv
