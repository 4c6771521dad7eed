"""PPO's commands on a cluster: a run begun there goes on in one process, with the same files."""

import json
from pathlib import Path

import pytest
import torch

from quadrivium.agents.cluster.connection import Cluster
from quadrivium.agents.errors import UserError
from quadrivium.agents.runs.checkpoint import load_checkpoint
from quadrivium.commands.build import make_agent
from quadrivium.commands.shared_environments import largest_share_count, sharing
from quadrivium.configs.schema import load_config
from tests.agents.cluster.ray_tools import require_ray
from tests.commands.running import run_train
from tests.commands.test_cluster import write_training

require_ray()

TRAINING = """
name: small
seed: 3
total_timesteps: 512
device: cpu
threads: 1
env: {id: quadrivium/OptimalStopping-v0, num_envs: 8}
agent: {algorithm: ppo, n_steps: 8, batch_size: 32, n_epochs: 2, target_kl: 0.5, net: {width: 8, depth: 1}}
checkpoint: {every_steps: 128}
evaluation: {every_steps: null, final_episodes: null}
logging: {progress: false}
"""


def lines(run_dir: Path) -> list[dict]:
    return [json.loads(line) for line in (run_dir / "metrics.jsonl").read_text().splitlines()]


def test_a_run_begun_on_a_cluster_goes_on_in_one_process_with_the_same_files(tmp_path, capsys):
    config = write_training(tmp_path, TRAINING)
    assert run_train(tmp_path, config, "--name", "alone") == 0
    assert (
        run_train(
            tmp_path, config, "--name", "shared", "--total-timesteps", "256", "--cluster", "--workers", "2"
        )
        == 0
    )
    assert "cluster: 1 nodes, 2 workers with 4 environments each" in capsys.readouterr().out
    go_on = ("--resume", "runs/shared", "--cluster", "false")
    assert run_train(tmp_path, *go_on, "--total-timesteps", "512") == 0

    alone, shared = tmp_path / "runs/alone", tmp_path / "runs/shared"
    kinds = [{path.name.partition(".tfevents")[0] for path in one.iterdir()} for one in (alone, shared)]
    assert kinds[0] == kinds[1]
    ours, theirs = load_checkpoint(alone), load_checkpoint(shared)
    assert ours.step == theirs.step == 512
    assert ours.state.keys() == theirs.state.keys()
    assert ours.state["env_rows"].tobytes() == theirs.state["env_rows"].tobytes()
    for name, tensor in ours.weights.items():
        torch.testing.assert_close(theirs.weights[name], tensor, rtol=1e-4, atol=1e-5)
    told = lines(shared)
    assert [line["step"] for line in told] == [line["step"] for line in lines(alone)]
    for line, expected in zip(told, lines(alone), strict=True):
        for name in expected:
            if not name.startswith("time") and name != "train/approx_kl":
                assert line[name] == pytest.approx(expected[name], rel=1e-3, abs=1e-4), name
    assert (told[0]["fleet/workers"], told[0]["fleet/workers_lost"]) == (2, 0)
    assert "fleet/workers" not in told[-1]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--workers", "9"], "--workers 9 are more than the 8 environments that they share; give 8 or fewer"),
        (
            ["--workers", "3"],
            "--workers 3 cannot share 8 environments evenly; give 2 or 4, or in a new run --env.num-envs 9",
        ),
        (["--device", "cuda:1"], "--device cuda:1: on a cluster each worker takes one CUDA device, or none"),
        (
            ["--env.id", "quadrivium/Intersection-v0", "--env.kwargs.drivers", "4", "--workers", "4"],
            "--workers 4 are more than the 2 worlds, whose agents stay together, that they share; give 2 or",
        ),
    ],
)
def test_workers_that_cannot_share_the_environments_are_refused_in_a_line(tmp_path, capsys, given, said):
    assert run_train(tmp_path, write_training(tmp_path, TRAINING), "--cluster", *given) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line
    assert not (tmp_path / "runs").exists()


def test_a_cluster_with_too_little_room_is_refused_in_a_line(tmp_path, monkeypatch):
    config = load_config(write_training(tmp_path, TRAINING), {"cluster": "true", "workers": "4"})
    cluster = Cluster(True)
    monkeypatch.setattr(Cluster, "cpus", property(lambda self: 2.0))
    monkeypatch.setattr(Cluster, "nodes", property(lambda self: 1))
    with (
        pytest.raises(
            UserError,
            match=r"^--workers 4: the cluster has room for 2 \(2 CPUs, of which each takes one CPU\); give "
            r"--workers 2 or a larger cluster$",
        ),
        sharing(make_agent(config), config, cluster, print),
    ):
        pass


def test_as_many_workers_are_taken_as_share_the_environments_evenly():
    assert [largest_share_count(12, room) for room in (0, 1, 5, 6, 11, 40)] == [0, 1, 4, 6, 6, 12]
