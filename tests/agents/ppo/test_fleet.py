"""PPO's fleet: on a local Ray it learns what one process learns, whoever dies; and by its rules alone."""

import os
from functools import partial

import numpy as np
import pytest
import torch

from quadrivium.agents.batches.env_batch import EnvBatch
from quadrivium.agents.batches.finite import NotFiniteError
from quadrivium.agents.cluster.workers import WorkerLost
from quadrivium.agents.cluster.workforce import Workforce
from quadrivium.agents.compute.peers import PeerLostError
from quadrivium.agents.errors import UserError
from quadrivium.agents.ppo import PPO
from quadrivium.agents.ppo.fleet import fleet as fleet_module
from quadrivium.agents.ppo.fleet.fleet import Fleet
from quadrivium.agents.ppo.fleet.learner import FleetPPO
from quadrivium.agents.ppo.fleet.shares import cut
from quadrivium.agents.ppo.fleet.worker import RolloutWorker
from tests.agents.cluster.ray_tools import require_ray, small_cluster
from tests.agents.cluster.test_cluster import listening
from tests.agents.ppo.test_agent import agent_on, assert_same, weights
from tests.agents.ppo.test_peers import ENVS, SMALL, TOTAL, Walk, agents, at_once

require_ray()


class Fated(Walk):
    """Where a file says so, the process of the second half dies in a step, or its first lane shows a NaN."""

    def __init__(self, num_envs, folder, first):
        super().__init__(num_envs, limit=7)
        self.folder, self.first = folder, first

    def step(self, actions):
        fate, steps = self.folder / "die", self.rows["step"].max()
        if self.first and steps == 3 and fate.exists():
            fate.unlink()
            os._exit(1)
        obs, *rest = super().step(actions)
        if self.first and (self.folder / "nan").exists():
            obs[0] = np.nan
        return obs, *rest


def make(folder, peers):
    lanes = ENVS // peers.size
    first = peers.rank * lanes
    return PPO(SMALL, EnvBatch(Fated(lanes, folder, first), first), seed=1, device="cpu", peers=peers)


def fleet_on(cluster, folder, said):
    workforce = Workforce(
        cluster, lambda number: (RolloutWorker, (partial(make, folder), "cpu")), notify=said.append
    )
    return Fleet(cluster, workforce, lambda room: min(room, 2), said.append)


def go_on(agent, snapshot, iterations):
    if snapshot is not None:
        agent.restore(snapshot)
    agent.learn(iterations * TOTAL, reset_num_timesteps=snapshot is None)
    return agent


@pytest.fixture(scope="module")
def cluster():
    with small_cluster() as made:
        yield made


def test_a_run_goes_on_shared_out_and_alone_again_as_if_nothing_had_happened(cluster, tmp_path):
    whole, _ = agent_on(Walk(ENVS, limit=7))
    whole.learn(6 * TOTAL)
    before = go_on(agent_on(Walk(ENVS, limit=7))[0], None, 2).snapshot()
    undisturbed = agents(lambda lanes: Walk(lanes, limit=7), SMALL, 2)  # in threads of this process
    for agent, share in zip(undisturbed, cut(before, 2), strict=True):
        agent.restore(share)
    at_once(lambda agent: agent.learn(2 * TOTAL, reset_num_timesteps=False), undisturbed)

    (tmp_path / "die").touch()
    said: list[str] = []
    fleet = fleet_on(cluster, tmp_path, said)
    learner = FleetPPO(SMALL, Fated(ENVS, tmp_path, 0), seed=1, device="cpu")
    learner.attach(fleet)
    go_on(learner, before, 2)
    assert not (tmp_path / "die").exists()
    lost = [line for line in said if not line.startswith("waiting for workers to start")]
    assert lost == ["worker 1 was lost, and its iteration is made anew by all; 1 work on"]
    assert learner.num_timesteps == 4 * TOTAL
    assert_same(weights(learner), weights(undisturbed[0]))
    assert listening() <= {"0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000"}

    after = go_on(agent_on(Walk(ENVS, limit=7))[0], learner.snapshot(), 2)
    assert after.num_timesteps == whole.num_timesteps == 6 * TOTAL
    assert after.iterations == whole.iterations
    assert after.env.get_state().tobytes() == whole.env.get_state().tobytes()
    for name, tensor in weights(whole).items():
        torch.testing.assert_close(weights(after)[name], tensor, rtol=2e-4, atol=2e-5)
    ours, theirs = after.statistics.state(), whole.statistics.state()
    np.testing.assert_array_equal(ours["recent_lengths"], theirs["recent_lengths"])

    (tmp_path / "nan").touch()
    with pytest.raises(NotFiniteError, match=r"^environment 6 of Fated gave nan as observation in step"):
        learner.learn(TOTAL, reset_num_timesteps=False)
    fleet.stop()


