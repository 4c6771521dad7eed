"""The commands on a cluster: the same files as on one machine, whatever is killed on the way."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import torch

from quadrivium.agents.alphazero.fleet.learner import FleetAlphaZero
from quadrivium.agents.alphazero.fleet.portion_log import PortionLog
from quadrivium.agents.runs.checkpoint import load_checkpoint
from quadrivium.commands.build import make_agent, open_run
from tests.agents.cluster.ray_tools import require_ray
from tests.commands.running import run_evaluate, run_train
from tests.commands.sweep.test_sweep import BASE, SPACE
from tests.commands.tournaments import read, refused, write
from tests.configs.test_sweep import write_sweep

require_ray()

ROOT = Path(__file__).resolve().parents[2]
OPTIONS = {
    "env": "env: quadrivium/TicTacToe-v0",
    "games": "games: 24\nbatch: 4",
    "players": 'players: [random, "mcts:100", "baseline:tactical"]',
}


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


@contextmanager
def workers_dying(deaths: int, *, seed: int) -> Generator[list[int], None, None]:
    """Lets workers of this process be killed meanwhile; gives their numbers, which grow."""
    done, killed = threading.Event(), []
    killer = threading.Thread(target=kill_some, args=(deaths, random.Random(seed), done, killed))
    killer.start()
    try:
        yield killed
    finally:
        done.set()
        killer.join()


def games(directory: Path) -> list[dict]:
    lines = (directory / "runs/tournaments/small/games.jsonl").read_text().splitlines()
    found = [{k: v for k, v in json.loads(line).items() if k != "seconds"} for line in lines]
    return sorted(found, key=lambda game: (game["first"], game["second"], game["opening"]))


def test_a_tournament_goes_on_on_a_cluster_whose_workers_die_and_back_on_one_machine(tmp_path, capsys):
    alone, apart, back = (tmp_path / name for name in ("alone", "apart", "back"))
    for directory in (alone, apart, back):
        directory.mkdir()
    assert run_evaluate(alone, "tournament", write(alone, **OPTIONS)) == 0
    # Begun on one machine: what two of three meetings leave behind.
    begun = apart / "runs/tournaments/small"
    begun.mkdir(parents=True)
    for name in ("config.yaml", "games.jsonl"):
        (begun / name).write_bytes((alone / "runs/tournaments/small" / name).read_bytes())
    lines = (begun / "games.jsonl").read_text().splitlines(keepends=True)
    (begun / "games.jsonl").write_text("".join(lines[:8]))
    with workers_dying(2, seed=1) as killed:
        assert run_evaluate(apart, "tournament", write(apart, **OPTIONS), "--cluster") == 0
    streams = capsys.readouterr()
    assert killed
    assert "was lost, and its work is done anew" in streams.err
    assert games(apart) == games(alone)  # each once
    assert read(apart) == read(alone)
    assert "cluster: 1 nodes" in streams.out
    # And the other way round: what the cluster played last, a batch and a half, is what is there.
    shutil.copytree(begun, back / "runs/tournaments/small", ignore=shutil.ignore_patterns("results.json"))
    lines = (begun / "games.jsonl").read_text().splitlines(keepends=True)
    (back / "runs/tournaments/small/games.jsonl").write_text("".join(lines[-6:]))
    assert run_evaluate(back, "tournament", write(back, **OPTIONS)) == 0
    assert "going on after 6 games" in capsys.readouterr().out
    assert games(back) == games(alone)
    assert read(back) == read(alone)


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


TRAINING = """
name: small
seed: 1
total_timesteps: 1200
device: cpu
threads: 1
cluster: true
env: {id: quadrivium/TicTacToe-v0, num_envs: 8}
agent: {algorithm: alphazero, n_steps: 5, simulations: 4, first_simulations: 2, batch_size: 16,
        learning_starts: 16, window_min: 100, random_plies: 2, ladder_games: 0, exam_simulations: 0,
        net: {trunk: cnn, width: 8, depth: 1, normalize_inputs: false}}
