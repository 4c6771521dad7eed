"""A policy with memory: what is learned from is what was acted on, to the last step of every episode."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from quadrivium.agents.alphazero.config import AlphaZeroConfig
from quadrivium.agents.compute.crew import Crew
from quadrivium.agents.dqn import DQNConfig
from quadrivium.agents.errors import UserError
from quadrivium.agents.nets import NetConfig, Past
from quadrivium.agents.ppo import PPO, PPOConfig
from quadrivium.agents.ppo.gradients import DividedGradient, Outputs
from quadrivium.agents.ppo.loss import LossSettings, ppo_loss, ppo_slopes
from quadrivium.agents.pqn import PQNConfig
from quadrivium.agents.training.hooks import Hooks
from tests.agents.leavers import AGENTS, LeavingVectorEnv
from tests.agents.toys import LineWalk
from tests.agents.worlds import SteadyVectorEnv

KINDS = ("gru", "lstm", "gtrxl")
ENVS, STEPS = 6, 16
NET = NetConfig(width=16, depth=1, memory_width=8, memory_length=4, heads=2)
CONFIG = PPOConfig(n_steps=STEPS, batch_size=2 * STEPS, n_epochs=2, learning_rate=3e-3, net=NET)
every_kind = pytest.mark.parametrize("kind", KINDS)
either_critic = pytest.mark.parametrize("separate", [False, True], ids=["shared", "separate"])


def with_memory(kind, separate=False, **changes):
    return replace(CONFIG, net=replace(NET, memory=kind), separate_critic=separate, **changes)


def agent_on(env, kind="gru", separate=False, seed=1, **changes):
    agent = PPO(with_memory(kind, separate, **changes), env, seed=seed, device="cpu")
    with torch.no_grad():  # heads that begin near zero would hide what memories say
        agent.policy.policy_head.weight.mul_(30)
    return agent


def weights(agent):
    return {name: value.clone() for name, value in agent.policy.state_dict().items()}


def assert_same(first, second):
    assert first.keys() == second.keys()
    for name in first:
        assert torch.equal(first[name], second[name]), name


class Told(Hooks):
    """Keeps each step as the environments gave it."""

    def __init__(self):
        self.steps = []

    def on_step(self, step):
        rows = {
            name: np.array(getattr(step, name)) for name in ("rewards", "terminated", "truncated", "done")
        }
        final = step.final_obs
        rows["final_obs"] = (
            {k: v.copy() for k, v in final.items()} if isinstance(final, dict) else final.copy()
        )
        self.steps.append(rows)
        return True


def collected(env, kind, separate, rollouts=2):
    """Returns an agent after its rollouts, without updates between them, and what each of the last one's
    steps was.
    """
    agent = agent_on(env, kind, separate)
    agent.begin(anew=True)
    for _ in range(rollouts):
        told = Told()
        agent.collect(told, 10_000)
    return agent, told.steps


def row(obs, *place):
    picked = {k: v[place] for k, v in obs.items()} if isinstance(obs, dict) else obs[place]
    tensors = {k: torch.as_tensor(v)[None] for k, v in picked.items()} if isinstance(picked, dict) else None
    return torch.as_tensor(picked)[None] if tensors is None else tensors


WORLDS = {
    "plain": lambda: LineWalk(ENVS, limit=7),
    "box": lambda: LineWalk(ENVS, limit=7, continuous=True),
    "masked": lambda: LineWalk(ENVS, limit=5, masked=True),
    "leaving": lambda: LeavingVectorEnv(2 * AGENTS),
}
CASES = [
    *(("gru", False, "plain"), ("gru", True, "box"), ("gru", False, "masked"), ("gru", True, "leaving")),
    *(("lstm", True, "plain"), ("lstm", False, "leaving")),
    *(("gtrxl", False, "plain"), ("gtrxl", True, "masked"), ("gtrxl", False, "leaving")),
]
every_case = pytest.mark.parametrize(("kind", "separate", "world"), CASES)


@pytest.mark.parametrize(("kind", "separate", "world"), [case for case in CASES if case[2] != "leaving"])
def test_values_and_bootstraps_are_those_of_each_episode_unrolled_alone(kind, separate, world):
    """Each lane from its stored state, one observation at a time, with nothing remembered in a new episode.

    A truncated episode's last reward has γ V of the observation that it was cut at, seen after all others.
    """
    agent, steps = collected(WORLDS[world](), kind, separate)
    rollout, policy = agent.rollout_buffer, agent.policy
    truncations = 0
    with torch.no_grad():
        for lane in range(ENVS):
            state = rollout.state[lane : lane + 1]
            for t, told in enumerate(steps):
                out, value, state = policy.remember(row(rollout.obs, t, lane), Past(state))
                assert value.item() == pytest.approx(rollout.values[t, lane].item(), abs=1e-5)
                action = rollout.actions[t, lane][None]
                said = policy.distribution.log_prob_entropy(out, policy.log_std, action)[0]
                assert said.item() == pytest.approx(rollout.log_probs[t, lane].item(), abs=1e-5)
                reward = told["rewards"][lane]
                if told["truncated"][lane]:
                    last = policy.remember(row(told["final_obs"], lane), Past(state))[1].item()
                    assert abs(last) > 1e-4
                    reward += agent.config.gamma * last
                    truncations += 1
                assert rollout.rewards[t, lane].item() == pytest.approx(reward, abs=1e-5)
                if told["done"][lane]:
                    state = torch.zeros_like(state)
            torch.testing.assert_close(agent.remembered[lane : lane + 1], state, atol=1e-5, rtol=1e-5)
    assert truncations > ENVS
    assert (rollout.state != 0).any(1).sum() > 1  # some began amidst an episode


@every_case
def test_minibatches_say_again_what_was_said_when_it_was_acted(kind, separate, world):
    agent, _ = collected(WORLDS[world](), kind, separate)
    rollout, seen = agent.rollout_buffer, 0
    for batch, _ in rollout.minibatches(2 * STEPS, torch.Generator().manual_seed(0)):
        for piece in (batch, *batch.pieces(STEPS)):
            with torch.no_grad():
                values, log_probs, _ = agent.policy.evaluate_actions(piece.obs, piece.actions, piece.past)
            torch.testing.assert_close(values.flatten(), piece.values, atol=1e-5, rtol=1e-5)
            torch.testing.assert_close(log_probs, piece.log_probs, atol=1e-5, rtol=1e-5)
        seen += len(batch.returns)
    assert seen == len(rollout.taken(rollout.returns))
    assert (seen < STEPS * ENVS) == (world == "leaving")


@every_kind
@either_critic
def test_the_gradient_in_pieces_is_autograds_of_the_loss(kind, separate):
    """An episode's gradient flows back through its earlier steps, and pieces are whole lanes."""
    agent, _ = collected(LineWalk(160, limit=7), kind, separate, rollouts=1)
    settings, policy = LossSettings(0.2, 0.5, ent_coef=0.01, vf_coef=0.5), agent.policy
    ((batch, _),) = agent.rollout_buffer.minibatches(160 * STEPS, torch.Generator().manual_seed(0))
    policy.gradient_rows = STEPS
    assert [len(piece.past.state) for piece in batch.pieces(STEPS)] == [53, 53, 54]
    with torch.no_grad():
        for parameter in policy.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1)))
    values, log_probs, entropy = policy.evaluate_actions(batch.obs, batch.actions, batch.past)
    outputs = Outputs(values.flatten(), log_probs, entropy)
    expected = torch.autograd.grad(ppo_loss(outputs, batch, settings).loss, list(policy.parameters()))
    divided = DividedGradient(policy, torch.enable_grad)
    found, gradients = divided(Crew(1), batch, ppo_slopes(settings, len(batch.returns)))
    for ours, theirs in zip([*found, *gradients], [*outputs, *expected], strict=True):
        torch.testing.assert_close(ours, theirs.detach(), atol=1e-5, rtol=1e-4)