# ---- the rules alone, with workers that only pretend


class Said:
    """A call whose end is known."""

    def __init__(self, end):
        self.end = end

    def result(self):
        if isinstance(self.end, Exception):
            raise self.end
        return self.end


class Stand:
    """A worker whose calls end as `ends` says, by method."""

    def __init__(self, ends):
        self.ends, self.asked, self.stopped = ends, [], False

    def call(self, method, *arguments):
        self.asked.append((method, *arguments))
        return Said(self.ends.get(method, method))

    def stop(self):
        self.stopped = True


class Stage:
    """A cluster whose workers come from a list of what their calls end as."""

    def __init__(self, cpus, fates):
        self.cpus, self.fates, self.workers = cpus, iter(fates), []

    def start(self, make, *arguments, **need):
        self.workers.append(Stand(next(self.fates)))
        return self.workers[-1]

    def wait(self, calls, seconds):
        return [call for call in calls if call.end is not None]


def staged(cpus, fates, said):
    stage = Stage(cpus, fates)
    workforce = Workforce(stage, lambda number: (object, ()), notify=said.append)
    return stage, Fleet(stage, workforce, lambda room: room, said.append)


LOST, CUT_OFF = WorkerLost("gone"), PeerLostError("connection reset")


def test_where_one_is_lost_all_begin_anew_with_as_many_as_there_is_room_for(monkeypatch):
    said = []
    stage, fleet = staged(2, [{"iterate": CUT_OFF}, {"iterate": LOST}, {}], said)
    stop = fleet.workforce.stop
    monkeypatch.setattr(fleet.workforce, "stop", lambda: (stop(), setattr(stage, "cpus", 1)))
    assert fleet.iterate(lambda: None, 100, 0.5) == ["iterate"]
    assert said == ["worker 1 was lost, and its iteration is made anew by all; 1 work on"]
    assert [worker.stopped for worker in stage.workers] == [True, True, False]
    assert stage.workers[2].asked == [("meet",), ("begin", "meet", 0, 1, None), ("iterate", 100, 0.5)]
    assert fleet.workforce.lost == 1


def test_who_cannot_reach_another_is_taken_for_lost_when_nobody_else_is(monkeypatch):
    monkeypatch.setattr(fleet_module, "_BLAME_S", 0.0)
    said = []
    _, fleet = staged(2, [{"iterate": CUT_OFF}, {"iterate": None}, {}, {}], said)
    assert fleet.iterate(lambda: None, 100, 0.5) == ["iterate", "iterate"]
    assert said == ["worker 0 was lost, and its iteration is made anew by all; 1 work on"]


def test_an_error_of_a_worker_ends_the_run_with_that_error():
    _, fleet = staged(2, [{"iterate": None}, {"iterate": NotFiniteError("a NaN")}], [])
    with pytest.raises(NotFiniteError, match=r"^a NaN$"):
        fleet.iterate(lambda: None, 100, 0.5)


def test_workers_that_die_one_after_the_other_end_the_run_in_a_line():
    _, fleet = staged(1, [{"iterate": LOST}] * 20, [])
    with pytest.raises(UserError, match=r"^10 workers were lost one after the other, and nothing was done"):
        fleet.iterate(lambda: None, 100, 0.5)


def test_without_room_people_hear_once_what_is_waited_for(monkeypatch):
    said = []
    stage, fleet = staged(1, [{}], said)
    stage.cpus = 0
    naps = iter([0, 0, 1])
    monkeypatch.setattr(fleet_module.time, "sleep", lambda seconds: setattr(stage, "cpus", next(naps)))
    assert fleet.iterate(lambda: None, 100, 0.5) == ["iterate"]
    assert said == ["the cluster has no room for a worker now; waiting for machines that come back"]