checkpoint: {every_steps: 200}
evaluation: {every_steps: null, final_episodes: null}
logging: {progress: false}
"""


def write_training(directory: Path, text: str = TRAINING) -> Path:
    path = directory / "training.yaml"
    path.write_text(text)
    return path


def wait_for(condition, process: subprocess.Popen, seconds: float = 600.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)


def length_of(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def test_a_training_whose_workers_and_driver_are_killed_ends_as_its_log_alone_ends(tmp_path, capsys):
    config, run_dir = write_training(tmp_path), tmp_path / "runs/small"
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "train.py"), str(config)],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    log = run_dir / "games.log"
    wait_for(lambda: length_of(log) > 0, process)
    os.kill(workers_of(process.pid)[0], signal.SIGKILL)
    wait_for(lambda: (run_dir / "checkpoints").exists(), process)
    process.kill()
    process.communicate()

    assert run_train(tmp_path, "--resume", "runs/small", "--workers", "1") == 0
    assert "room for 1 workers" in capsys.readouterr().out
    entries = PortionLog(log).entries
    assert len(entries) == 1200 // 40
    assert len({(entry.worker, entry.sequence) for entry in entries}) == len(entries)
    assert len({entry.worker for entry in entries}) >= 2
    again = make_agent(open_run(run_dir))
    assert isinstance(again, FleetAlphaZero)
    again.attach(PortionLog(log))
    again.learn(1200)
    for name, tensor in load_checkpoint(run_dir).weights.items():
        assert torch.equal(tensor, again.policy.state_dict()[name]), name

    assert run_train(tmp_path, "--resume", "runs/small", "--cluster", "false") == 2
    assert "runs/small learns from games that a cluster plays; go on with one" in capsys.readouterr().err


def test_what_a_cluster_is_not_for_is_refused_in_a_line_and_leaves_no_directory(tmp_path, capsys):
    ppo = "configs/driving/highway_ppo.yaml"
    for arguments, said in (
        (
            (ROOT / "configs/cartpole/dqn.yaml", "--cluster"),
            "--cluster: dqn trains on one machine, alphazero and ppo alone have fleets",
        ),
        (
            (ROOT / ppo, "--seeds", "0-1", "--cluster", "--processes", "2"),
            "--processes 2 are of one machine; with --cluster give --workers",
        ),
        ((ROOT / ppo, "--workers", "2"), "--workers 2 are of --cluster, which is not given"),
        ((write_training(tmp_path), "--cluster", "here"), "--cluster here: expected HOST:PORT, such as"),
        ((write_training(tmp_path), "--cluster", "127.0.0.1:1"), "--cluster 127.0.0.1:1 does not answer"),
    ):
        assert run_train(tmp_path, *arguments) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert said in line
    assert not (tmp_path / "runs").exists()


SEEDS = """
name: many
seed: 0
total_timesteps: 256
device: cpu
threads: 1
env: {id: quadrivium/OptimalStopping-v0, num_envs: 8}
agent: {algorithm: ppo, n_steps: 8, batch_size: 64, n_epochs: 1, net: {width: 8, depth: 1}}
checkpoint: {every_steps: 64}
evaluation: {every_steps: null, final_episodes: null}
logging: {progress: false}
"""


def test_seeds_on_a_cluster_are_the_runs_that_they_are_alone(tmp_path, capsys):
    config = write_training(tmp_path, SEEDS)
    assert run_train(tmp_path, config, "--name", "alone", "--seed", "4") == 0
    with workers_dying(1, seed=2) as killed:
        assert run_train(tmp_path, config, "--seeds", "3-4", "--cluster") == 0
    said = capsys.readouterr().out
    assert killed
    assert "goes on elsewhere" in said
    assert "seed 4 | runs/many_seed4: PPO on" in said
    alone, apart = (load_checkpoint(tmp_path / "runs" / name) for name in ("alone", "many_seed4"))
    assert alone.step == apart.step == 256
    assert alone.weights_sha256 == apart.weights_sha256
    assert load_checkpoint(tmp_path / "runs/many_seed3").step == 256
    assert run_train(tmp_path, config, "--seeds", "3-4") == 0  # on one machine nothing is left to do
    assert "runs/many_seed3 is complete" in capsys.readouterr().out


def test_a_sweep_on_a_cluster_whose_workers_die_completes_as_many_trials_as_it_is_to(tmp_path, capsys):
    path = write_sweep(tmp_path, SPACE, BASE, pruner="none", trials=2)
    with workers_dying(1, seed=3) as killed:
        assert run_train(tmp_path, "sweep", path, "--cluster", "--workers", "2") == 0
    said = capsys.readouterr().out
    assert killed
    assert "cluster: 1 nodes, room for " in said
    assert "goes on elsewhere" in said
    told = json.loads((tmp_path / "runs/sweeps/s/results.json").read_text())["trials"]
    states = [trial["state"] for trial in told]
    assert states.count("complete") == 2
    assert set(states) <= {"complete", "interrupted"}  # what the dead one tried was tried anew
    for trial in told:
        if trial["state"] == "complete":
            assert load_checkpoint(tmp_path / f"runs/sweeps/s/trials/{trial['number']}/seed0").step == 128


def evaluation(directory: Path, name: str) -> dict[str, bytes]:
    """What `evaluate.py run` has written for a run, by file name."""
    return {path.name: path.read_bytes() for path in (directory / "runs" / name / "evaluation").glob("*.*")}


def test_evaluations_on_a_cluster_whose_workers_die_write_the_same_files_as_one_machine(tmp_path, capsys):
    config = write_training(tmp_path, SEEDS)
    for seed in ("1", "2"):
        assert run_train(tmp_path, config, "--name", f"seed{seed}", "--seed", seed) == 0
    runs = ("runs/seed1", "runs/seed2")
    blocks = ("--episodes", "700")  # two blocks, of which the second one is not counted whole
    capsys.readouterr()
    assert run_evaluate(tmp_path, "run", *runs, *blocks) == 0
    alone_said = capsys.readouterr().out
    alone = [evaluation(tmp_path, name) for name in ("seed1", "seed2")]
    for run in runs:
        shutil.rmtree(tmp_path / run / "evaluation")
    with workers_dying(2, seed=3) as killed:
        assert run_evaluate(tmp_path, "run", *runs, *blocks, "--cluster") == 0
    streams = capsys.readouterr()
    assert killed
    assert "was lost, and its work is done anew" in streams.err
    first, rest = streams.out.split("\n", 1)
    assert first.startswith("cluster: 1 nodes, ")
    assert rest == alone_said
    assert {"results.json", "episodes.csv", "measures.png"} <= set(alone[0])
    assert [evaluation(tmp_path, name) for name in ("seed1", "seed2")] == alone
    assert alone[0]["episodes.csv"] != alone[1]["episodes.csv"]


def test_a_comparison_on_a_cluster_has_the_numbers_of_one_machine_searching_players_too(tmp_path, capsys):
    text = TRAINING.replace("cluster: true", "").replace("1200", "80")
    config = write_training(
        tmp_path, text.replace("simulations: 4,", "simulations: 4, evaluation_simulations: 4,")
    )
    assert run_train(tmp_path, config) == 0
    players = ("run:runs/small", "baseline:tactical", "random")
    env = ("--env", "quadrivium/TicTacToe-v0", "--episodes", "600")
    written = []
    for name, cluster in (("alone", ()), ("apart", ("--cluster",))):
        output = tmp_path / name
        assert run_evaluate(tmp_path, "compare", *players, *env, "--output", output, *cluster) == 0
        written.append({path.name: path.read_bytes() for path in output.iterdir()})
    assert written[0] == written[1]
    assert b"checkpoint 80, weights sha256" in written[0]["results.json"]
