"""Plays the levels of `evaluate.py play` against their neighbours, which rates them: ladder.json.

    python benchmarks/play_ladder.py [GAME ...] [--pairs 10]

Each level meets the next two above it, in 2 games an opening of two random moves, colours swapped. What is
measured replaces the games' entries in commands/pages/ladder.json; the ratings are printed with their
intervals of 95 %.
"""

import argparse
import json
import time
from pathlib import Path

from quadrivium.agents.arena.game_log import Fixture
from quadrivium.agents.arena.match import Match
from quadrivium.agents.arena.openings import random_openings
from quadrivium.agents.arena.ratings import rate
from quadrivium.commands.arena import make_table, make_table_player
from quadrivium.commands.pages.ladder import LEVELS, level_name, measured
from quadrivium.envs import BOARD_GAMES

FILE = Path(__file__).parents[1] / "commands" / "pages" / "ladder.json"
REACH = 2  # how many levels above it a level meets


def outcomes(game: str, a: int, b: int, openings: int) -> str:
    table = make_table(f"quadrivium/{game}-v0", {})
    players = tuple(make_table_player(LEVELS[level], table, print) for level in (a, b))
    for level, player in zip((a, b), players, strict=True):
        player.name = level_name(level)
    names = [player.name for player in players]
    found = {}
    fixtures = [Fixture(*order, k) for k in range(openings) for order in (names, names[::-1])]
    match = Match(table.game, players, random_openings(table.game, openings, 2, seed=0), seed=0)
    match.play(fixtures, lambda record: found.update({record.fixture: record.score(names[0])}))
    return "".join({1.0: "w", 0.5: "d", 0.0: "l"}[found[fixture]] for fixture in fixtures)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("games", nargs="*", default=BOARD_GAMES)
    arguments.add_argument("--pairs", type=int, default=10, help="openings, of two games each")
    chosen = arguments.parse_args()
    for game in chosen.games:
        begin, pairs = time.perf_counter(), {}
        for a in range(len(LEVELS)):
            for b in range(a + 1, min(a + REACH, len(LEVELS) - 1) + 1):
                pairs[f"{a + 1} {b + 1}"] = outcomes(game, a, b, chosen.pairs)
        every = json.loads(FILE.read_text()) if FILE.exists() else {}
        every[game] = pairs
        FILE.write_text(json.dumps(dict(sorted(every.items())), indent=1) + "\n")
        measured.cache_clear()
        ratings = rate([level_name(k) for k in range(len(LEVELS))], measured(game))
        told = "  ".join(f"{i.estimate:+.0f} [{i.low:+.0f}, {i.high:+.0f}]" for i in ratings.intervals)
        print(f"{game}: {told}  ({time.perf_counter() - begin:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