@every_case
def test_resumed_training_equals_uninterrupted_training_bit_for_bit(kind, separate, world):
    whole, half, resumed = (agent_on(WORLDS[world](), kind, separate, seed=seed) for seed in (1, 1, 99))
    whole.learn(ENVS * STEPS * 4)
    half.learn(ENVS * STEPS * 2)
    saved = half.snapshot()
    assert (saved.state["remembered"] != 0).any()
    resumed.restore(saved)
    resumed.learn(whole.num_timesteps - resumed.num_timesteps, reset_num_timesteps=False)
    assert resumed.num_timesteps == whole.num_timesteps
    assert_same(weights(whole), weights(resumed))
    assert torch.equal(whole.remembered, resumed.remembered)


def test_a_snapshot_of_other_lanes_begins_episodes_that_nothing_is_remembered_of():
    agent = agent_on(LineWalk(ENVS, limit=7))
    agent.learn(ENVS * STEPS)
    other = agent_on(LineWalk(2 * ENVS, limit=7))
    other.restore(agent.snapshot())
    assert other.remembered.shape == (2 * ENVS, 8)
    assert not other.remembered.any()


@every_kind
def test_threads_do_not_change_a_bit(kind):
    before, trained = torch.get_num_threads(), []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            agent = agent_on(LineWalk(130, limit=7), kind, batch_size=130 * STEPS, n_epochs=1)
            agent.policy.forward_rows, agent.policy.gradient_rows = 8, STEPS
            agent.learn(130 * STEPS * 2)
            trained.append(weights(agent))
    finally:
        torch.set_num_threads(before)
    assert_same(*trained)


