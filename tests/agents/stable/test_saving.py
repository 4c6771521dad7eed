"""`save` and `load` without pickles, and files of Stable-Baselines3 only for who trusts them."""

import io
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3 import DQN as StockDQN
from stable_baselines3 import PPO as StockPPO
from stable_baselines3.common.utils import LinearSchedule
from torch import nn

from quadrivium.agents.batches.space_data import space_from_data, space_to_data
from quadrivium.agents.nets import NetConfig
from quadrivium.agents.runs.checkpoint_files import CheckpointError
from quadrivium.agents.runs.state import optimizer_to_tensors
from quadrivium.agents.stable import DQN, PPO, BatchedVecEnv
from quadrivium.agents.stable.policies import StableActorCritic
from tests.agents.toys import LineWalk

NET = NetConfig(width=8, depth=1)


def ppo(env=None, seed=3):
    return PPO(
        "ActorCritic",
        env or LineWalk(4, continuous=True),
        n_steps=8,
        batch_size=16,
        learning_rate=LinearSchedule(3e-4, 0.0, 1.0),
        clip_range_vf=0.3,
        policy_kwargs={"log_std_init": -0.5, "net": NET},
        seed=seed,
        device="cpu",
    )


def dqn(env=None, seed=3):
    return DQN(
        "BackboneQPolicy",
        env or LineWalk(4, masked=True),
        buffer_size=64,
        learning_starts=8,
        optimize_memory_usage=True,
        n_steps=2,
        exploration_fraction=0.5,
        policy_kwargs={"net": NET},
        seed=seed,
        device="cpu",
    )


def plain_ppo():
    layers = {"net_arch": {"pi": [8], "vf": [8, 4]}, "activation_fn": nn.ReLU}
    rate = LinearSchedule(1e-3, 1e-4, 0.5)
    env = LineWalk(4)
    return PPO("MlpPolicy", env, learning_rate=rate, n_steps=8, batch_size=8, policy_kwargs=layers, seed=0)


def plain_dqn():
    return DQN("MlpPolicy", LineWalk(4), policy_kwargs={"net_arch": [8]}, buffer_size=64, seed=0)


def observations(agent, count=50):
    agent.observation_space.seed(0)
    rows = [agent.observation_space.sample() for _ in range(count)]
    if isinstance(agent.observation_space, spaces.Dict):
        return {key: np.stack([row[key] for row in rows]) for key in rows[0]}
    return np.stack(rows)


@pytest.mark.parametrize("make", [ppo, dqn, plain_ppo, plain_dqn])
@pytest.mark.parametrize("with_env", [False, True])
def test_a_loaded_agent_acts_as_the_saved_one_and_goes_on_learning(make, with_env, tmp_path):
    agent = make()
    agent.learn(64)
    agent.save(tmp_path / "agent")
    env = agent.env if with_env else None
    loaded = type(agent).load(tmp_path / "agent", env, "cpu")
    obs = observations(agent)
    np.testing.assert_array_equal(agent.act(obs), loaded.act(obs))
    assert (loaded.num_timesteps, loaded._n_updates) == (64, agent._n_updates)
    assert loaded.lr_schedule(0.25) == agent.lr_schedule(0.25)
    for name, value in agent.settings().items():
        if name not in ("learning_rate", "clip_range", "clip_range_vf"):
            assert loaded.settings()[name] == value, name
    if with_env:
        before = {name: value.clone() for name, value in loaded.policy.state_dict().items()}
        loaded.learn(64, reset_num_timesteps=False)
        assert loaded.num_timesteps == 128
        assert any(not torch.equal(value, before[name]) for name, value in loaded.policy.state_dict().items())


def test_the_optimizer_is_saved_too(tmp_path):
    agent = ppo()
    agent.learn(64)
    agent.save(tmp_path / "agent")
    loaded = PPO.load(tmp_path / "agent", agent.env, "cpu")
    ours, theirs = (optimizer_to_tensors(each.policy.optimizer) for each in (agent, loaded))
    assert ours.keys() == theirs.keys()
    assert {"0.exp_avg", "0.step"} <= ours.keys()
    assert all(torch.equal(value, theirs[name]) for name, value in ours.items())


def test_settings_may_differ_in_the_loaded_agent(tmp_path):
    ppo().save(tmp_path / "agent")
    assert PPO.load(tmp_path / "agent", device="cpu", gamma=0.5).gamma == 0.5


def test_a_file_in_memory_is_as_good_as_one_on_the_disk():
    agent, file = dqn(), io.BytesIO()
    agent.save(file)
    obs = observations(agent)
    np.testing.assert_array_equal(agent.act(obs), DQN.load(file, device="cpu").act(obs))


def test_a_saved_agent_holds_no_pickle(tmp_path):
    ppo().save(tmp_path / "agent.zip")
    with zipfile.ZipFile(tmp_path / "agent.zip") as archive:
        names = set(archive.namelist())
        assert names == {
            *("manifest.json", "weights.safetensors", "optimizer.safetensors", "state.npz", "rng.json")
        }
        assert not any(archive.read(name).startswith(b"\x80") for name in names)  # how every pickle begins


class Bomb:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self):
        return (Path.touch, (self.trace,))


