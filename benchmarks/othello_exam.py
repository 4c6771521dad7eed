"""What a run of AlphaZero on Othello 6 x 6 knows of the end of the game, beside an exact solver.

    python train.py configs/board/othello6_alphazero.yaml
    python benchmarks/othello_exam.py runs/othello6_alphazero

Of 500 positions with 2 to 16 empty squares in which some move loses value, in what share does it play a
move that keeps it? By the policy alone, and by searches with more and more simulations. The positions and the
values of their moves are in envs/board/othello (benchmarks/othello_positions.py made them); training never
sees them. For games from openings that are even by the solver there is
`evaluate.py tournament configs/tournaments/othello6_even.yaml`. Writes benchmarks/results/othello_exam.json.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import torch
from exams import examine, history
from machine import RESULTS, machine, write_report

from quadrivium.agents.alphazero.agent import AlphaZero
from quadrivium.commands.build import load_agent
from quadrivium.envs.board import Othello

BANDS = ((2, 6), (7, 11), (12, 16))  # empty squares


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path)
    parser.add_argument("--simulations", type=int, nargs="+", default=[0, 16, 64, 256, 1024])
    parser.add_argument("--out", type=Path, default=RESULTS / "othello_exam.json")
    arguments = parser.parse_args()
    agent, checkpoint = load_agent(arguments.run, "last", print)
    assert isinstance(agent, AlphaZero)
    game = agent.game
    assert isinstance(game, Othello)
    assert game.exam is not None, "the exam is of 6 x 6"
    report: dict[str, Any] = machine("torch", "numba")
    report |= {"run": str(arguments.run), "step": checkpoint.step, "threads": torch.get_num_threads()}
    report["training"] = history(arguments.run)
    empties = np.array([(game.cells(root) == 0).sum() for root in game.exam[0]])
    report["exam"] = examine(agent, arguments.simulations, empties, BANDS, "empty")
    write_report(arguments.out, report)


if __name__ == "__main__":
    main()
