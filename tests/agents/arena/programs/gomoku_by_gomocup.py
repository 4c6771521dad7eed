"""A small Gomoku program by Gomocup's protocol, without our code: it lengthens its lines, or blocks."""

import sys

size, board = 0, {}


def run(x, y, owner):
    longest = 1
    for dx, dy in ((1, 0), (0, 1), (1, 1), (1, -1)):
        count = 1
        for way in (1, -1):
            k = 1
            while board.get((x + way * k * dx, y + way * k * dy)) == owner:
                count, k = count + 1, k + 1
        longest = max(longest, count)
    return longest


def move():
    if not board:
        best = size // 2, size // 2
    else:
        free = [(x, y) for y in range(size) for x in range(size) if (x, y) not in board]
        best = max(free, key=lambda at: (run(*at, 1) >= 5, run(*at, 2) >= 4, run(*at, 1), run(*at, 2)))
    board[best] = 1
    print(f"MESSAGE {len(board)} stones", f"{best[0]},{best[1]}", sep="\n", flush=True)


lines = iter(sys.stdin)
for line in lines:
    word, _, rest = line.strip().partition(" ")
    if word == "ABOUT":
        print('name="Longer", version="1.0", author="nobody", country="XX"', flush=True)
    elif word == "START":
        size, board = int(rest), {}
        print("OK" if size <= 15 else "ERROR at most 15", flush=True)
    elif word == "BEGIN":
        move()
    elif word == "TURN":
        board[tuple(map(int, rest.split(",")))] = 2
        move()
    elif word == "BOARD":
        board = {}
        while (stone := next(lines).strip()) != "DONE":
            x, y, owner = map(int, stone.split(","))
            board[x, y] = owner
        move()
    elif word == "END":
        break
