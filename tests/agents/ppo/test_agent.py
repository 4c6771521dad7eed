import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from gymnasium import spaces

from quadrivium.agents.batches.env_batch import EnvBatch
from quadrivium.agents.nets import NetConfig
from quadrivium.agents.ppo import PPO, PPOConfig
from quadrivium.agents.training.hooks import Hooks
from quadrivium.agents.training.logger import Logger
from tests.agents.toys import LineWalk
from tests.agents.worlds import ContextVectorEnv

SMALL = PPOConfig(n_steps=8, batch_size=16, n_epochs=2, learning_rate=3e-3, net=NetConfig(width=16))


class Lines:
    """A log in memory: (step, {name: value}) a dump."""

    def __init__(self):
        self.lines = []

    def write(self, key_values, key_excluded, step=0):
        self.lines.append((step, dict(key_values)))

    def close(self):
        pass


def agent_on(env, config=SMALL, seed=1):
    agent = PPO(config, env, seed=seed, device="cpu")
    log = Lines()
    agent.set_logger(Logger([log]))
    return agent, log


def weights(agent):
    return {name: value.clone() for name, value in agent.policy.state_dict().items()}


def assert_same(first, second):
    assert first.keys() == second.keys()
    for name in first:
        assert torch.equal(first[name], second[name]), name


@pytest.mark.parametrize("trunk", ["mlp", "cnn", "transformer"])
@pytest.mark.parametrize(
    "world", [{}, {"continuous": True}, {"masked": True}], ids=["plain", "box", "masked"]
)
def test_resumed_training_equals_uninterrupted_training_bit_for_bit(trunk, world):
    config = PPOConfig(
        n_steps=8, batch_size=16, n_epochs=2, learning_rate_schedule="linear", net=NetConfig(trunk, width=16)
    )
    whole, whole_log = agent_on(LineWalk(6, limit=7, **world), config)
    whole.learn(48 * 6)

    half, _ = agent_on(LineWalk(6, limit=7, **world), config)

    class StopAtHalf(Hooks):
        snapshot = None

        def on_iteration_logged(self):
            if self.agent.num_timesteps == 48 * 3:
                self.snapshot = self.agent.snapshot()
                return False
            return True

    stop = StopAtHalf()
    half.learn(48 * 6, hooks=stop)
    assert half.num_timesteps == 48 * 3
    saved = stop.snapshot
    json.dumps(saved.rng)
    assert all(array.dtype != object for array in saved.state.values())

    torch.manual_seed(999)
    resumed, resumed_log = agent_on(LineWalk(6, limit=7, **world), config, seed=77)
    resumed.restore(saved)
    resumed.learn(48 * 6 - resumed.num_timesteps, reset_num_timesteps=False)
    assert resumed.num_timesteps == whole.num_timesteps == 48 * 6
    assert_same(weights(whole), weights(resumed))
    np.testing.assert_array_equal(whole.env.get_state(), resumed.env.get_state())
    for (step, ours), (same_step, theirs) in zip(whole_log.lines[3:], resumed_log.lines, strict=True):
        assert step == same_step
        for name in ours:
            if not name.startswith("time/"):
                assert ours[name] == theirs[name] or np.isnan(ours[name]), name


def test_same_seed_same_weights_and_another_seed_others():
    runs = []
    for seed in (1, 1, 2):
        agent, _ = agent_on(LineWalk(4), seed=seed)
        agent.learn(64)
        runs.append(weights(agent))
    assert_same(runs[0], runs[1])
    assert not torch.equal(runs[0]["policy_head.weight"], runs[2]["policy_head.weight"])


@pytest.mark.parametrize("trunk", ["mlp", "cnn", "transformer"])
def test_the_number_of_threads_changes_no_bit_of_a_run(trunk):
    runs, before = [], torch.get_num_threads()
    config = replace(SMALL, net=NetConfig(trunk, width=16), target_kl=0.05)
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            agent, log = agent_on(LineWalk(6), config)
            agent.policy.forward_rows = agent.policy.gradient_rows = 4
            agent.learn(48 * 4)
            runs.append((weights(agent), [line["train/loss"] for _, line in log.lines]))
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    for other, losses in runs[1:]:
        assert_same(runs[0][0], other)
        assert losses == runs[0][1]


def test_a_snapshot_without_matching_lanes_starts_new_episodes():
    agent, _ = agent_on(LineWalk(4))
    agent.learn(64)
    other, _ = agent_on(LineWalk(8))
    other.restore(agent.snapshot())
    assert_same(weights(agent), weights(other))
    other.learn(64, reset_num_timesteps=False)
    assert other.num_timesteps == 128


def test_minibatches_must_divide_the_rollout():
    with pytest.raises(ValueError, match=r"batch_size=100 does not divide n_steps\*num_envs=1024; try 64\."):
        PPO(PPOConfig(n_steps=128, batch_size=100), LineWalk(8), seed=0)


