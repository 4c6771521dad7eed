"""Counts lines of play to a depth where others have counted them, and how many a second.

    python benchmarks/perft.py [--only chess] [--most 1e9]

Chess: six positions to depth 5 (counts: Stockfish 15.1). Othello to depth 10 (a pass is a ply, an ended game
counts; published). Connect four to depth 9. Go with positional superko, no suicide, passes counted.
A count that differs is an error. The last ply is counted from the legal masks and not played.
"""

import argparse
import sys
import time
from pathlib import Path

from machine import RESULTS, machine, write_report

from quadrivium.envs.board import GAMES

# name: (class, options, first position or None, whether an ended game counts, the counts by depth from 1)
COUNTS = {
    "chess, start": ("Chess", {}, None, False, [20, 400, 8902, 197281, 4865609]),
    "chess, Kiwipete": (
        *("Chess", {}, "r3k2r/p1ppqpb1/bn2pnp1/3PN3/1p2P3/2N2Q1p/PPPBBPPP/R3K2R w KQkq - 0 1", False),
        [48, 2039, 97862, 4085603, 193690690],
    ),
    "chess, rook ending": (
        *("Chess", {}, "8/2p5/3p4/KP5r/1R3p1k/8/4P1P1/8 w - - 0 1", False),
        [14, 191, 2812, 43238, 674624],
    ),
    "chess, promotions": (
        *("Chess", {}, "r3k2r/Pppp1ppp/1b3nbN/nP6/BBP1P3/q4N2/Pp1P2PP/R2Q1RK1 w kq - 0 1", False),
        [6, 264, 9467, 422333, 15833292],
    ),
    "chess, talkchess": (
        *("Chess", {}, "rnbq1k1r/pp1Pbppp/2p5/8/2B5/8/PPP1NnPP/RNBQK2R w KQ - 1 8", False),
        [44, 1486, 62379, 2103487, 89941194],
    ),
    "chess, symmetric": (
        *("Chess", {}, "r4rk1/1pp1qppp/p1np1n2/2b1p1B1/2B1P1b1/P1NP1N2/1PP1QPPP/R4RK1 w - - 0 10", False),
        [46, 2079, 89890, 3894594, 164075551],
    ),
    "Othello 8x8": (
        *("Othello", {}, None, True),
        [4, 12, 56, 244, 1396, 8200, 55092, 390216, 3005288, 24571284],
    ),
    "Othello 6x6": ("Othello", {"size": 6}, None, True, [4, 12, 56, 244, 1364]),
    "connect four": (
        *("ConnectFour", {}, None, False),
        [7, 49, 343, 2401, 16807, 117649, 823536, 5673234, 39394572],
    ),
    "Go 2x2": ("Go", {"size": 2, "max_moves": 1000}, None, False, [5, 21, 68, 156, 316, 604, 1088]),
    "Go 3x3": ("Go", {"size": 3, "max_moves": 1000}, None, False, [10, 91, 738, 5281, 33384, 179712]),
    "Go 4x4": ("Go", {"size": 4}, None, False, [17, 273, 4112, 57984]),
    "Go 5x5": ("Go", {"size": 5}, None, False, [26, 651, 15650]),
    "Go 9x9": ("Go", {"size": 9}, None, False, [82, 6643]),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="part of the names of what is counted")
    parser.add_argument("--most", type=float, default=1e9, help="leaves out counts above")
    parser.add_argument("--output", type=Path, default=RESULTS / "perft.json")
    args = parser.parse_args()
    counted: dict[str, object] = {}
    wrong = 0
    for name, (game_class, options, position, count_ended, counts) in COUNTS.items():
        if args.only.lower() not in name.lower() or game_class not in GAMES:
            continue
        game = GAMES[game_class](**options)
        row = (game.parse_position(position) if position else game.pool(1))[0]
        game.perft(row, 2, count_ended=count_ended)  # compiles
        start, leaves, depth = time.perf_counter(), 0, 0
        for depth, expected in enumerate([count for count in counts if count <= args.most], 1):
            start, leaves = time.perf_counter(), game.perft(row, depth, count_ended=count_ended)
            if leaves != expected:
                wrong += 1
                print(f"{name}: depth {depth} counts {leaves:,}, expected {expected:,}", file=sys.stderr)
        seconds = time.perf_counter() - start
        counted[name] = {"depth": depth, "leaves": leaves, "seconds": round(seconds, 4)}
        print(
            f"{name:20s} depth {depth:2d} {leaves:14,d} {seconds:9.3f} s {leaves / seconds:16,.0f} leaves/s"
        )
    write_report(args.output, {**machine("numba", "numpy"), "wrong": wrong, "counts": counted})
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
