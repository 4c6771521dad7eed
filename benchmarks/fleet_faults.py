"""Kills workers, nodes and the driver at random moments, and looks at what is left.

    python benchmarks/fleet_faults.py [--rounds 2] [--seed 0] [--only training|tournament]

A cluster of three nodes runs on this machine's loopback, each with an address of its own: a head, and two
that may be killed. In each round a small training, then a small tournament, is begun on it, and five times,
once games come in and a random while is over, there is a kill -9: of a worker, of a node with all that runs
on it, of the driver, of a worker and of a node, in an order by lot. A killed node is started again, a killed
driver by the same command (`--resume`). Once the command has ended by itself:
    portions_once   the log holds each portion once, in its worker's order, and as many moves as the run has
                    steps
    weights_equal   the checkpoint's weights equal, bit for bit, those of learning from the log alone
    table_equal     the tournament's results equal those of the same one without kills on one machine
    games_once      it has each game once
    ended           the command ended with 0
Of each kill there is `next_games_after_s`, the seconds from it to the next games that come in, from whoever
is left, and `log_bytes`, how long the log was. The nodes listen on all interfaces, and ask for a token.

Writes benchmarks/results/fleet_faults.json; ends with 1 where anything was otherwise. Linux only.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from machine import RESULTS, machine, write_report

from quadrivium.agents.alphazero.fleet.portion_log import PortionLog
from quadrivium.agents.runs.checkpoint import load_checkpoint
from quadrivium.commands.build import make_agent, open_run, use_threads

ROOT = Path(__file__).resolve().parents[1]
STEPS, MOVES = 8000, 40
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
checkpoint: {{every_steps: 400}}
evaluation: {{every_steps: null, final_episodes: null}}
logging: {{progress: false}}
"""
TOURNAMENT = """
name: faults
env: quadrivium/TicTacToe-v0
threads: 1
players: [random, "baseline:tactical", "mcts:3000", "mcts:6000"]
games: 40
batch: 4
openings: {plies: 2}
"""
KINDS = ("worker", "node", "driver", "worker", "node")
DELAY_S = 2.0  # after the first games since the last kill, at most
RAY = [sys.executable, "-m", "ray.scripts.scripts", "start", "--block"]
ROOM = ["--num-cpus=1", "--object-store-memory=100000000"]


def processes() -> dict[int, tuple[int, str]]:
    """Returns parent and command line of every process."""
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
    """Ray at an address of loopback, as one of several machines; started when it is made."""

    def __init__(self, host: str, environment: dict[str, str], *arguments: str) -> None:
        self.arguments = [*RAY, *arguments, f"--node-ip-address={host}", *ROOM]
        self.environment, self.log = environment, Path(environment["RAY_TMPDIR"]) / f"{host}.log"
        self.start()

    def start(self) -> None:
        with self.log.open("wb") as log:
            streams: dict[str, Any] = {"stdout": log, "stderr": log, "stdin": subprocess.DEVNULL}
            self.process = subprocess.Popen(self.arguments, env=self.environment, **streams)

    def family(self, words: str = "") -> list[int]:
        """Returns its processes whose command lines have the words in them."""
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


@dataclass
class Machines:
    """The cluster: a head, which stays, and nodes that may be killed."""

    address: str
    environment: dict[str, str]
    nodes: list[Node]

    def await_nodes(self, seconds: float = 300.0) -> None:
        """Waits until all nodes have been started."""
        end = time.monotonic() + seconds
        while not all("Ray runtime started" in node.log.read_text() for node in self.nodes):
            ended = [node for node in self.nodes if node.process.poll() is not None]
            if ended or time.monotonic() > end:
                logs = "\n".join(node.log.read_text()[-2000:] for node in ended or self.nodes)
                raise SystemExit(f"the cluster does not start: {logs}")
            time.sleep(0.5)

    def repair(self) -> None:
        """Starts the nodes again that did not come up, and waits for all."""
        for node in self.nodes:
            if node.process.poll() is not None:
                node.start()
        self.await_nodes()

    def kill(self, kind: str, draw: random.Random, seconds: float = 30.0) -> None:
        """Kills a worker that is there, once there is one, or one of the nodes, which is started again."""
        if kind == "node":
            node = draw.choice([one for one in self.nodes[1:] if one.process.poll() is None])
            node.kill()
            node.start()
            return
        end = time.monotonic() + seconds
        while not (found := [pid for node in self.nodes for pid in node.family("ray::Host")]):
            if time.monotonic() > end:
                raise SystemExit("there is no worker to kill")
        os.kill(draw.choice(found), signal.SIGKILL)


def start_machines(folder: Path, port: int) -> Machines:
    """Starts the cluster, with a token of its own."""
    token = folder / "token"
    token.write_text(secrets.token_hex(32))
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")])),
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN_PATH": str(token),
        "RAY_TMPDIR": str(folder),
        "RAY_raylet_start_wait_time_s": "180",  # on a busy machine
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_worker_niceness": "0",  # Ray's own spelling: its workers as urgent as the rest
    }
    address = f"127.0.0.2:{port}"
    nodes = [Node("127.0.0.2", environment, "--head", f"--port={port}", "--include-dashboard=false")]
    machines = Machines(address, environment, nodes)
    try:
        machines.await_nodes()
        for host in ("127.0.0.3", "127.0.0.4"):  # one by one: they draw their ports from the same ones
            nodes.append(Node(host, environment, f"--address={address}"))
            machines.await_nodes()
    except BaseException:
        stop(machines)
        raise
    return machines


def stop(machines: Machines) -> None:
    for node in machines.nodes:
        node.kill()


