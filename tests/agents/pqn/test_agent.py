"""PQN: its returns, its counts, exact resume."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import TypeAdapter, ValidationError

from quadrivium.agents.batches.env_batch import EnvBatch
from quadrivium.agents.nets import NetConfig
from quadrivium.agents.pqn import PQN, PQNConfig
from quadrivium.agents.runs.checkpoint import load_checkpoint, save_checkpoint
from quadrivium.agents.training.hooks import Hooks
from quadrivium.agents.training.logger import Logger
from tests.agents.dqn.test_agent import Capture, same
from tests.agents.worlds import ContextVectorEnv, SteadyVectorEnv

CONFIG = PQNConfig(
    n_steps=5,
    batch_size=20,
    n_epochs=2,
    learning_rate=1e-3,
    learning_rate_schedule="constant",
    exploration_fraction=0.8,
    net=NetConfig(width=16, depth=1, activation="relu", normalize_layers=True),
)


def make(config: PQNConfig = CONFIG, *, masked: bool = True, envs: int = 8, seed: int = 0) -> PQN:
    return PQN(config, EnvBatch(ContextVectorEnv(envs, masked=masked)), seed=seed, device="cpu")


class Watch(Hooks):
    """Keeps what the environments did in one rollout."""

    def __init__(self) -> None:
        self.obs, self.steps = [], []

    def on_step(self, step) -> bool:
        self.obs.append({k: np.array(v) for k, v in step.obs.items()})
        final = step.final_obs if step.done.any() else step.obs
        final = {k: np.array(v) for k, v in final.items()}
        arrays = (step.rewards, step.terminated, step.truncated, final)
        self.steps.append(tuple(np.array(x) if isinstance(x, np.ndarray) else x for x in arrays))
        return True


@pytest.mark.parametrize("q_lambda", [0.0, 0.7, 1.0])
def test_returns_are_q_lambda_by_a_loop_through_masks_truncations_and_ends(q_lambda: float):
    agent, watch = make(replace(CONFIG, n_steps=12, batch_size=16, q_lambda=q_lambda, gamma=0.9)), Watch()
    agent.begin(anew=True)
    assert agent.collect(watch, 1000)
    with torch.no_grad():

        def best(obs: dict, i: int) -> float:
            q = agent.policy.q_net({key: torch.as_tensor(part) for key, part in obs.items()})[i].numpy()
            return float(q[obs["action_mask"][i] == 1].max())

        ends = 0
        for i in range(8):
            after = best(watch.obs[-1], i)
            tail = after  # G of what follows the rollout
            for t in reversed(range(12)):
                rewards, terminated, truncated, final = watch.steps[t]
                if truncated[i]:
                    after = tail = best(final, i)
                elif terminated[i]:
                    after = tail = 0.0
                ends += truncated[i] or terminated[i]
                tail = rewards[i] + 0.9 * (q_lambda * tail + (1 - q_lambda) * after)
                assert agent.rollout_buffer.returns[t, i].item() == pytest.approx(tail, abs=1e-5)
                after = agent.rollout_buffer.values[t, i].item()
                if t > 0:
                    assert after == pytest.approx(best(watch.obs[t - 1], i), abs=1e-6)
        assert ends > 8
    assert agent.num_timesteps == 96


@pytest.mark.parametrize("masked", [True, False])
@pytest.mark.parametrize("dueling", [True, False])
def test_resumed_training_equals_uninterrupted_training_bit_for_bit(masked, dueling, tmp_path: Path):
    class SaveAt(Hooks):
        def on_iteration_logged(self) -> bool:
            if self.agent.num_timesteps == 320:
                save_checkpoint(tmp_path, self.agent.snapshot())
            return True

    config = replace(CONFIG, dueling=dueling)
    whole, lines = make(config, masked=masked), Capture()
    whole.set_logger(Logger([lines]))
    whole.learn(640, hooks=SaveAt(), log_interval=3)
    resumed, later = make(config, masked=masked, seed=99), Capture()
    resumed.set_logger(Logger([later]))
    resumed.restore(load_checkpoint(tmp_path, 320))
    resumed.learn(320, reset_num_timesteps=False, log_interval=3)
    assert same(whole.snapshot(), resumed.snapshot())
    missing = [line for line in lines.lines if line["time/total_timesteps"] > 320]
    assert len(missing) == len(later.lines) > 1
    for line, again in zip(missing, later.lines, strict=True):
        timeless = [{k: v for k, v in x.items() if not k.startswith("time/")} for x in (line, again)]
        assert timeless[0] == timeless[1]


def test_every_transition_is_learned_once_an_epoch_but_none_of_the_rollout_that_made_the_statistics():
    agent, capture = make(), Capture()
    agent.set_logger(Logger([capture]))
    agent.learn(40)
    assert agent.n_updates == 0
    before = [x.clone() for x in agent.policy.parameters()]
    agent.learn(40, reset_num_timesteps=False)
    assert agent.n_updates == 2 * 40 // 20
    assert any((x != y).any() for x, y in zip(before, agent.policy.parameters(), strict=True))
    normalizer = agent.policy.q_net.backbone.stem.parts["observation"].normalizer
    assert normalizer.count.item() == agent.num_timesteps == 80
    assert {"train/loss", "train/q_mean", "train/td_error", "train/gradient_norm"} <= capture.lines[-1].keys()
    assert "train/loss" not in capture.lines[0]
    without = make(replace(CONFIG, net=replace(CONFIG.net, normalize_inputs=False)))
    assert without.learn(40).n_updates == 4


def test_illegal_actions_are_never_taken_and_exploration_falls():
    agent = make(replace(CONFIG, exploration_final_eps=0.5))  # the environment raises at an illegal action
    agent.learn(800)
    assert agent.exploration_rate == 0.5
    obs = agent.env.reset()
    for deterministic in (True, False):
        actions = agent.act(obs, deterministic)
        assert (obs["action_mask"][np.arange(8), actions] == 1).all()


def test_same_seed_gives_the_same_weights_and_another_seed_does_not():
    first, second, other = make(), make(), make(seed=1)
    for agent in (first, second, other):
        agent.learn(160)
    assert same(first.snapshot(), second.snapshot())
    assert not same(first.snapshot(), other.snapshot())


def test_a_batch_that_does_not_divide_the_rollout_is_refused_with_one_that_does():
    with pytest.raises(ValueError, match=r"batch_size=30 does not divide n_steps\*num_envs=40; try 20"):
        make(replace(CONFIG, batch_size=30))


@pytest.mark.parametrize(("key", "value"), [("q_lamda", 0.9), ("q_lambda", 1.5), ("n_epochs", 0)])
def test_unknown_and_impossible_settings_are_refused(key: str, value: object):
    with pytest.raises(ValidationError):
        TypeAdapter(PQNConfig).validate_python({key: value})


@pytest.mark.parametrize("masked", [True, False])
def test_the_shown_action_is_learned(masked: bool):
    config = replace(CONFIG, n_steps=4, batch_size=32, learning_rate=1e-2, gamma=0.5)
    agent = make(config, masked=masked, envs=16).learn(4_000)
    obs, _ = ContextVectorEnv(400, masked=masked).reset(seed=1)
    shown = obs["observation"] if masked else obs
    assert (agent.act(obs) == shown.argmax(1)).mean() > 0.98


@pytest.mark.parametrize(("truncates", "value"), [(True, 2.0), (False, 4 / 3)])
def test_a_truncated_episode_is_worth_what_an_endless_one_is(truncates: bool, value: float):
    """Reward 1 a step at gamma = 0.5 is worth 2 for ever; cut off after 2 steps it is worth 1.5 or 1.

    The observation does not tell which: with λ = 0 a terminating world's value v is the fixed point of
    v = (1 + v / 2 + 1) / 2, which is 4/3.
    """
    env = EnvBatch(SteadyVectorEnv(8, limit=2, truncates=truncates))
    config = replace(CONFIG, n_steps=4, batch_size=16, learning_rate=1e-2, gamma=0.5, q_lambda=0.0)
    agent = PQN(config, env, seed=0, device="cpu").learn(4_000)
    with torch.no_grad():
        assert agent.policy.q_net(torch.zeros(1, 1)).max().item() == pytest.approx(value, abs=0.1)
