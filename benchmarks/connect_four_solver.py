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
import json
import random
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from bitbully import BitBully, Board
from machine import RESULTS, machine, write_report
from scipy.stats import binomtest

from quadrivium.agents.alphazero.agent import AlphaZero
from quadrivium.agents.alphazero.watch.exam import exam_of, policy_actions, searched_actions
from quadrivium.commands.build import load_agent

BANDS = ((0, 12), (13, 24), (25, 36))  # stones on the board


def examine(agent: AlphaZero, simulations: list[int]) -> list[dict[str, Any]]:
    """Returns the shares of right moves by the number of simulations; 0 is the policy alone."""
    exam, network = exam_of(agent.game), agent.evaluator()
    assert exam is not None
    stones, everyone = exam.roots["ply"], np.arange(len(exam.roots))
    rows: list[dict[str, Any]] = []
    for count in simulations:
        start = time.perf_counter()
        if count == 0:
            actions = policy_actions(agent.game, network, exam.roots)
        else:
            actions = searched_actions(agent.game, network, exam.roots, count)
        right = exam.keeps[everyone, actions]
        interval = binomtest(int(right.sum()), len(right)).proportion_ci(method="wilson")
        bands = {f"{a}-{b} stones": float(right[(stones >= a) & (stones <= b)].mean()) for a, b in BANDS}
        seconds = time.perf_counter() - start
        rows.append({"simulations": count, "right": float(right.mean()), "interval": list(interval)})
        rows[-1] |= {"by_stones": bands, "seconds": round(seconds, 1)}
        print(f"{count:6} simulations: {100 * right.mean():.1f} % right "
              f"({100 * interval.low:.1f} to {100 * interval.high:.1f}), "
              + ", ".join(f"{100 * share:.1f} % with {band}" for band, share in bands.items()))  # fmt: skip
    return rows


def history(run: Path) -> dict[str, Any]:
    """Returns what the run's log says of its time and of the exams on the way."""
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    exams = [
        {
            "step": row["step"],
            "minutes": round((row["time"] - rows[0]["time"]) / 60, 1),
            "policy": row["solver/policy_accuracy"],
            "search": row.get("solver/search_accuracy"),
        }
        for row in rows
        if "solver/policy_accuracy" in row
    ]
    shares = [
        row["time/network_share_of_self_play"] for row in rows if "time/network_share_of_self_play" in row
    ]
    report: dict[str, Any] = {"minutes": round((rows[-1]["time"] - rows[0]["time"]) / 60, 1)}
    report |= {"network_share_of_self_play": float(np.mean(shares)), "exams": exams}
    print(f"{report['minutes']} minutes; the network's share of self-play: {np.mean(shares):.3f}")
    return report


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
    report["exam"] = examine(agent, arguments.simulations)
    report["first_player"] = defend(agent, arguments.match_simulations, arguments.games, arguments.seed)
    write_report(arguments.out, report)


if __name__ == "__main__":
    main()
