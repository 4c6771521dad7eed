"""Does self-play in a league pay? PPO in connect four, in a league and plainly, for equally much processor time.

    python benchmarks/league_learning.py [--seeds 3] [--minutes 20] [--games 1000]
    python benchmarks/league_learning.py --only PLAYER [PLAYER ...]      # plays these, trains and writes nothing

For each seed it runs `train.py configs/board/connect_four_league_ppo.yaml` to its end, on one core, and
`connect_four_ppo.yaml`, which learns against a script, for as many steps as take as much processor time. Then
the last weights play their most probable moves against `random`, `baseline:tactical` and `mcts:100` from the
empty board, in both seats as often, and against each other from openings of four random plies, colours
swapped. A draw counts half; intervals are 95 %, of one run over its games (of openings' pairs where colours
are swapped). Writes benchmarks/results/league_learning.json.
"""

import argparse
from collections.abc import Sequence

import numpy as np

from quadrivium.agents.arena.game_log import Fixture
from quadrivium.agents.arena.match import Match
from quadrivium.agents.arena.openings import Opening, random_openings
from quadrivium.commands.arena import make_table, make_table_player
from quadrivium.intervals import mean_interval

ID = "quadrivium/ConnectFour-v0"
RIVALS = ("random", "baseline:tactical", "mcts:100")


def score(one: str, other: str, games: int, plies: int) -> list[float]:
    """Returns [mean, low, high] of the first player's score over pairs of games, colours swapped."""
    table = make_table(ID, {})
    players = make_table_player(one, table, print), make_table_player(other, table, print)
    for place, player in enumerate(players):
        player.name = f"{place}: {player.name}"
    names = [player.name for player in players]
    if plies:
        openings = random_openings(table.game, games // 2, plies, seed=0)
    else:
        openings = [Opening(())] * (games // 2)
    points = np.zeros(games // 2)

    def finished(record) -> None:
        points[record.fixture.opening] += record.score(names[0]) / 2

    fixtures = [Fixture(*order, k) for k in range(games // 2) for order in (names, names[::-1])]
    Match(table.game, players, openings, seed=0).play(fixtures, finished)
    found = mean_interval(points)
    return [round(float(x), 4) for x in (found.estimate, found.low, found.high)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+")
    parser.add_argument("--games", type=int, default=1000)
    a = parser.parse_args()
    for player in a.only:
        print(player, {rival: score(player, rival, a.games, 0) for rival in RIVALS}, flush=True)


if __name__ == "__main__":
    main()
