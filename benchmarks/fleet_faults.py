"""Kills workers, a node and the driver at random moments, and looks at what is left.

    python benchmarks/fleet_faults.py [--rounds 20] [--seed 0] [--only training|tournament]

A cluster of two nodes runs on loopback: a head, and a node that may be killed. In each round a small
training, then a small tournament, is begun on it; after a random while comes a kill -9: of a worker, of the
second node with all its workers, or of the driver, in turn. A killed node is started again, a killed driver
by the same command (`--resume`). Once the command has ended by itself:
    training      the log holds each portion once, in its worker's order, and as many moves as the run has
                  steps; the checkpoint's weights equal, bit for bit, those of learning from the log alone
    tournament    its results equal those of the same tournament without kills on one machine
Any other outcome ends the program with an error.

Writes benchmarks/results/fleet_faults.json.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import torch
from machine import RESULTS, machine, write_report

from quadrivium.agents.alphazero.fleet.portion_log import PortionLog
from quadrivium.agents.runs.checkpoint import load_checkpoint
from quadrivium.commands.build import make_agent, open_run, use_threads

ROOT = Path(__file__).resolve().parents[1]
STEPS, MOVES = 1600, 40
TRAINING = f"""
name: faults
seed: 1
total_timesteps: {STEPS}
device: cpu
threads: 1
env: {{id: quadrivium/TicTacToe-v0, num_envs: 8}}
agent: {{algorithm: alphazero, n_steps: 5, simulations: 4, first_simulations: 2, batch_size: 16,
        learning_starts: 16, window_min: 100, random_plies: 2, ladder_games: 0, exam_simulations: 0,
        net: {{trunk: cnn, width: 8, depth: 1, normalize_inputs: false}}}}
checkpoint: {{every_steps: 200}}
evaluation: {{every_steps: null, final_episodes: null}}
logging: {{progress: false}}
"""
TOURNAMENT = """
name: faults
env: quadrivium/TicTacToe-v0
threads: 1
players: [random, "baseline:tactical", "mcts:200", "mcts:400"]
games: 40
batch: 4
openings: {plies: 2}
"""
KINDS = ("worker", "node", "driver")
# Of Ray, so that it binds to loopback; and its workers as urgent as the rest.
ENVIRONMENT = os.environ | {
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_worker_niceness": "0",
    "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")])),
}
RAY = [sys.executable, "-m", "ray.scripts.scripts"]


def processes() -> dict[int, tuple[int, str]]:
    """Returns parent and command line of every process (Linux)."""
    found: dict[int, tuple[int, str]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
            words = (stat.parent / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        found[int(stat.parent.name)] = parent, words
    return found


class Node:
    """Ray on this machine, as one of several nodes."""

    def __init__(self, *arguments: str) -> None:
        room = ["--num-cpus=1", "--object-store-memory=100000000"]
        self.arguments = [*RAY, "start", *arguments, *room, "--block"]
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            self.arguments, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def family(self, words: str = "") -> list[int]:
        known = processes()
        members = {self.process.pid}
        while more := {pid for pid, (parent, _) in known.items() if parent in members} - members:
            members |= more
        return [pid for pid in members if words in known.get(pid, (0, ""))[1]]

    def kill(self) -> None:
        for pid in self.family():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.process.wait()


def undisturbed(folder: Path) -> dict[str, Any]:
    folder.mkdir()
    (folder / "config.yaml").write_text(TOURNAMENT)
    subprocess.run(
        [sys.executable, str(ROOT / "evaluate.py"), "tournament", "config.yaml"],
        cwd=folder, env=ENVIRONMENT, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    return results(folder)


def results(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "runs/tournaments/faults/results.json").read_text())


def is_written(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0


def disturb(
    folder: Path,
    first: list[str],
    again: list[str],
    log: Path,
    kind: str,
    nodes: list[Node],
    draw: random.Random,
) -> float:
    """Runs a command to its end through a kill; returns the seconds from the log's first entry to it."""

    def start(command: list[str]) -> subprocess.Popen[str]:
        streams: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        return subprocess.Popen(command, cwd=folder, env=ENVIRONMENT, **streams)

    process = start(first)
    while process.poll() is None and not is_written(log):
        time.sleep(0.02)
    began, delay = time.monotonic(), draw.uniform(0.0, 2.0)
    time.sleep(delay)
    if process.poll() is None:
        if kind == "worker":
            at_work = [pid for node in nodes for pid in node.family("ray::Host")]
            os.kill(draw.choice(at_work), signal.SIGKILL)
        elif kind == "node":
            nodes[1].kill()
            nodes[1].start()
        else:
            process.kill()
            process.communicate()
            process = start(again)
    else:
        raise SystemExit(f"the command ended before the kill: {process.communicate()[0]}")
    killed = time.monotonic() - began
    output, _ = process.communicate(timeout=600)
    if process.returncode != 0:
        raise SystemExit(f"after the kill of a {kind}, exit code {process.returncode}: {output}")
    return killed


