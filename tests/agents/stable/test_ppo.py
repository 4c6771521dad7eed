"""PPO with Stable-Baselines3's arguments, callbacks, environments and logger."""

import numpy as np
import pytest
import stable_baselines3
import torch
from stable_baselines3.common.callbacks import BaseCallback, CallbackList
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.logger import KVWriter, Logger

from quadrivium.agents.nets import NetConfig
from quadrivium.agents.ppo import PPO as Core
from quadrivium.agents.ppo import PPOConfig
from quadrivium.agents.stable import PPO, BatchedVecEnv, IterationCallback
from tests.agents.toys import LineWalk, sync_cartpole

SETTINGS = {"n_steps": 8, "batch_size": 16, "n_epochs": 2, "learning_rate": 3e-3}
NET = NetConfig(width=16)


class Lines(KVWriter):
    """A log in memory: (step, {name: value}) a dump."""

    def __init__(self):
        self.lines = []

    def write(self, key_values, key_excluded, step=0):
        self.lines.append((step, dict(key_values)))

    def close(self):
        pass


def agent_on(env, seed=1, **settings):
    chosen = {**SETTINGS, **settings}
    agent = PPO("ActorCritic", env, policy_kwargs={"net": NET}, seed=seed, device="cpu", **chosen)
    log = Lines()
    agent.set_logger(Logger(None, [log]))
    return agent, log


def weights(agent):
    return {name: value.clone() for name, value in agent.policy.state_dict().items()}


def assert_same(first, second):
    assert first.keys() == second.keys()
    for name in first:
        assert torch.equal(first[name], second[name]), name


def test_it_is_stable_baselines3s_ppo_and_trains_what_the_core_trains():
    face, _ = agent_on(LineWalk(4))
    assert isinstance(face, stable_baselines3.PPO)
    core = Core(PPOConfig(**SETTINGS, net=NET), LineWalk(4), seed=1, device="cpu")
    face.learn(96)
    core.learn(96)
    assert_same(weights(face), weights(core))
    face.learn(64, reset_num_timesteps=False)
    core.learn(64, reset_num_timesteps=False)
    assert face.num_timesteps == core.num_timesteps == 160
    assert_same(weights(face), weights(core))


def test_a_run_of_the_core_goes_on_under_the_face():
    core = Core(PPOConfig(**SETTINGS, net=NET), LineWalk(4), seed=1, device="cpu")
    core.learn(96)
    face, _ = agent_on(LineWalk(4), seed=7)
    face.restore(core.snapshot())
    core.learn(64, reset_num_timesteps=False)
    face.learn(64, reset_num_timesteps=False)
    assert_same(weights(face), weights(core))


def test_what_a_user_sets_between_two_calls_of_learn_holds():
    plain, changed = agent_on(LineWalk(4))[0], agent_on(LineWalk(4))[0]
    for agent in (plain, changed):
        agent.learn(32)
    changed.ent_coef, changed.n_epochs = 0.5, 1
    before = changed._n_updates
    for agent in (plain, changed):
        agent.learn(32, reset_num_timesteps=False)
    assert changed._n_updates == before + 1
    assert not torch.equal(weights(plain)["policy_head.weight"], weights(changed)["policy_head.weight"])


@pytest.mark.parametrize("continuous", [False, True])
def test_predict_takes_one_observation_or_a_batch(continuous):
    agent, _ = agent_on(LineWalk(4, continuous=continuous))
    obs = np.random.default_rng(0).normal(size=(300, 2)).astype(np.float32)
    actions, state = agent.predict(obs, state=None, episode_start=np.zeros(300, bool), deterministic=True)
    assert state is None
    assert np.array_equal(actions, agent.act(obs))
    np.testing.assert_allclose(agent.predict(obs[5], deterministic=True)[0], actions[5], atol=1e-6)


def test_a_vector_environment_of_gymnasium_is_wrapped():
    assert isinstance(agent_on(LineWalk(4))[0].env, BatchedVecEnv)


def test_state_dependent_exploration_is_left_to_sb3s_policy():
    with pytest.raises(ValueError, match="use policy='MlpPolicy' for gSDE"):
        PPO("ActorCritic", LineWalk(2, continuous=True), use_sde=True)
    agent = PPO("MlpPolicy", LineWalk(2, continuous=True), use_sde=True, n_steps=16, batch_size=16)
    agent.learn(64)


def test_callbacks_see_steps_infos_and_iterations_in_order():
    events = []

    class Watch(IterationCallback):
        def _on_step(self):
            assert len(self.locals["infos"]) == 4
            for lane, done in enumerate(self.locals["dones"]):
                assert ("terminal_observation" in self.locals["infos"][lane]) == done
            events.append("step")
            return True

        def _on_rollout_end(self):
            events.append("rollout")

        def on_iteration_end(self):
            assert self.model._n_updates > 0
            self.logger.record("eval/mine", 5.0)
            events.append("updated")
            return True

        def on_iteration_logged(self):
            events.append("logged")
            return True

    agent, log = agent_on(LineWalk(4, limit=3))
    agent.learn(64, callback=CallbackList([Watch()]))
    assert events == (["step"] * 8 + ["rollout", "updated", "logged"]) * 2
    assert [line["eval/mine"] for _, line in log.lines] == [5.0, 5.0]


def test_a_callback_can_stop_training_in_a_rollout_or_between_iterations():
    class Stop(BaseCallback):
        def _on_step(self):
            return self.n_calls < 3

    agent, _ = agent_on(LineWalk(4))
    agent.learn(640, callback=Stop())
    assert agent.num_timesteps == 12

    class StopLater(IterationCallback):
        def on_iteration_end(self):
            return False

    agent, log = agent_on(LineWalk(4))
    agent.learn(640, callback=StopLater())
    assert agent.num_timesteps == 32
    assert len(log.lines) == 1  # the iteration that stopped it is logged


def test_a_foreign_vec_env_trains_and_reports_its_monitors_returns():
    agent, log = agent_on(make_vec_env("CartPole-v1", 4, seed=0))
    agent.learn(4 * 8 * 12)
    line = log.lines[-1][1]
    assert line["rollout/ep_rew_mean"] == line["rollout/ep_len_mean"] > 8


def test_foreign_and_batched_environments_train_the_same_weights():
    runs = []
    for env in (make_vec_env("CartPole-v1", 4), sync_cartpole(4)):
        agent, _ = agent_on(env)
        agent.learn(4 * 8 * 20)
        runs.append(weights(agent))
    assert_same(*runs)


def test_the_progress_bar_runs(capsys):
    agent, _ = agent_on(LineWalk(4))
    agent.learn(64, progress_bar=True)
    assert "64" in "".join(capsys.readouterr())


def test_a_memory_is_refused_in_a_line():
    with pytest.raises(
        ValueError, match=r"^net\.memory=gru and algorithm: .*'s PPO do not go together: [^\n]*$"
    ):
        PPO("ActorCritic", LineWalk(4), policy_kwargs={"net": NetConfig(memory="gru")}, device="cpu")