@every_kind
def test_what_stands_in_rows_of_nobody_is_not_heard(kind):
    trained = []
    for garbage in (0, 1):
        agent = agent_on(LeavingVectorEnv(2 * AGENTS, garbage), kind)
        agent.learn(200)
        trained.append(weights(agent))
    assert_same(*trained)


@every_kind
@either_critic
def test_an_actor_acts_as_the_training_would_whatever_lanes_are_asked_in_whichever_order(kind, separate):
    agent = agent_on(LineWalk(ENVS), kind, separate)
    draw = np.random.default_rng(0)
    seen = draw.normal(size=(5, 3, 2)).astype(np.float32)  # five observations of three episodes
    with torch.no_grad():
        sequences = torch.from_numpy(seen).transpose(0, 1).flatten(0, 1)
        out = agent.policy.remember(sequences, Past(torch.zeros(3, agent.policy.state_size)))[0]
    expected = out.argmax(-1).view(3, 5).numpy()
    assert 0 < expected.mean() < 1
    together, apart = agent.actor(), agent.actor()
    for t in range(5):
        np.testing.assert_array_equal(together.act(seen[t]), expected[:, t])
        for lanes in ([7, 2], [4]):
            which = [{7: 0, 2: 1, 4: 2}[lane] for lane in lanes]
            actions = apart.act(seen[t][which], lanes=np.array(lanes))
            np.testing.assert_array_equal(actions, expected[which, t])


@every_kind
def test_an_actor_forgets_the_lanes_whose_episodes_end_and_no_others(kind):
    agent = agent_on(LineWalk(ENVS, continuous=True), kind)
    obs = np.random.default_rng(0).normal(size=(4, 3, 2)).astype(np.float32)
    fresh, told = agent.actor(), agent.actor()
    first = fresh.act(obs[3])
    for t in range(3):
        told.act(obs[t])
    going_on = agent.actor()
    for t in range(3):
        going_on.act(obs[t])
    told.forget(np.array([1, 9]))  # nothing was played in lane 9
    actions, others = told.act(obs[3]), going_on.act(obs[3])
    np.testing.assert_allclose(actions[1], first[1], atol=1e-6)
    np.testing.assert_allclose(actions[[0, 2]], others[[0, 2]], atol=1e-6)
    assert np.abs(others - first).min() > 1e-4
    told.forget()
    np.testing.assert_array_equal(told.act(obs[3]), first)


def test_acting_between_iterations_does_not_disturb_the_training():
    class Watch(Hooks):
        def on_iteration_end(self):
            actor = self.agent.actor()
            for _ in range(3):
                actor.act(np.ones((9, 2), np.float32), deterministic=False)
            return True

    plain, watched = agent_on(LineWalk(ENVS)), agent_on(LineWalk(ENVS))
    plain.learn(ENVS * STEPS * 2)
    watched.learn(ENVS * STEPS * 2, hooks=Watch())
    assert_same(weights(plain), weights(watched))


def test_act_alone_would_forget_and_says_so():
    agent = agent_on(LineWalk(ENVS))
    with pytest.raises(UserError, match=r"net\.memory=gru would forget .* act by what actor\(\) returns"):
        agent.act(np.zeros((1, 2), np.float32))


def test_without_memory_an_actor_is_the_agent():
    agent = PPO(CONFIG, LineWalk(ENVS), seed=0, device="cpu")
    assert agent.actor() is agent
    assert agent.remembered is None
    assert "remembered" not in agent.snapshot().state


def test_minibatches_are_whole_sequences():
    with pytest.raises(ValueError, match=r"batch_size=24 is no multiple of n_steps=16.* try 16\.$"):
        agent_on(LineWalk(ENVS), batch_size=24)


def test_others_refuse_memory_in_one_line_that_names_both():
    net = NetConfig(memory="gtrxl")
    for algorithm, config in (("dqn", DQNConfig), ("pqn", PQNConfig), ("alphazero", AlphaZeroConfig)):
        with pytest.raises(
            ValueError, match=rf"^net\.memory=gtrxl and algorithm: {algorithm} do not go.*\bppo$"
        ):
            config(net=net)
    with pytest.raises(ValueError, match=r"^compile=true and net\.memory=gtrxl do not go together"):
        PPOConfig(net=net, compile=True)


def test_values_of_a_steady_reward_are_bootstrapped_at_every_cut():
    """1 a step for ever is worth 1 / (1 − γ): truncation every 5 steps must not be taken for an end."""
    agent = agent_on(SteadyVectorEnv(ENVS, limit=5, truncates=True), gamma=0.5, learning_rate=2e-2)
    agent.learn(ENVS * STEPS * 25)
    assert agent.rollout_buffer.values.mean().item() == pytest.approx(2.0, abs=0.1)
