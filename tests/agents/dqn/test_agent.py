"""The agent around the update: acting, collecting, logging, saving, resuming."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import TypeAdapter, ValidationError

from quadrivium.agents.batches.env_batch import BatchStep, EnvBatch
from quadrivium.agents.dqn import DQN, DQNConfig
from quadrivium.agents.dqn.policy import greedy
from quadrivium.agents.nets import NetConfig
from quadrivium.agents.runs.checkpoint import Snapshot, load_checkpoint, save_checkpoint
from quadrivium.agents.training.hooks import Hooks
from quadrivium.agents.training.logger import Logger
from tests.agents.worlds import ContextVectorEnv

CONFIG = DQNConfig(
    learning_rate=1e-3,
    learning_rate_schedule="linear",
    buffer_size=160,  # wraps during the tests
    learning_starts=40,
    batch_size=16,
    train_freq=4,
    gradient_steps=3,
    target_update_interval=24,
    exploration_fraction=0.8,
    net=NetConfig(width=16, depth=1),
)


def make(config: DQNConfig = CONFIG, *, masked: bool = True, envs: int = 8, seed: int = 0) -> DQN:
    return DQN(config, EnvBatch(ContextVectorEnv(envs, masked=masked)), seed=seed, device="cpu")


class Capture:
    def __init__(self) -> None:
        self.lines: list[dict] = []

    def write(self, key_values: dict, key_excluded: dict, step: int = 0) -> None:
        self.lines.append(dict(key_values))

    def close(self) -> None:
        pass


class SaveAt(Hooks):
    def __init__(self, step: int, run_dir: Path) -> None:
        super().__init__()
        self.step, self.run_dir = step, run_dir

    def on_iteration_logged(self) -> bool:
        if self.agent.num_timesteps == self.step:
            save_checkpoint(self.run_dir, self.agent.snapshot())
        return True


def same(a: Snapshot, b: Snapshot) -> bool:
    assert a.weights.keys() == b.weights.keys()
    assert a.optimizer.keys() == b.optimizer.keys()
    assert a.state.keys() == b.state.keys()
    return (
        all(torch.equal(x, b.weights[name]) for name, x in a.weights.items())
        and all(torch.equal(x, b.optimizer[name]) for name, x in a.optimizer.items())
        and all(x.tobytes() == b.state[name].tobytes() for name, x in a.state.items())
        and a.rng["named"] == b.rng["named"]
        and a.step == b.step
    )


@pytest.mark.parametrize(
    "config",
    [
        CONFIG,
        replace(CONFIG, optimize_memory=True, n_steps=3),
        replace(CONFIG, double=False, dueling=True, tau=0.5),
        replace(CONFIG, priority_exponent=0.6, optimize_memory=True),
        replace(CONFIG, quantiles=5, double=False),
        replace(CONFIG, priority_exponent=0.6, quantiles=5, n_steps=3, dueling=True),
    ],
)
@pytest.mark.parametrize("masked", [True, False])
def test_resumed_training_equals_uninterrupted_training_bit_for_bit(
    config: DQNConfig, masked: bool, tmp_path: Path
):
    whole = make(config, masked=masked)
    whole.learn(640, hooks=SaveAt(320, tmp_path))
    resumed = make(config, masked=masked, seed=99)
    resumed.restore(load_checkpoint(tmp_path, 320))
    assert resumed.num_timesteps == 320
    resumed.learn(320, reset_num_timesteps=False)
    assert same(whole.snapshot(), resumed.snapshot())


@pytest.mark.parametrize("save_at", [32, 64, 96, 160, 320, 352])
def test_a_resumed_run_writes_the_log_lines_of_the_whole_one_wherever_it_was_saved(
    save_at: int, tmp_path: Path
):
    """A line follows 32 episodes: some saves fall on one, most between two, one before the first update."""

    def captured(agent: DQN) -> Capture:
        capture = Capture()
        agent.set_logger(Logger([capture]))
        return capture

    whole, resumed = make(), make(seed=99)
    lines = captured(whole)
    whole.learn(640, hooks=SaveAt(save_at, tmp_path), log_interval=32)
    later = captured(resumed)
    resumed.restore(load_checkpoint(tmp_path, save_at))
    resumed.learn(640 - save_at, reset_num_timesteps=False, log_interval=32)
    missing = [line for line in lines.lines if line["time/total_timesteps"] > save_at]
    assert 1 < len(missing) <= len(lines.lines)
    for line, again in zip(missing, later.lines, strict=True):
        assert line["time/total_timesteps"] == again["time/total_timesteps"]
        timeless = [{k: v for k, v in x.items() if not k.startswith("time/")} for x in (line, again)]
        assert timeless[0] == timeless[1]


def test_priorities_are_the_errors_of_the_newest_update_and_their_weights_rise_to_1():
    agent = make(replace(CONFIG, priority_exponent=1.0, importance_exponent=0.5, buffer_size=800))
    agent.learn(160)
    replay, asked = agent.replay_buffer, []
    weights = replay.weights

    def ask(numbers: np.ndarray, exponent: float) -> torch.Tensor:
        asked.append((numbers.copy(), exponent))
        return weights(numbers, exponent)

    replay.weights = ask
    agent.train(3, remaining=0.8)
    agent.train(3, remaining=0.0)
    assert [exponent for _, exponent in asked] == [pytest.approx(0.6), 1.0]
    numbers = asked[-1][0].reshape(-1)
    priorities = replay._tree.numbers[replay._at(numbers)]
    with torch.no_grad():
        batch = replay.gather(numbers)
        q = agent.policy.q_net(batch.obs).gather(1, batch.actions[:, None])[:, 0]
        chosen = greedy(agent.policy.q_net(batch.next_obs), batch.next_obs)
        after = agent.policy.q_net_target(batch.next_obs).gather(1, chosen[:, None])[:, 0]
        errors = (q - batch.rewards - batch.discounts * after).abs().numpy()
    np.testing.assert_allclose(priorities, errors, atol=0.02)  # three small steps of the optimizer moved them
    assert np.ptp(errors) > 0.2


def test_same_seed_gives_the_same_weights_and_another_seed_does_not():
    first, second, other = make(), make(), make(seed=1)
    for agent in (first, second, other):
        agent.learn(160)
    assert same(first.snapshot(), second.snapshot())
    assert not same(first.snapshot(), other.snapshot())


def test_illegal_actions_are_never_taken():
    agent = make(replace(CONFIG, exploration_final_eps=0.5))  # the environment raises at an illegal action
    agent.learn(800)
    obs = agent.env.reset()
    for deterministic in (True, False):
        actions = agent.act(obs, deterministic)
        assert (obs["action_mask"][np.arange(8), actions] == 1).all()


def test_exploration_is_decided_for_each_environment_and_uniform_over_the_legal_actions():
    agent = make(envs=4000)
    agent.exploration_rate = 0.5
    mask = np.tile(np.array([1, 0, 1, 1], np.int8), (4000, 1))
    obs = {"observation": np.zeros((4000, 4), np.float32), "action_mask": mask}
    greedy = agent.act(obs)
    assert len(set(greedy.tolist())) == 1
    counts = np.bincount(agent.act(obs, deterministic=False), minlength=4) / 4000
    assert counts[1] == 0
    assert counts[greedy[0]] == pytest.approx(0.5 + 0.5 / 3, abs=0.04)


def test_both_networks_see_inputs_by_the_same_statistics_of_all_collected_observations():
    agent = make(masked=False)
    agent.learn(320)
    online, target = (
        net.backbone.stem.parts["observation"].normalizer
        for net in (agent.policy.q_net, agent.policy.q_net_target)
    )
    assert online is target
    assert online.count.item() == 320
    assert online.mean.sum().item() == pytest.approx(1.0, abs=1e-5)  # of one-hot vectors


def test_the_log_has_every_promised_name():
    agent, capture = make(), Capture()
    agent.set_logger(Logger([capture]))
    agent.learn(800)
    promised = {
        "rollout/ep_rew_mean",
        "rollout/ep_len_mean",
        "rollout/exploration_rate",
        "reward/hit",
        "metrics/steps",
        "train/loss",
        "train/q_mean",
        "train/target_q_mean",
        "train/td_error",
        "train/gradient_norm",
        "train/learning_rate",
        "train/replay_size",
        "train/n_updates",
        "time/steps_per_second",
        "time/fraction_env",
        "time/fraction_network",
        "time/fraction_update",
    }
    last = capture.lines[-1]
    assert promised <= last.keys()
    assert last["metrics/steps"] == 1.0
    assert last["rollout/ep_len_mean"] <= 5
    assert 0 <= last["reward/hit"] <= 5
    assert last["train/replay_size"] == 160


def test_what_a_hook_records_is_logged_in_the_same_iteration():
    class Evaluate(Hooks):
        def on_iteration_end(self) -> bool:
            if self.agent.num_timesteps == 96:
                self.agent.logger.record("evaluation/return", 1.5)
            return True

    agent, capture = make(), Capture()
    agent.set_logger(Logger([capture]))
    agent.learn(320, hooks=Evaluate(), log_interval=None)
    assert [line["time/total_timesteps"] for line in capture.lines] == [96]
    assert capture.lines[0]["evaluation/return"] == 1.5


@pytest.mark.parametrize("hook", ["on_iteration_end", "on_iteration_logged"])
def test_a_hook_between_iterations_can_stop_the_training(hook: str):
    hooks = Hooks()
    setattr(hooks, hook, lambda: hooks.agent.num_timesteps < 96)
    agent = make()
    agent.learn(320, hooks=hooks)
    assert agent.num_timesteps == 96


def test_a_hook_after_a_step_stops_the_training_and_the_step_is_not_lost():
    class Stop(Hooks):
        def on_step(self, step: BatchStep) -> bool:
            assert step.rewards.shape == step.done.shape == (8,)
            return self.agent.num_timesteps < 24

    agent = make()
    agent.learn(320, hooks=Stop())
    assert agent.num_timesteps == len(agent.replay_buffer) == 24


def test_learning_goes_on_where_it_stopped_or_starts_anew():
    agent = make(replace(CONFIG, optimize_memory=True))
    agent.learn(64)
    agent.learn(64, reset_num_timesteps=False)
    assert agent.num_timesteps == 128
    agent.learn(64)
    assert agent.num_timesteps == 64
    assert agent.replay_buffer.truncated[:, :].any()  # the reset cut the running episodes


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("gama", 0.9),
        ("gamma", 1.5),
        ("batch_size", 0),
        ("gradient_steps", -2),
        ("tau", 0.0),
        ("quantiles", 1),
        ("priority_exponent", 1.5),
        ("net", {"widht": 3}),
    ],
)
def test_unknown_and_impossible_settings_are_refused(key: str, value: object):
    with pytest.raises(ValidationError):
        TypeAdapter(DQNConfig).validate_python({key: value})


def test_a_memory_beyond_the_machine_is_refused_in_one_line():
    with pytest.raises(
        ValueError, match=r"buffer_size=\d+ needs .* GB on cpu but only .* use buffer_size <="
    ):
        make(replace(CONFIG, buffer_size=10**12))