@pytest.mark.parametrize(("ours", "stock"), [(PPO, StockPPO), (DQN, StockDQN)])
def test_a_file_of_stable_baselines3_is_loaded_only_by_who_trusts_it(ours, stock, tmp_path):
    settings = {"n_steps": 8, "batch_size": 16} if stock is StockPPO else {"buffer_size": 64}
    foreign = stock("MlpPolicy", BatchedVecEnv(LineWalk(4)), seed=0, device="cpu", **settings)
    foreign.bomb = Bomb(tmp_path / "exploded")
    foreign.save(tmp_path / "foreign")
    with pytest.raises(CheckpointError, match="trust_pickle=True if you know where it comes from") as refusal:
        ours.load(tmp_path / "foreign")
    assert "\n" not in str(refusal.value)
    assert not (tmp_path / "exploded").exists()
    loaded = ours.load(tmp_path / "foreign", device="cpu", trust_pickle=True)
    assert (tmp_path / "exploded").exists()
    obs = observations(foreign)
    np.testing.assert_array_equal(loaded.act(obs), foreign.predict(obs, deterministic=True)[0])


def test_a_policy_and_a_replay_memory_that_were_pickled_need_trust_too(tmp_path):
    (tmp_path / "pickled").write_bytes(pickle.dumps(Bomb(tmp_path / "exploded")))
    with pytest.raises(CheckpointError, match="trust_pickle"):
        StableActorCritic.load(tmp_path / "pickled")
    with pytest.raises(CheckpointError, match="trust_pickle"):
        dqn().load_replay_buffer(tmp_path / "pickled")
    assert not (tmp_path / "exploded").exists()


def test_a_replay_memory_is_saved_as_arrays(tmp_path):
    agent, other = dqn(), dqn(seed=9)
    agent.learn(48)
    agent.save_replay_buffer(tmp_path / "replay")
    other.load_replay_buffer(tmp_path / "replay")
    assert len(other.replay_buffer) == 48
    numbers = np.arange(44)  # the newest row counts as cut now: its episodes were elsewhere
    ours, theirs = agent.replay_buffer.gather(numbers), other.replay_buffer.gather(numbers)
    assert torch.equal(ours.rewards, theirs.rewards)
    assert torch.equal(ours.obs["observation"], theirs.obs["observation"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda files: files | {"evil.pkl": b"x"}, "which is none of a checkpoint's files"),
        (lambda files: files | {"../evil": b"x"}, "which is none of a checkpoint's files"),
        (lambda files: {name: data for name, data in files.items() if name != "rng.json"}, "is missing"),
        (lambda files: files | {"rng.json": b"{ }"}, "has 3 bytes"),
        (lambda files: files | {"rng.json": b"[]"}, "sha256"),
    ],
)
def test_a_damaged_or_strange_file_is_refused_in_one_line(change, message, tmp_path):
    path = tmp_path / "agent.zip"
    ppo().save(path)
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    assert files["rng.json"] == b"{}"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in change(files).items():
            archive.writestr(name, data)
    with pytest.raises(CheckpointError, match=message) as refusal:
        PPO.load(path)
    assert "\n" not in str(refusal.value)
    assert not (tmp_path.parent / "evil").exists()


def test_other_algorithms_other_spaces_and_missing_files_are_refused(tmp_path):
    ppo().save(tmp_path / "agent")
    with pytest.raises(CheckpointError, match=r"holds a PPO; load it by PPO\.load"):
        DQN.load(tmp_path / "agent")
    with pytest.raises(CheckpointError, match=r"knows actions Box.* but env has Discrete"):
        PPO.load(tmp_path / "agent", LineWalk(4))
    with pytest.raises(CheckpointError, match="is no file"):
        PPO.load(tmp_path / "agnet")


def test_what_only_pickle_could_save_is_refused_when_saving(tmp_path):
    agent = PPO("MlpPolicy", LineWalk(4), n_steps=8, batch_size=8, learning_rate=lambda progress: 1e-3)
    with pytest.raises(ValueError, match=r"learning_rate=.* could only be pickled"):
        agent.save(tmp_path / "agent")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "space",
    [
        spaces.Box(-1, 1, (3,), np.float32),
        spaces.Box(np.array([0.1, -np.inf]), np.array([0.3, np.inf]), (2,), np.float64),
        spaces.Box(0, 255, (2, 3, 4), np.uint8),
        spaces.Box(-1, 1, (), np.float32),
        spaces.Discrete(5, start=-2),
        spaces.MultiDiscrete([3, 4]),
        spaces.MultiBinary(6),
        spaces.MultiBinary((2, 3)),
        spaces.Dict([("z", spaces.Discrete(2)), ("a", spaces.Dict({"b": spaces.Box(0, 1, (1,))}))]),
    ],
)
def test_spaces_become_data_and_equal_spaces_again(space):
    again = space_from_data(space_to_data(space))
    assert again == space
    if isinstance(space, spaces.Dict):
        assert list(again.spaces) == list(space.spaces)


def test_a_space_that_is_no_data_is_refused():
    with pytest.raises(ValueError, match="expected Box, Discrete"):
        space_to_data(spaces.Text(3))