def test_masked_actions_are_never_taken():
    agent, _ = agent_on(LineWalk(8, masked=True))
    agent.learn(8 * 8 * 4)
    assert (agent.rollout_buffer.actions == 1).all()
    obs = agent.env.env.observe()
    assert (agent.act(obs, deterministic=False) == 1).all()
    assert all(torch.isfinite(value).all() for value in weights(agent).values())


@pytest.mark.parametrize("count", [1, 2, 300])
@pytest.mark.parametrize("continuous", [False, True])
def test_act_takes_any_number_of_observations(count, continuous):
    agent, _ = agent_on(LineWalk(4, continuous=continuous))
    obs = np.random.default_rng(0).normal(size=(count, 2)).astype(np.float32)
    actions = agent.act(obs)
    assert actions.shape == ((count, 1) if continuous else (count,))
    assert all(agent.action_space.contains(action) for action in actions)
    assert np.array_equal(actions, agent.act(obs))


def test_evaluating_between_iterations_does_not_disturb_training():
    plain, _ = agent_on(LineWalk(4))
    plain.learn(128)
    watched, _ = agent_on(LineWalk(4))

    class Evaluate(Hooks):
        def on_iteration_end(self):
            self.agent.act(np.zeros((10, 2), np.float32), deterministic=False)
            return True

    watched.learn(128, hooks=Evaluate())
    assert_same(weights(plain), weights(watched))


def test_the_log_names_what_tensorboard_should_show():
    agent, log = agent_on(LineWalk(4, limit=6))
    agent.learn(64)
    step, line = log.lines[-1]
    assert step == 64
    expected = {
        *("rollout/ep_rew_mean", "rollout/ep_len_mean", "reward/centre", "reward/effort", "metrics/steps"),
        *(
            f"train/{name}"
            for name in ("loss", "policy_gradient_loss", "value_loss", "entropy_loss", "approx_kl")
        ),
        *(
            f"train/{name}"
            for name in ("clip_fraction", "explained_variance", "gradient_norm", "learning_rate")
        ),
        *(
            f"time/{name}"
            for name in ("steps_per_second", "fraction_env", "fraction_network", "fraction_update")
        ),
    }
    assert expected <= line.keys()
    shares = [value for name, value in line.items() if name.startswith("time/fraction_")]
    assert sum(shares) == pytest.approx(1.0)


def test_reward_terms_add_up_to_the_return_and_metrics_are_of_ended_episodes():
    agent, log = agent_on(LineWalk(4, limit=3))
    agent.learn(4 * 8)
    line = log.lines[-1][1]
    assert line["reward/centre"] + line["reward/effort"] == pytest.approx(
        line["rollout/ep_rew_mean"], rel=1e-5
    )
    assert line["metrics/steps"] == line["rollout/ep_len_mean"] <= 3


def test_bf16_trains():
    config = PPOConfig(n_steps=8, batch_size=16, n_epochs=2, bf16=True, net=NetConfig(width=16))
    agent, log = agent_on(LineWalk(4), config)
    agent.learn(64)
    assert np.isfinite(log.lines[-1][1]["train/loss"])
    assert all(value.dtype != torch.bfloat16 for value in weights(agent).values())


def normalizer_of(agent):
    return agent.policy.backbone.stem.parts["observation"].normalizer


def test_the_input_normaliser_learns_every_observation_of_every_rollout():
    agent, _ = agent_on(LineWalk(4))
    agent.learn(64)
    assert normalizer_of(agent).count == 32 + 64  # a random rollout comes before


class Far(LineWalk):
    """LineWalk in other units: observations near 5000, which differ by some hundreds."""

    def observe(self):
        return super().observe() * 300 + 5000


class AtEachRollout(Hooks):
    """Keeps what `look` returns of the agent at the start and at the end of each rollout."""

    def __init__(self, look):
        self.look, self.starts, self.ends = look, [], []

    def on_rollout_start(self):
        self.starts.append(self.look(self.agent))

    def on_rollout_end(self):
        self.ends.append(self.look(self.agent))


def test_the_first_rollout_is_acted_on_standardised_inputs_which_the_first_update_hardly_moves():
    def inputs(agent):
        (part,) = agent.policy.backbone.stem(agent.rollout_buffer.flat().obs)
        return part.values.clone()

    agent, _ = agent_on(Far(64))
    watch = AtEachRollout(inputs)
    agent.learn(64 * 8, hooks=watch)
    (first,) = watch.ends
    assert first.mean(0).abs().max() < 0.3
    assert ((first.std(0) > 0.7) & (first.std(0) < 1.4)).all()
    assert (inputs(agent) - first).abs().max() < 0.3


