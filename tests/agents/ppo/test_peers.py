"""PPO in several processes is PPO in one: here the processes are threads, which meet at a barrier."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch

from quadrivium.agents.batches.env_batch import EnvBatch
from quadrivium.agents.compute.peers import ALONE, Peers
from quadrivium.agents.nets import NetConfig
from quadrivium.agents.ppo import PPO, PPOConfig
from quadrivium.agents.ppo.fleet.shares import cut, joined
from quadrivium.agents.training.hooks import Hooks
from tests.agents.leavers import LeavingVectorEnv
from tests.agents.toys import LineWalk

ENVS, TOTAL, END = 12, 12 * 8, 10_000
SMALL = PPOConfig(n_steps=8, batch_size=16, n_epochs=2, learning_rate=3e-3, net=NetConfig(width=16))


class Threads(Peers):
    """One of several threads that exchange tensors through a list."""

    def __init__(self, rank, size, barrier, board):
        self.rank, self.size, self._barrier, self._board = rank, size, barrier, board

    def _all(self, value):
        self._board[self.rank] = value
        self._barrier.wait(60)
        found = list(self._board)
        self._barrier.wait(60)
        return found

    def add_up(self, tensors):
        found = self._all([tensor.clone() for tensor in tensors])
        for tensor, column in zip(tensors, zip(*found, strict=True), strict=True):
            tensor.copy_(torch.stack(column).sum(0))

    def join(self, rows, axis=0):
        return torch.cat([part.clone() for part in self._all(rows)], axis)


def company(size):
    barrier, board = threading.Barrier(size), [None] * size
    return [Threads(rank, size, barrier, board) for rank in range(size)]


def at_once(work, members):
    with ThreadPoolExecutor(len(members)) as pool:
        return [one.result() for one in [pool.submit(work, member) for member in members]]


class Walk(LineWalk):
    """Whose lanes are told apart by their seeds, which LineWalk's are not."""

    def reset(self, *, seed=None, options=None):
        if seed is not None:
            self.rows["random"] = seed + np.arange(self.num_envs) + 1
        return super().reset(options=options)


def agents(kind, config, size):
    agents_of_a_lane = 3 if kind is LeavingVectorEnv else 1
    made = []
    for peers in company(size) if size > 1 else [ALONE]:
        env = kind(ENVS // size)
        first = peers.rank * ENVS // size // agents_of_a_lane
        made.append(PPO(config, EnvBatch(env, first), seed=1, device="cpu", peers=peers))
    return made


def iterate(agent):
    agent.begin(anew=agent.obs is None)
    for _ in range(3):
        agent.collect(Hooks(), END)
        agent.update(END)


WORLDS = {
    "discrete": lambda n: Walk(n, limit=7),
    "box": lambda n: Walk(n, limit=7, continuous=True),
    "masked": lambda n: Walk(n, limit=7, masked=True),
}
CASES = [
    ("discrete", SMALL, 2),
    ("discrete", SMALL, 3),
    ("box", replace(SMALL, normalize_returns=True, ent_coef=0.01, clip_range_vf=0.2), 2),
    ("masked", replace(SMALL, net=NetConfig("transformer", width=16)), 2),
    # So few rows that of some minibatches a process has none, and a bound that ends every update early.
    ("discrete", replace(SMALL, batch_size=2, n_epochs=1), 6),
    ("discrete", replace(SMALL, learning_rate=0.05, target_kl=0.01, n_epochs=10), 2),
    ("leaving", replace(SMALL, batch_size=16), 2),
]


@pytest.mark.parametrize(("world", "config", "size"), CASES)
def test_several_learn_what_one_learns_up_to_the_order_of_sums(world, config, size):
    kind = LeavingVectorEnv if world == "leaving" else WORLDS[world]
    (alone,) = agents(kind, config, 1)
    together = agents(kind, config, size)
    iterate(alone)
    at_once(iterate, together)
    episodes = joined([agent.world_state() for agent in together])
    for agent in together:
        assert agent.num_timesteps == alone.num_timesteps
        assert agent.n_updates == alone.n_updates
        assert torch.equal(agent.generator.get_state(), alone.generator.get_state())
        for name, tensor in alone.policy.state_dict().items():
            torch.testing.assert_close(agent.policy.state_dict()[name], tensor, rtol=2e-4, atol=2e-5)
            assert torch.equal(agent.policy.state_dict()[name], together[0].policy.state_dict()[name])
        for name, value in alone.update_summary().items():
            assert agent.update_summary()[name] == pytest.approx(value, rel=2e-3, abs=2e-5), name
    own = alone.world_state()
    if world == "box":  # actions are numbers, whose last bits differ
        for field in ("x", "step", "random"):
            np.testing.assert_allclose(episodes["env_rows"][field], own["env_rows"][field], atol=1e-5)
    else:  # the same scenarios and actions, so the same worlds to the last bit
        assert episodes["env_rows"].tobytes() == own["env_rows"].tobytes()
    np.testing.assert_array_equal(episodes["episodes/lengths"], own["episodes/lengths"])
    merged = agents(kind, config, 1)[0].statistics
    merged.take_over([agent.statistics.hand_over() for agent in together])
    assert merged.summary() == pytest.approx(alone.statistics.summary())
    np.testing.assert_array_equal(merged.recent_lengths, alone.statistics.recent_lengths)


def test_an_early_end_by_kl_is_common_to_all():
    config = replace(SMALL, learning_rate=0.05, target_kl=0.01, n_epochs=10)
    together = agents(WORLDS["discrete"], config, 2)
    at_once(iterate, together)
    assert together[0].n_updates < 30


def test_shares_of_a_snapshot_go_on_as_the_whole_does():
    (alone,) = agents(WORLDS["discrete"], SMALL, 1)
    iterate(alone)
    start = alone.snapshot()
    shares = cut(start, 2)
    whole = joined([share.state for share in shares])
    assert set(whole) >= {"env_rows", "last_obs/", "episodes/returns", "episodes/lengths"}
    for name, array in whole.items():
        assert array.tobytes() == start.state[name].tobytes(), name

    together = agents(WORLDS["discrete"], SMALL, 2)
    for agent, share in zip(together, shares, strict=True):
        agent.restore(share)
    iterate(alone)
    at_once(iterate, together)
    for name, tensor in alone.policy.state_dict().items():
        torch.testing.assert_close(together[1].policy.state_dict()[name], tensor, rtol=2e-4, atol=2e-5)
    assert together[0].num_timesteps == alone.num_timesteps == 6 * TOTAL


def test_a_term_that_one_worker_has_not_met_counts_0_there():
    row = {"episodes/returns": np.zeros(2), "episodes/lengths": np.zeros(2, np.int64)}
    none = row | {"episodes/term_names": np.array([], np.str_), "episodes/terms": np.zeros((0, 2))}
    some = row | {"episodes/term_names": np.array(["toll"]), "episodes/terms": np.array([[3.0, 4.0]])}
    assert joined([none, some])["episodes/terms"].tolist() == [[0.0, 0.0, 3.0, 4.0]]


def test_minibatches_are_those_of_all_processes_together():
    config = replace(SMALL, n_steps=24, batch_size=100)
    with pytest.raises(ValueError, match=r"batch_size=100 does not divide n_steps\*num_envs=288; try 96"):
        agents(WORLDS["discrete"], config, 2)
