"""Makes the exam of connect four: positions in which a wrong move loses value, with every move's exact value.

    pip install bitbully && python benchmarks/connect_four_positions.py

Games are played by two players of random strength: each move is uniformly random with the player's own
probability (0.05 to 1), else one of the best by an exact solver. From them come 1,000 different positions,
none the mirror image of another, balanced over plies 0 to 36 as far as there are enough, in which at least
one legal move keeps the game's value (win, draw, loss) and at least one loses it. The solver, BitBully
(Thill), is under the AGPL: this script alone uses it, the package does not. Takes some minutes.

Writes envs/board/connect_four/exam.txt: a line a position, its moves as letters (- for none), then
for each column the value of playing there for the player to move: + won, = drawn, - lost, . full.
"""

import argparse
import random
from collections.abc import Iterator
from pathlib import Path

from bitbully import BitBully, Board

FILE = Path(__file__).parents[1] / "envs" / "board" / "connect_four" / "exam.txt"
LETTERS = "abcdefg"
LAST_PLY = 36
STRENGTHS = (0.05, 0.2, 0.5, 1.0)  # probabilities of a random move


def values(solver: BitBully, board: Board) -> str:
    """Returns the value of each column's move as one character."""
    scores = solver.score_all_moves(board)
    return "".join("." if c not in scores else "-=+"[(scores[c] > 0) - (scores[c] < 0) + 1] for c in range(7))


def best(marks: str) -> list[int]:
    """Returns the columns that keep the game's value."""
    top = min((mark for mark in marks if mark != "."), key="+=-".index)
    return [column for column in range(7) if marks[column] == top]


def game(solver: BitBully, draw: random.Random) -> Iterator[tuple[str, str]]:
    """Plays a game; yields its positions as (moves, values)."""
    errors = [draw.choice(STRENGTHS), draw.choice(STRENGTHS)]
    board, moves = Board(), ""
    while not board.is_game_over() and len(moves) <= LAST_PLY:
        marks = values(solver, board)
        yield moves, marks
        legal = [column for column in range(7) if marks[column] != "."]
        column = draw.choice(legal if draw.random() < errors[len(moves) % 2] else best(marks))
        board.play(column)
        moves += LETTERS[column]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--positions", type=int, default=1000)
    parser.add_argument("--games", type=int, default=1500, help="to take them from")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    draw, solver = random.Random(arguments.seed), BitBully()
    found: dict[int, list[tuple[str, str]]] = {ply: [] for ply in range(LAST_PLY + 1)}
    seen: set[int] = set()
    enough = 3 * arguments.positions // len(found)
    for _ in range(arguments.games):
        for moves, marks in game(solver, draw):
            board = Board(moves.translate(str.maketrans(LETTERS, "0123456"))) if moves else Board()
            key = min(board.uid(), board.mirror().uid())
            if len(set(marks) - {"."}) > 1 and key not in seen and len(found[len(moves)]) < enough:
                seen.add(key)
                found[len(moves)].append((moves, marks))
    chosen: list[tuple[str, str]] = []
    by_scarcity = sorted(found.items(), key=lambda item: len(item[1]))
    for k, (_, rows) in enumerate(by_scarcity):
        share = -(-(arguments.positions - len(chosen)) // (len(found) - k))
        chosen += draw.sample(rows, min(len(rows), share))
    chosen = sorted(chosen[: arguments.positions], key=lambda row: (len(row[0]), row[0]))
    FILE.write_text("".join(f"{moves or '-'} {marks}\n" for moves, marks in chosen))
    print(f"{len(chosen)} positions, by ply: {[sum(len(m) == p for m, _ in chosen) for p in found]}")


if __name__ == "__main__":
    main()