def disturb(
    machines: Machines, folder: Path, commands: tuple[list[str], list[str]], log: Path, draw: random.Random
) -> dict[str, Any]:
    """Runs a command to its end through kills.

    commands: the first one, and the one after the driver's death. log: grows where games come in.
    """

    def start(command: list[str]) -> subprocess.Popen[str]:
        streams: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        return subprocess.Popen(command, cwd=folder, env=machines.environment, **streams)

    def size() -> int:
        return log.stat().st_size if log.exists() else 0

    process, kills, known = start(commands[0]), list[dict[str, Any]](), 0
    for kind in draw.sample(KINDS, len(KINDS)):
        began = time.monotonic()
        while process.poll() is None and size() <= known:
            time.sleep(0.02)
        if kills:
            kills[-1]["next_games_after_s"] = round(time.monotonic() - began, 2)
        time.sleep(draw.uniform(0, DELAY_S))
        if process.poll() is not None:
            break  # it has ended before this kill
        if kind == "driver":
            process.kill()
            process.communicate()
            process = start(commands[1])
        else:
            machines.kill(kind, draw)
        known = size()
        kills.append({"killed": kind, "log_bytes": known})
    try:
        output, _ = process.communicate(timeout=600)
    except subprocess.TimeoutExpired:
        process.kill()
        output, _ = process.communicate()
    if process.returncode:
        print(f"after {kills}: {output[-3000:]}", file=sys.stderr, flush=True)
    return {"kills": kills, "ended": process.returncode == 0}


def look_at_training(folder: Path) -> dict[str, Any]:
    run_dir = folder / "runs/faults"
    entries = PortionLog(run_dir / "games.log").entries
    expected: Counter[int] = Counter()
    in_order = True
    for entry in entries:
        in_order &= entry.sequence == expected[entry.worker]
        expected[entry.worker] += 1
    again: Any = make_agent(open_run(run_dir))
    again.attach(PortionLog(run_dir / "games.log"))
    again.learn(STEPS)
    weights, alone = load_checkpoint(run_dir).weights, again.policy.state_dict()
    return {
        "portions": len(entries),
        "games": sum(entry.games for entry in entries),
        "workers": len(expected),
        "portions_once": in_order and len(entries) == STEPS // MOVES,
        "weights_equal": set(weights) == set(alone)
        and all(torch.equal(tensor, alone[name]) for name, tensor in weights.items()),
    }


def results(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "runs/tournaments/faults/results.json").read_text())


def look_at_tournament(folder: Path, alone: Path) -> dict[str, Any]:
    lines = (folder / "runs/tournaments/faults/games.jsonl").read_text().splitlines()
    names = [tuple(json.loads(line)[key] for key in ("first", "second", "opening")) for line in lines]
    return {
        "games": len(names),
        "games_once": len(set(names)) == len(names),
        "table_equal": results(folder) == results(alone),
    }


def undisturbed(folder: Path, environment: dict[str, str]) -> None:
    folder.mkdir()
    (folder / "config.yaml").write_text(TOURNAMENT)
    command = [sys.executable, str(ROOT / "evaluate.py"), "tournament", "config.yaml"]
    subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)


def round_of(
    machines: Machines, top: Path, number: int, draw: random.Random, only: str | None
) -> dict[str, Any]:
    folder, row = top / str(number), dict[str, Any]()
    folder.mkdir()
    python, cluster = [sys.executable, "-u"], ["--cluster", machines.address]
    if only != "tournament":
        (folder / "training.yaml").write_text(TRAINING)
        train = [*python, str(ROOT / "train.py")]
        commands = [*train, "training.yaml", *cluster], [*train, "--resume", "runs/faults", *cluster]
        log = folder / "runs/faults/games.log"
        row["training"] = disturb(machines, folder, commands, log, draw)
        row["training"] |= look_at_training(folder)
    if only != "training":
        (folder / "config.yaml").write_text(TOURNAMENT)
        play = [*python, str(ROOT / "evaluate.py"), "tournament", "config.yaml", *cluster]
        log = folder / "runs/tournaments/faults/games.jsonl"
        machines.repair()
        row["tournament"] = disturb(machines, folder, (play, play), log, draw)
        row["tournament"] |= look_at_tournament(folder, top / "alone")
    return row


def write(rounds: list[dict[str, Any]]) -> dict[str, int]:
    """Writes the report; returns how often what was not as promised."""
    passed, failed = Counter[str](), Counter[str]()
    parts = [part for row in rounds for part in row.values()]
    for name, value in (item for part in parts for item in part.items()):
        if isinstance(value, bool):
            (passed if value else failed)[name] += 1
    kills = Counter(kill["killed"] for part in parts for kill in part["kills"])
    report = {
        **machine("ray", "torch", "numpy"),
        "kills": dict(kills),
        "passed_checks": dict(passed),
        "failed_checks": dict(failed),
        "rounds": rounds,
    }
    write_report(RESULTS / "fleet_faults.json", report)
    return dict(failed)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--port", type=int, default=26379)
    parser.add_argument("--only", choices=["training", "tournament"])
    arguments = parser.parse_args()
    use_threads(1)
    draw, rounds, failed = random.Random(arguments.seed), list[dict[str, Any]](), dict[str, int]()
    top = Path(tempfile.mkdtemp(prefix="ff"))  # short: Ray's sockets are files in it
    try:
        machines = start_machines(top, arguments.port)
        try:
            if arguments.only != "training":
                undisturbed(top / "alone", machines.environment)
            for number in range(arguments.rounds):
                machines.repair()
                rounds.append(round_of(machines, top, number, draw, arguments.only))
                print(rounds[-1], flush=True)
                failed = write(rounds)
        finally:
            stop(machines)
    finally:
        shutil.rmtree(top, ignore_errors=True)
    if failed:
        raise SystemExit(f"not as promised: {failed}")


if __name__ == "__main__":
    main()