def test_the_random_rollout_is_not_counted_and_its_episodes_are_not_logged():
    agent, log = agent_on(LineWalk(4, limit=3))
    watch = AtEachRollout(lambda agent: (agent.num_timesteps, agent.env.get_state()["step"].tolist()))
    agent.learn(32, hooks=watch)
    assert watch.starts == [(0, [0, 0, 0, 0])]
    assert agent.num_timesteps == 32
    assert log.lines[-1][1]["rollout/ep_len_mean"] <= 3
    assert len(agent.statistics.recent_lengths) == agent.rollout_buffer.dones.sum()


@pytest.mark.parametrize("normalize", [False, True])
def test_the_first_rollout_begins_in_environments_as_after_their_reset_by_the_seed(normalize):
    agent, _ = agent_on(LineWalk(4), replace(SMALL, net=NetConfig(normalize_inputs=normalize)), seed=7)
    watch = AtEachRollout(lambda agent: agent.env.get_state())
    agent.learn(32, hooks=watch)
    fresh = LineWalk(4)
    fresh.reset(seed=7)
    np.testing.assert_array_equal(watch.starts[0], fresh.get_state())


class Forgetful(LineWalk):
    """LineWalk that begins anywhere when it is reset without a seed."""

    def reset(self, *, seed=None, options=None):
        return super().reset(seed=np.random.SeedSequence().entropy % 1000 if seed is None else seed)


def test_an_environment_that_forgets_its_seed_at_a_reset_is_trained_the_same_each_time():
    runs = []
    for _ in range(2):
        agent, _ = agent_on(Forgetful(4))
        agent.learn(64)
        runs.append(weights(agent))
    assert_same(*runs)


def test_random_actions_for_the_statistics_are_legal():
    agent, _ = agent_on(ContextVectorEnv(4))  # it raises at an illegal action
    agent.learn(64)


def test_statistics_are_warmed_once():
    agent, _ = agent_on(LineWalk(4))
    agent.learn(32)
    resumed, _ = agent_on(LineWalk(4))
    resumed.restore(agent.snapshot())
    resumed.learn(32, reset_num_timesteps=False)
    agent.learn(32)
    assert normalizer_of(resumed).count == normalizer_of(agent).count == 3 * 32


def test_linear_schedules_fall_to_zero():
    config = PPOConfig(
        n_steps=8,
        batch_size=32,
        learning_rate=0.4,
        learning_rate_schedule="linear",
        clip_range_schedule="linear",
    )
    agent, log = agent_on(LineWalk(4), config)
    agent.learn(32 * 4)
    assert [line["train/learning_rate"] for _, line in log.lines] == pytest.approx([0.3, 0.2, 0.1, 0.0])
    assert [line["train/clip_range"] for _, line in log.lines] == pytest.approx([0.15, 0.1, 0.05, 0.0])


def test_a_vector_environment_of_gymnasium_is_wrapped():
    agent, _ = agent_on(LineWalk(4))
    assert isinstance(agent.env, EnvBatch)
    assert isinstance(agent.action_space, spaces.Discrete)


@pytest.mark.parametrize("save_at", [1, 2, 3, 4])
def test_a_resumed_run_writes_the_log_lines_of_the_whole_one_wherever_it_was_saved(save_at):
    """Lines every third iteration; episodes end in the iterations between, which a save may follow."""

    class Save(Hooks):
        snapshot = None

        def on_iteration_logged(self):
            if self.agent.num_timesteps == 48 * save_at:
                taken = self.agent.snapshot()
                self.snapshot = replace(taken, weights={k: v.clone() for k, v in taken.weights.items()})
            return True

    save = Save()
    whole, whole_log = agent_on(LineWalk(6, limit=7))
    whole.learn(48 * 9, hooks=save, log_interval=3)
    resumed, resumed_log = agent_on(LineWalk(6, limit=7), seed=5)
    resumed.restore(save.snapshot)
    resumed.learn(48 * (9 - save_at), log_interval=3, reset_num_timesteps=False)
    missing = [(step, line) for step, line in whole_log.lines if step > 48 * save_at]
    assert [step for step, _ in missing] == [48 * 3, 48 * 6, 48 * 9][-len(missing) :]
    for (step, line), (same_step, again) in zip(missing, resumed_log.lines, strict=True):
        assert step == same_step
        assert timeless(line) == timeless(again)


def timeless(line):
    return {name: value for name, value in line.items() if not name.startswith("time/")}


def test_a_log_line_is_about_all_episodes_since_the_last_one():
    """Lanes end every third step: in 24 steps 8 episodes of 3 a lane, whichever iteration they end in."""
    agent, log = agent_on(LineWalk(4, limit=3))
    ended = []

    class Count(Hooks):
        def on_step(self, step):
            ended.extend(step.metrics["steps"][step.done])
            return True

    agent.learn(4 * 8 * 3, hooks=Count(), log_interval=3)
    ((_, line),) = log.lines
    assert line["metrics/steps"] == pytest.approx(np.mean(ended), rel=1e-6)
