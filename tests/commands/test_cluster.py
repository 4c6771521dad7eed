"""The commands on a cluster: the same files as on one machine, whatever is killed on the way."""

import json
import os
import random
import signal
import threading
from pathlib import Path

from tests.agents.cluster.ray_tools import require_ray
from tests.commands.running import run_evaluate
from tests.commands.tournaments import read, refused, write

require_ray()

ROOT = Path(__file__).resolve().parents[2]
OPTIONS = {"games": "games: 24\nbatch: 4", "players": 'players: [random, "mcts:400", "baseline:tactical"]'}


def workers_of(process: int) -> list[int]:
    """The processes of Ray's workers below a process (Linux)."""
    parents, names = {}, {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            head, _, tail = stat.read_text().rpartition(")")
        except OSError:
            continue
        parents[int(stat.parent.name)], names[int(stat.parent.name)] = int(tail.split()[1]), head
    family = {process}
    while more := {pid for pid, parent in parents.items() if parent in family} - family:
        family |= more
    return [pid for pid in family if "ray::Host" in names[pid]]


def kill_some(deaths: int, draw: random.Random, done: threading.Event, killed: list[int]) -> None:
    """Kills workers of this process at random moments."""
    while len(killed) < deaths and not done.wait(draw.uniform(0.1, 0.6)):
        for pid in workers_of(os.getpid())[:1]:
            os.kill(pid, signal.SIGKILL)
            killed.append(pid)


def games(directory: Path) -> list[dict]:
    lines = (directory / "runs/tournaments/small/games.jsonl").read_text().splitlines()
    found = [{k: v for k, v in json.loads(line).items() if k != "seconds"} for line in lines]
    return sorted(found, key=lambda game: (game["first"], game["second"], game["opening"]))


def test_a_tournament_is_the_same_on_a_cluster_whose_workers_die_and_goes_on_on_one_machine(tmp_path, capsys):
    alone, apart = tmp_path / "alone", tmp_path / "apart"
    alone.mkdir()
    apart.mkdir()
    assert run_evaluate(alone, "tournament", write(alone, **OPTIONS)) == 0
    # Begun on one machine: what two of three meetings leave behind.
    begun = apart / "runs/tournaments/small"
    begun.mkdir(parents=True)
    for name in ("config.yaml", "games.jsonl"):
        (begun / name).write_bytes((alone / "runs/tournaments/small" / name).read_bytes())
    lines = (begun / "games.jsonl").read_text().splitlines(keepends=True)
    (begun / "games.jsonl").write_text("".join(lines[:8]))
    done, killed = threading.Event(), []
    killer = threading.Thread(target=kill_some, args=(2, random.Random(1), done, killed))
    killer.start()
    try:
        assert run_evaluate(apart, "tournament", write(apart, **OPTIONS), "--cluster") == 0
    finally:
        done.set()
        killer.join()
    streams = capsys.readouterr()
    assert killed
    assert "was lost, and its work is done anew" in streams.err
    assert games(apart) == games(alone)  # each once
    assert read(apart) == read(alone)
    assert "cluster: 1 nodes" in streams.out


def test_scenarios_are_not_spread(tmp_path, capsys):
    text = """
name: drivers
env: quadrivium/Highway-v0
players: [random, "baseline:brake"]
episodes: 2
"""
    line = refused(capsys, run_evaluate(tmp_path, "tournament", write(tmp_path, text), "--cluster"))
    assert "--cluster spreads games, but quadrivium/Highway-v0 is no board game" in line


def test_a_cluster_that_does_not_answer_is_said_in_a_line(tmp_path, capsys):
    arguments = ("tournament", write(tmp_path), "--cluster", "127.0.0.1:1")
    assert "--cluster 127.0.0.1:1 does not answer" in refused(capsys, run_evaluate(tmp_path, *arguments))