def check_training(folder: Path) -> dict[str, int]:
    run_dir = folder / "runs/faults"
    entries = PortionLog(run_dir / "games.log").entries
    portions = [(entry.worker, entry.sequence) for entry in entries]
    assert len(set(portions)) == len(portions) == STEPS // MOVES, "a portion is missing, or counted twice"
    again: Any = make_agent(open_run(run_dir))
    again.attach(PortionLog(run_dir / "games.log"))
    again.learn(STEPS)
    for name, tensor in load_checkpoint(run_dir).weights.items():
        assert torch.equal(tensor, again.policy.state_dict()[name]), f"{name} does not follow from the log"
    games = sum(entry.games for entry in entries)
    return {"games": games, "workers": len({entry.worker for entry in entries})}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--port", type=int, default=26379)
    parser.add_argument("--only", choices=["training", "tournament"])
    arguments = parser.parse_args()
    use_threads(1)
    draw, address = random.Random(arguments.seed), f"127.0.0.1:{arguments.port}"
    nodes = [Node("--head", f"--port={arguments.port}", "--include-dashboard=false")]
    rounds: list[dict[str, Any]] = []
    try:
        time.sleep(15)
        nodes.append(Node(f"--address={address}"))
        time.sleep(10)
        with tempfile.TemporaryDirectory() as name:
            top = Path(name)
            table = None if arguments.only == "training" else undisturbed(top / "alone")
            for number in range(arguments.rounds):
                kind, folder = KINDS[number % len(KINDS)], top / str(number)
                folder.mkdir()
                row: dict[str, Any] = {"killed": kind}
                python = [sys.executable, "-u"]
                if arguments.only != "tournament":
                    (folder / "training.yaml").write_text(TRAINING)
                    train = [*python, str(ROOT / "train.py")]
                    after = disturb(
                        folder,
                        [*train, "training.yaml", "--cluster", address],
                        [*train, "--resume", "runs/faults", "--cluster", address],
                        folder / "runs/faults/games.log",
                        kind,
                        nodes,
                        draw,
                    )
                    row["training"] = {"killed_after_s": round(after, 2)} | check_training(folder)
                if table is not None:
                    (folder / "config.yaml").write_text(TOURNAMENT)
                    play = [
                        *python,
                        str(ROOT / "evaluate.py"),
                        "tournament",
                        "config.yaml",
                        "--cluster",
                        address,
                    ]
                    games = folder / "runs/tournaments/faults/games.jsonl"
                    after = disturb(folder, play, play, games, kind, nodes, draw)
                    assert results(folder) == table, "the table is another one"
                    row["tournament"] = {"killed_after_s": round(after, 2), "games": table["games"]}
                rounds.append(row)
                print(row, flush=True)
    finally:
        for node in nodes:
            node.kill()
    report = {
        **machine("ray", "torch", "numpy"),
        "rounds": len(rounds),
        "kills": dict(Counter(row["killed"] for row in rounds)),
        "all_as_promised": True,  # else it would have ended before
        "each": rounds,
    }
    write_report(RESULTS / "fleet_faults.json", report)


if __name__ == "__main__":
    main()
