"""Makes the exam of Othello 6 x 6, and openings after which it is even, by an exact solver.

    python benchmarks/othello_positions.py [--only exam|openings]

The exam: games are played by two players of random strength, each of whose moves is uniformly random with its
own probability (0.05 to 1), else the best of a search with 64 random games, or by the solver once it sees
the end. From them come 500 different positions with 2 to 16 empty squares, none another one turned or
mirrored, in which some legal move keeps the game's value (win, draw, loss) and some loses it. Writes
envs/board/othello/exam6.txt: a line a position, its moves, then for each cell row by row, and the pass, the
value of playing there for the player to move: + won, = drawn, - lost, . illegal.

The openings: 50 of 12 moves, half of them random, whose value is a draw with best play. Writes
configs/tournaments/othello6_even.txt. Both take some minutes.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from othello_solver import masks, value, values

from quadrivium.agents.search import monte_carlo_search
from quadrivium.envs.board import Othello

ROOT = Path(__file__).parents[1]
EXAM = ROOT / "envs" / "board" / "othello" / "exam6.txt"
OPENINGS = ROOT / "configs" / "tournaments" / "othello6_even.txt"
SIZE, CELLS, SOLVED = 6, 36, 16
STRENGTHS = (0.05, 0.2, 0.5, 1.0)  # probabilities of a random move
ROW = np.arange(1)


class Player:
    """Plays at random with some probability, else as well as it can."""

    def __init__(self, game: Othello, draw: np.random.Generator) -> None:
        self.game, self._draw = game, draw
        self._search = monte_carlo_search(game, 64, reuse=False)

    def move(self, pool: np.ndarray, blunders: float, worth: dict[int, int]) -> int:
        """Returns an action; worth: of every move, {} where the end is not seen."""
        if self._draw.random() < blunders:
            return int(self._draw.choice(np.flatnonzero(self.game.legal(pool, ROW)[0])))
        if worth:
            return int(self._draw.choice([cell for cell, one in worth.items() if one == max(worth.values())]))
        return int(self._search.search(pool).actions[0])


def positions(player: Player, draw: np.random.Generator) -> Iterator[tuple[list[int], np.ndarray, dict]]:
    """Plays a game; yields its positions with at most `SOLVED` empty squares: moves, cells, values."""
    game, blunders = player.game, draw.choice(STRENGTHS, 2)
    pool, played = game.pool(1), []
    while not game.result(pool, ROW).over[0]:
        cells, mover = game.cells(pool[0]), int(pool["to_move"][0])
        seen = int((cells == 0).sum()) <= SOLVED
        worth = values(*masks(cells, mover), SIZE) if seen else {}
        if seen:
            yield played.copy(), cells if mover == 0 else -cells, worth
        action = player.move(pool, blunders[mover], worth)
        game.step(pool, ROW, np.array([action]))
        played.append(action)


def make_exam(game: Othello, count: int, seed: int) -> list[str]:
    """Returns the lines of the exam, as even over the empty squares as the games allow."""
    draw = np.random.default_rng(seed)
    player = Player(game, draw)
    found: dict[int, list[tuple[list[int], dict[int, int]]]] = {n: [] for n in range(2, SOLVED + 1)}
    share, seen = -(-count // len(found)), set()
    while sum(len(rows) for rows in found.values()) < count:
        for moves, cells, worth in positions(player, draw):
            empties = int((cells == 0).sum())
            turns = [np.rot90(one, k).tobytes() for one in (cells, cells.T) for k in range(4)]
            tells = len(set(worth.values())) > 1
            if empties in found and tells and len(found[empties]) < share and min(turns) not in seen:
                seen.add(min(turns))
                found[empties].append((moves, worth))
    rows = sorted((row for rows in found.values() for row in rows), key=lambda row: (len(row[0]), row[0]))
    return [_line(game, *row) for row in rows[:count]]


def make_openings(game: Othello, count: int, plies: int, seed: int) -> list[str]:
    """Returns lines of moves after which the game is drawn with best play."""
    draw = np.random.default_rng(seed)
    player, lines = Player(game, draw), []
    while len(lines) < count:
        pool, played = game.pool(1), []
        while len(played) < plies and not game.result(pool, ROW).over[0]:
            played.append(player.move(pool, 0.5, {}))
            game.step(pool, ROW, np.array(played[-1:]))
        cells, mover = game.cells(pool[0]), int(pool["to_move"][0])
        if value(*masks(cells, mover), SIZE) == 0 and not game.result(pool, ROW).over[0]:
            line = " ".join(_names(game, played))
            if line not in lines:
                lines.append(line)
                print(f"{len(lines)} of {count}", flush=True)
    return lines


def _line(game: Othello, moves: list[int], worth: dict[int, int]) -> str:
    marks = ["-=+"[worth[cell] + 1] if cell in worth else "." for cell in range(CELLS + 1)]
    return f"{''.join(_names(game, moves))} {''.join(marks)}"


def _names(game: Othello, moves: list[int]) -> list[str]:
    return [game.move_name(game.pool(1)[0], move) for move in moves]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", choices=["exam", "openings"])
    parser.add_argument("--positions", type=int, default=500)
    parser.add_argument("--openings", type=int, default=50)
    parser.add_argument("--plies", type=int, default=12)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    game = Othello(SIZE)
    if arguments.only != "openings":
        EXAM.write_text("".join(f"{line}\n" for line in make_exam(game, arguments.positions, arguments.seed)))
    if arguments.only != "exam":
        lines = make_openings(game, arguments.openings, arguments.plies, arguments.seed)
        OPENINGS.write_text("".join(f"{line}\n" for line in lines))


if __name__ == "__main__":
    main()
