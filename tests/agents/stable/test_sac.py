"""SAC: Stable-Baselines3's update on our networks, batches and loop; the snapshot; what is refused."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3 import SAC as SB3SAC

from quadrivium.agents.batches.env_batch import EnvBatch
from quadrivium.agents.compute.adam import LeanAdam
from quadrivium.agents.nets import NetConfig
from quadrivium.agents.runs.checkpoint import load_checkpoint, save_checkpoint
from quadrivium.agents.sac import HERConfig, SACConfig
from quadrivium.agents.stable.sac import SAC
from quadrivium.agents.stable.sac_policy import BackboneSACPolicy
from quadrivium.agents.stable.vec_env import BatchedVecEnv
from quadrivium.agents.training.hooks import Hooks
from quadrivium.agents.training.logger import Logger
from tests.agents.dqn.test_agent import Capture, same
from tests.agents.toys import GoalLine, LineWalk

CONFIG = SACConfig(
    learning_rate=1e-3,
    learning_rate_schedule="linear",
    buffer_size=160,  # wraps during the tests
    learning_starts=40,
    batch_size=16,
    train_freq=2,
    gradient_steps=2,
    net=NetConfig(width=16, depth=1),
)
HINDSIGHT = replace(CONFIG, her=HERConfig())


def make(config: SACConfig = CONFIG, seed: int = 0) -> SAC:
    world = LineWalk(4, continuous=True) if config.her is None else GoalLine(4)
    return SAC(config, EnvBatch(world), seed=seed, device="cpu")


class SaveAt(Hooks):
    def __init__(self, step: int, run_dir: Path) -> None:
        super().__init__()
        self.step, self.run_dir = step, run_dir

    def on_iteration_logged(self) -> bool:
        if self.agent.num_timesteps == self.step:
            save_checkpoint(self.run_dir, self.agent.snapshot())
        return True


def test_it_learns_the_numbers_that_stable_baselines3_learns_by_itself():
    net = NetConfig(width=16, depth=1, normalize_inputs=False)
    theirs = SB3SAC(
        BackboneSACPolicy,
        BatchedVecEnv(LineWalk(4, continuous=True)),
        learning_rate=lambda remaining: 1e-3 * remaining,
        buffer_size=160,
        learning_starts=40,
        batch_size=16,
        train_freq=2,
        gradient_steps=2,
        policy_kwargs={"net": net, "optimizer_class": LeanAdam},
        seed=0,
        device="cpu",
    )
    theirs.learn(320)
    ours = make(replace(CONFIG, net=net))  # after the other: both draw from the global generators
    ours.learn(320)
    assert ours.n_updates == theirs._n_updates > 0
    for name, tensor in theirs.policy.state_dict().items():
        assert torch.equal(tensor, ours.policy.state_dict()[name]), name
    assert torch.equal(theirs.log_ent_coef, ours.model.log_ent_coef)  # pyright: ignore


@pytest.mark.parametrize(
    "config",
    [CONFIG, replace(CONFIG, ent_coef=0.1, n_steps=3), replace(CONFIG, gradient_steps=-1), HINDSIGHT],
)
def test_resumed_training_equals_uninterrupted_training_bit_for_bit(config: SACConfig, tmp_path: Path):
    whole = make(config)
    whole.learn(480, hooks=SaveAt(240, tmp_path))
    resumed = make(config, seed=99)
    resumed.restore(load_checkpoint(tmp_path, 240))
    assert resumed.num_timesteps == 240
    resumed.learn(240, reset_num_timesteps=False)
    assert whole.n_updates > 50
    assert same(whole.snapshot(), resumed.snapshot())


def test_a_resumed_run_writes_the_log_lines_of_the_whole_one(tmp_path: Path):
    def captured(agent: SAC) -> Capture:
        capture = Capture()
        agent.set_logger(Logger([capture]))
        return capture

    whole, resumed = make(), make(seed=99)
    lines = captured(whole)
    whole.learn(720, hooks=SaveAt(240, tmp_path), log_interval=4)
    later = captured(resumed)
    resumed.restore(load_checkpoint(tmp_path, 240))
    resumed.learn(480, reset_num_timesteps=False, log_interval=4)
    missing = [line for line in lines.lines if line["time/total_timesteps"] > 240]
    assert 0 < len(missing) < len(lines.lines)
    for line, again in zip(missing, later.lines, strict=True):
        timeless = [{k: v for k, v in x.items() if not k.startswith("time/")} for x in (line, again)]
        assert timeless[0] == timeless[1]
        assert {"train/ent_coef", "train/critic_loss", "train/learning_rate"} <= timeless[0].keys()


def test_its_networks_hold_what_is_learned_and_nothing_but_data(tmp_path: Path):
    agent = make(HINDSIGHT)
    agent.learn(240)
    directory = save_checkpoint(tmp_path, agent.snapshot())
    assert not [path for path in directory.iterdir() if path.suffix in (".pkl", ".pickle", ".zip", ".pth")]
    other = make(HINDSIGHT, seed=5)
    other.policy.load_state_dict(load_checkpoint(tmp_path).weights)
    obs = agent.obs
    assert np.array_equal(agent.act(obs), other.act(obs))


def test_acting_fills_the_bounds_and_does_not_disturb_the_training():
    world = LineWalk(4, continuous=True)
    world.single_action_space = spaces.Box(np.float32(2), np.float32(5), (1,), np.float32)
    agent = SAC(CONFIG, world, seed=0, device="cpu")
    obs = agent.env.reset()
    before = torch.get_rng_state()
    with torch.no_grad():
        agent.policy.actor.mu.bias.fill_(100.0)
    assert agent.act(obs) == pytest.approx(5.0)
    with torch.no_grad():
        agent.policy.actor.mu.bias.fill_(-100.0)
    assert agent.act(obs) == pytest.approx(2.0)
    assert torch.equal(torch.get_rng_state(), before)


def refusal(config: SACConfig, world: Any) -> str:
    with pytest.raises(ValueError) as caught:
        SAC(config, world, seed=0, device="cpu")
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_world_that_does_not_fit_is_named_with_what_would():
    said = refusal(CONFIG, LineWalk(2))
    assert "LineWalk has actions Discrete(2)" in said
    assert "take ppo or dqn" in said
    said = refusal(HINDSIGHT, LineWalk(2, continuous=True))
    assert "LineWalk has no achieved_goal" in said
    assert "her: null" in said
    free = LineWalk(2, continuous=True)
    free.single_action_space = spaces.Box(-np.inf, np.inf, (1,), np.float32)
    assert "in bounds" in refusal(CONFIG, free)
    assert "n_steps=3" in refusal(replace(HINDSIGHT, n_steps=3), GoalLine(2))
    assert "memory" in refusal(replace(CONFIG, net=NetConfig(memory="gru")), LineWalk(2, continuous=True))
