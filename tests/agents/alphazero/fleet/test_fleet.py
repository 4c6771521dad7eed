"""The fleet's promises: each game counted once, staleness bounded, weights that follow from the log alone."""

import random

import numpy as np
import pytest
import torch

from quadrivium.agents.alphazero.fleet.fleet import STALENESS, Fleet
from quadrivium.agents.alphazero.fleet.portion_log import PortionLog
from quadrivium.agents.cluster.workforce import Workforce
from quadrivium.agents.errors import UserError
from quadrivium.agents.runs.checkpoint import load_checkpoint, save_checkpoint
from quadrivium.agents.training.hooks import Hooks
from tests.agents.alphazero.fleet.pretended import GAMES_AT_ONCE, PretendedCluster, make_fleet, make_learner

MOVES = 5 * GAMES_AT_ONCE  # of a portion


class Numbered:
    """Hands in its number and how often it was asked."""

    def __init__(self, number):
        self.number, self.asked = number, 0

    def play(self, weights, simulations):
        self.asked += 1
        return f"{self.number} {self.asked - 1} {weights['version']}".encode()


class StopAfter(Hooks):
    def __init__(self, iterations):
        self.left = iterations

    def on_iteration_logged(self):
        self.left -= 1
        return self.left > 0


@pytest.mark.parametrize("death", [0.0, 0.1])
@pytest.mark.parametrize("seed", range(6))
def test_portions_come_once_in_their_workers_order_and_never_staler_than_is_promised(seed, death):
    cluster = PretendedCluster(seed, cpus=1 + seed, death=death)
    workforce = Workforce(cluster, lambda number: (Numbered, (number,)))
    fleet, seen, most = Fleet(cluster, workforce), [], 0
    draw = random.Random(seed)
    for version in range(300):
        if draw.random() < 0.05:
            cluster.cpus = draw.randint(1, 6)  # machines come; who is there stays until it dies
        handed = fleet.next(version, lambda version=version: {"version": version}, 4)
        most = max(most, len(workforce.workers))
        assert handed.data == f"{handed.worker} {handed.sequence} {handed.version}".encode()
        assert 0 <= version - handed.version < STALENESS * max(most, 1)
        seen.append((handed.worker, handed.sequence))
    assert len(set(seen)) == len(seen)
    for worker in {worker for worker, _ in seen}:
        assert [s for w, s in seen if w == worker] == list(range(sum(w == worker for w, _ in seen)))
    assert (workforce.lost > 0) == (death > 0)


def test_a_worker_that_is_slow_is_waited_for_and_not_left_behind():
    cluster = PretendedCluster(0, cpus=4)
    fleet = Fleet(cluster, Workforce(cluster, lambda number: (Numbered, (number,))))
    fleet.next(0, lambda: {"version": 0}, 4)
    for worker, speed in zip(cluster.workers, (0.01, 1.0, 1.0, 1.0), strict=True):
        worker.speed = speed
    came = [fleet.next(version, lambda: {"version": 0}, 4).worker for version in range(1, 60)]
    assert 0 in came


def train(path, cluster, portions, log_name="games.log"):
    agent, log = make_learner(), PortionLog(path / log_name)
    agent.attach(log, make_fleet(cluster, log))
    agent.budget.minutes = 0.1  # a clock that the learning rate goes by, and that nobody can turn back
    agent.learn(portions * MOVES)
    return agent, log


def weights_equal(one, other):
    ours, theirs = one.snapshot(), other.snapshot()
    for key, tensor in ours.weights.items():
        assert torch.equal(tensor, theirs.weights[key]), key
    for key, tensor in ours.optimizer.items():
        assert torch.equal(tensor, theirs.optimizer[key]), key
    assert ours.state.keys() == theirs.state.keys()
    for key, array in ours.state.items():
        np.testing.assert_array_equal(array, theirs.state[key], err_msg=key)
    assert ours.rng["named"] == theirs.rng["named"]


def test_the_log_alone_makes_the_weights_whatever_the_workers_did(tmp_path):
    agent, log = train(tmp_path, PretendedCluster(3, death=0.1), 14)
    assert agent.portions == len(log) == 14
    assert agent._learner.updates > 20
    assert agent._practices[0].replay.total > 200
    again = make_learner()
    again.attach(PortionLog(tmp_path / "games.log"))
    again.learn(14 * MOVES)
    weights_equal(agent, again)
    other, _ = train(tmp_path, PretendedCluster(4), 14, "other.log")
    assert any(
        not torch.equal(tensor, other.policy.state_dict()[key])
        for key, tensor in agent.policy.state_dict().items()
    )


def test_killed_after_its_checkpoint_it_learns_from_what_came_in_since_and_goes_on(tmp_path):
    whole, log = make_learner(), PortionLog(tmp_path / "games.log")
    whole.attach(log, make_fleet(PretendedCluster(5, death=0.05), log))
    whole.learn(12 * MOVES, StopAfter(5))
    save_checkpoint(tmp_path, whole.snapshot())
    whole.learn(7 * MOVES, StopAfter(4), reset_num_timesteps=False)  # and here the process dies
    resumed = make_learner()
    resumed.restore(load_checkpoint(tmp_path))
    assert (resumed.portions, resumed.num_timesteps) == (5, 5 * MOVES)
    log = PortionLog(tmp_path / "games.log")
    assert len(log) == 9
    resumed.attach(log, make_fleet(PretendedCluster(6), log))
    resumed.learn(7 * MOVES, reset_num_timesteps=False)
    assert resumed.portions == len(log) == 12
    assert log.entries[9].worker > max(entry.worker for entry in log.entries[:9])
    again = make_learner()
    again.attach(PortionLog(tmp_path / "games.log"))
    again.learn(12 * MOVES)
    weights_equal(resumed, again)


def test_a_log_shorter_than_the_checkpoint_is_refused_in_a_line(tmp_path):
    agent, _ = train(tmp_path, PretendedCluster(7), 3)
    (tmp_path / "games.log").write_bytes(b"")
    with pytest.raises(UserError, match=r"holds 0 portions of games, but the checkpoint was learned from 3"):
        agent.attach(PortionLog(tmp_path / "games.log"))


def test_workers_that_die_one_after_the_other_end_the_run_in_a_line():
    cluster = PretendedCluster(8, death=1.0)
    fleet = Fleet(cluster, Workforce(cluster, lambda number: (Numbered, (number,))))
    with pytest.raises(UserError, match=r"10 workers were lost one after the other, and nothing was done"):
        fleet.next(0, lambda: {"version": 0}, 4)


def test_a_cluster_without_room_for_a_worker_is_refused_in_a_line():
    with pytest.raises(UserError, match=r"has 3 CPUs, a worker takes 4, .*; give threads: 3 or fewer, or"):
        Workforce(PretendedCluster(0), lambda number: (Numbered, (number,)), cpus=4)
