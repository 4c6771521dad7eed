"""What a run of AlphaZero on connect four knows, beside an exact solver.

    pip install bitbully && python benchmarks/connect_four_solver.py runs/connect_four_alphazero

1. The exam: of 1,000 positions in which some move loses value, in what share does it play a move that keeps
   it? By the policy alone, and by searches with more and more simulations; by the number of stones too. The
   positions and the values of their moves are in envs/board/connect_four; training never sees them.
2. How it came there: the exam at each evaluation of the training, the network's share of self-play's time.
3. The first player wins connect four with best play. The run plays first against the solver's best defence
   (a move that loses as late as it can; among equal ones a random one): how many of the games does it win?

The solver, BitBully (Thill), is under the AGPL: it is asked here, the package does not know it. Writes
benchmarks/results/connect_four_solver.json.
"""

import argparse
import random
from pathlib import Path
from typing import Any

import numpy as np
import torch
from bitbully import BitBully, Board
from exams import examine, history
from machine import RESULTS, machine, write_report

from quadrivium.agents.alphazero.agent import AlphaZero
from quadrivium.commands.build import load_agent

BANDS = ((0, 12), (13, 24), (25, 36))  # stones on the board


def defend(agent: AlphaZero, simulations: int, games: int, seed: int) -> dict[str, Any]:
    """Plays first in `games` games against the solver's best defence; returns their results."""
    solver, draw, known = BitBully(), random.Random(seed), {}
    game, pool = agent.game, agent.game.pool(games)
    moves: list[list[int]] = [[] for _ in range(games)]
    running = np.arange(games)
    while len(running):
        if len(moves[running[0]]) % 2 == 0:
            actions = agent.best_actions(pool[running], simulations)
        else:
            actions = np.array([_defence(solver, moves[k], known, draw) for k in running])
        game.step(pool, running, actions)
        for k, action in zip(running, actions, strict=True):
            moves[k].append(int(action))
        running = running[~game.result(pool, running).over]
    returns = game.result(pool, np.arange(games)).returns[:, 0]
    outcome = {"simulations": simulations, "games": games, "different": len({tuple(m) for m in moves})}
    outcome |= {
        name: int((returns == value).sum()) for name, value in (("won", 1), ("drawn", 0), ("lost", -1))
    }
    lines = [
        "".join("abcdefg"[move] for move in line) for line, r in zip(moves, returns, strict=True) if r < 1
    ]
    print(f"{simulations:6} simulations, first against the best defence: {outcome}")
    return outcome | {"not_won": sorted(set(lines))[:10]}


def _defence(
    solver: BitBully, moves: list[int], known: dict[tuple[int, ...], list[int]], draw: random.Random
) -> int:
    """Returns a random one of the solver's best moves after `moves`."""
    key = tuple(moves)
    if key not in known:
        scores = solver.score_all_moves(Board("".join(map(str, moves))))
        known[key] = [column for column, score in scores.items() if score == max(scores.values())]
    return draw.choice(known[key])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path)
    parser.add_argument("--simulations", type=int, nargs="+", default=[0, 16, 64, 256, 1024])
    parser.add_argument("--match-simulations", type=int, default=256)
    parser.add_argument("--games", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=RESULTS / "connect_four_solver.json")
    arguments = parser.parse_args()
    agent, checkpoint = load_agent(arguments.run, "last", print)
    assert isinstance(agent, AlphaZero)
    report: dict[str, Any] = machine("torch", "numba", "bitbully")
    report |= {"run": str(arguments.run), "step": checkpoint.step, "threads": torch.get_num_threads()}
    report["training"] = history(arguments.run)
    report["exam"] = examine(agent, arguments.simulations, agent.game.exam[0]["ply"], BANDS, "stones")
    report["first_player"] = defend(agent, arguments.match_simulations, arguments.games, arguments.seed)
    write_report(arguments.out, report)


if __name__ == "__main__":
    main()
