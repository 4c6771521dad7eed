"""Golden playthroughs: one random game of every board game and size, as text kept under version control.

    python -m tests.golden.playthrough                       # writes the playthroughs that are missing
    python -m tests.golden.playthrough --overwrite Othello

Each line is a move: its number, who plays it, the move, how many moves were legal, and the beginnings of the
sha256 of what the player saw and of the legal mask. A playthrough that changes means that rules, observation,
action numbering, notation or random order changed: the game's id then needs a new version. Overwrite one only
before its version is released, and say so in the changelog.
"""

import argparse
import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from quadrivium.envs.board import GAMES
from quadrivium.envs.board.board_game import BoardGame
from tests.envs.board.games import case_name, configurations, game_of

FOLDER = Path(__file__).parent / "board"
SEED = 2024
LONGEST = 300  # moves; random Go on a large board goes on for very long


def path_of(name: str) -> Path:
    """Returns the file of a game, "Othello.txt"."""
    return FOLDER / f"{name}.txt"


def playthrough(name: str) -> str:
    """Returns one random game in each configuration in which the game is tested."""
    cases = [case_name((name, kwargs)) for kwargs in configurations(name)]
    return "\n".join("\n".join(lines(case, game_of(case))) + "\n" for case in cases)


def lines(case: str, game: BoardGame) -> Iterator[str]:
    """Yields the lines of one game: a heading, moves, a diagram now and then, the end."""
    yield f"# {case}"
    yield f"actions {game.num_actions}, planes {', '.join(game.planes)}"
    pool, rows = game.pool(1, SEED), np.arange(1)
    players = max(map(len, game.players))
    diagram_every = max(4, game.height * game.width // 4)
    while not pool["over"][0] and pool["ply"][0] < LONGEST:
        ply = int(pool["ply"][0])
        if ply % diagram_every == 0:
            yield from ["", game.position_text(pool[0], "ascii"), ""]
        seen = fingerprints(game, pool)
        action = game.random_actions(pool, rows)
        mover = game.players[int(pool["to_move"][0])]
        yield f"{ply + 1:3d} {mover:{players}s} {game.move_name(pool[0], int(action[0])):6s} {seen}"
        game.step(pool, rows, action)
    yield from ["", game.position_text(pool[0], "ascii"), ""]
    for form in sorted(set(game.formats) - {"ascii"}):
        yield f"{form}: {game.position_text(pool[0], form)}"
    yield f"end: {outcome(game, pool[0])}, {fingerprints(game, pool)}, stream {int(pool['rng'][0]):016x}"


def fingerprints(game: BoardGame, pool: np.ndarray) -> str:
    """Returns how many moves are legal, and the beginnings of the sha256 of the planes and of the mask."""
    mask = game.legal(pool, np.arange(1))
    planes = game.observe(pool, np.arange(1))
    hashes = [hashlib.sha256(array.tobytes()).hexdigest()[:16] for array in (planes, mask)]
    return f"legal {int(mask.sum()):3d}  planes {hashes[0]}  mask {hashes[1]}"


def outcome(game: BoardGame, row: np.void) -> str:
    """Returns who has won."""
    if not row["over"]:
        return f"broken off after {int(row['ply'])} moves"
    return f"{game.players[int(row['winner'])]} wins" if row["winner"] >= 0 else "draw"


def main() -> None:
    """Writes missing playthroughs, and those that are named to be overwritten."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--overwrite", action="append", default=[], metavar="NAME", choices=list(GAMES))
    overwrite = parser.parse_args().overwrite
    FOLDER.mkdir(exist_ok=True)
    for name in GAMES:
        if name in overwrite or not path_of(name).exists():
            path_of(name).write_text(playthrough(name))
            print(f"wrote {path_of(name).relative_to(FOLDER.parents[2])}")


if __name__ == "__main__":
    main()
