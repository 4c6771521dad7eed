"""A small Othello program by NBoard's protocol, without our code: it turns as many discs as it can."""

import re
import sys

LINES = [(a, b) for a in (-1, 0, 1) for b in (-1, 0, 1) if a or b]
board, mover = {}, 1


def turned(cell, colour):
    found = []
    for down, right in LINES:
        run, at = [], (cell[0] + down, cell[1] + right)
        while board.get(at) == -colour:
            run.append(at)
            at = at[0] + down, at[1] + right
        if board.get(at) == colour:
            found += run
    return found


def moves(colour):
    empty = [cell for cell, disc in board.items() if disc == 0]
    return {cell: discs for cell in empty if (discs := turned(cell, colour))}


def play(name):
    global mover
    if name[:2] not in ("PA", "pa"):
        cell = int(name[1]) - 1, "ABCDEFGH".index(name[0].upper())
        discs = moves(mover)[cell]
        for at in [cell, *discs]:
            board[at] = mover
    elif moves(mover):
        sys.exit("a pass with moves to play")
    mover = -mover


for line in sys.stdin:
    word, _, rest = line.strip().partition(" ")
    if word == "nboard":
        print("set myname Greedy 1.0", flush=True)
    elif word == "ping":
        print("status waiting", f"pong {rest}", sep="\n", flush=True)
    elif line.startswith("set game "):
        size, cells, colour = re.search(r"BO\[(\d+) ([-*O]+) ([*O])\]", line).groups()
        board = {divmod(k, int(size)): {"-": 0, "*": 1, "O": -1}[disc] for k, disc in enumerate(cells)}
        mover = 1 if colour == "*" else -1
    elif word == "move":
        play(rest)
    elif word == "go":
        print("status thinking", "search E6 0.10 0 3", sep="\n")
        best = max(moves(mover).items(), key=lambda move: len(move[1]), default=None)
        name = "PA" if best is None else f"{'ABCDEFGH'[best[0][1]]}{best[0][0] + 1}"
        print(f"=== {name}/1.00/0.01", flush=True)
    elif word == "quit":
        break
