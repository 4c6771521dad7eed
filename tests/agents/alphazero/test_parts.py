"""AlphaZero in worlds that show several parts: it learns what only all of them tell, by the trunks of PPO."""

import json
import shutil
from typing import get_args

import numpy as np
import pytest
import torch

from quadrivium.agents.alphazero.agent import AlphaZero
from quadrivium.agents.alphazero.config import AlphaZeroConfig
from quadrivium.agents.alphazero.players import SearchPlayer
from quadrivium.agents.evaluation.episodes import AgentPlayer, play_episodes
from quadrivium.agents.export.acting import Acting
from quadrivium.agents.nets import NetConfig
from quadrivium.agents.nets.transfer import Kind, transfer
from quadrivium.agents.ppo import PPO, PPOConfig
from quadrivium.agents.runs.checkpoint import CheckpointError
from quadrivium.envs.core.world_game import WorldGame
from tests.commands.running import run_evaluate, run_train
from tests.worlds import pointer

NET = NetConfig(width=32, token_mask_feature=0)


def readers(masked=False, **settings):
    given = {
        "n_steps": 16,
        "simulations": 4,
        "first_simulations": 4,
        "max_considered": 2,
        "symmetries": False,
        "cache": 256,
        "batch_size": 128,
        "learning_starts": 256,
        "window_min": 4096,
        "learning_rate": 3e-3,
        "ema_decay": 0.9,
        "gamma": 0.5,
        "net": NET,
    }
    world = WorldGame(pointer.setup(masked=masked))
    return AlphaZero(AlphaZeroConfig(**{**given, **settings}), world, games=32, seed=0, device="cpu")


@pytest.mark.parametrize("masked", [False, True], ids=["plain", "masked"])
def test_the_policy_learns_what_only_both_parts_together_tell(masked):
    """Without search, which would read the answer in the record: chance is right half of the time."""
    agent = readers(masked).learn(32 * 16 * 16)
    env = pointer.PointerVectorEnv(32, masked=masked, split="test")
    episodes = play_episodes(AgentPlayer("agent", agent), env, episodes=64, seed=0)
    assert episodes.reward_terms["right"].sum() / episodes.lengths.sum() > 0.95


def test_inputs_are_standardised_part_by_part_by_all_that_is_learned_from():
    agent = readers().learn(32 * 16 * 4)
    replay = agent._practices[0].replay
    assert replay.size == replay.total  # nothing has left the window
    rows = replay.column("obs").astype(np.float64)
    signs, places = rows[:, :6].reshape(-1, 2), rows[:, 6:]
    for net in (agent.policy.net, agent.policy.average):
        parts = net.backbone.stem.parts
        assert int(parts["signs"].normalizer.count) == len(signs)
        for normalizer, columns, seen in (
            (parts["signs"].normalizer, slice(1, None), signs),  # the presence flag passes unchanged
            (parts["pointer"].normalizer, slice(None), places),
        ):
            np.testing.assert_allclose(normalizer.mean[columns], seen.mean(0)[columns], atol=1e-5)
            np.testing.assert_allclose(normalizer.var[columns], seen.var(0)[columns], atol=1e-5)


@pytest.mark.parametrize("trunk", ["mlp", "cnn", "transformer", "set"])
def test_its_trunk_is_that_of_ppo_and_each_can_be_given_to_the_other(trunk):
    net = NetConfig(trunk, width=16, depth=2, token_mask_feature=0)
    searcher = readers(net=net)
    reacher = PPO(PPOConfig(n_steps=4, batch_size=16, net=net), pointer.PointerVectorEnv(4), seed=0)
    ours, theirs = (one.backbone.state_dict() for one in (searcher.policy.average, reacher.policy))
    assert {name: rows.shape for name, rows in ours.items()} == {
        name: rows.shape for name, rows in theirs.items()
    }
    for source, target in ((reacher, searcher), (searcher, reacher)):
        done = transfer(source.policy.state_dict(), target.policy, frozenset({*get_args(Kind)} - {"heads"}))
        assert {name.partition(" ")[0] for name in done.taken} == {"blocks", "embeddings", "statistics"}
        assert {name.partition(" ")[0] for name in done.left} == {"heads"}


def test_what_is_exported_chooses_as_the_policy_does():
    agent = readers(masked=True).learn(32 * 16 * 2)
    obs, _ = pointer.PointerVectorEnv(16, masked=True).reset(seed=1)
    acting = Acting(agent.policy, agent.observation_space, agent.action_space)
    actions, scores, _ = acting(*(torch.as_tensor(obs[name]) for name in acting.inputs))
    assert acting.inputs == ("action_mask", "signs", "pointer")
    np.testing.assert_array_equal(actions, agent.act(obs))
    assert (scores[torch.as_tensor(obs["action_mask"]) == 0] == 0).all()


def test_a_checkpoint_of_other_parts_is_refused_in_a_line():
    agent = readers()
    snapshot = agent.snapshot()
    snapshot.state["signature"] = np.array(["pointer with observations 10 and 2 actions"])
    with pytest.raises(
        CheckpointError, match="this is pointer with observations signs 3 x 2, pointer 4 and 2"
    ):
        agent.restore(snapshot)


def test_a_search_goes_by_the_rules_of_the_environments_in_which_it_plays():
    """Maps, say, are other ones there: what follows a step would be foreseen wrongly."""
    agent = readers()
    for max_steps in (5, 6):
        env = pointer.PointerVectorEnv(4, max_steps=max_steps, split="test")
        obs, _ = env.reset(seed=0)
        SearchPlayer("agent", agent).act(obs, env)
        assert agent._match.game.params == env.setup.params
    assert agent.game.params != env.setup.params


# ---- from the commands

AGENT = """
agent: {algorithm: alphazero, n_steps: 6, simulations: 4, first_simulations: 4, symmetries: false,
        batch_size: 32, learning_starts: 32, gamma: 0.9, td_lambda: 0.8, evaluation_simulations: 4,
        net: {trunk: TRUNK, width: 8, depth: 1, heads: 2, token_mask_feature: MASK}}
checkpoint: {every_steps: 192, keep_last: 2}
evaluation: {every_steps: 192, episodes: 2, final_episodes: 2, kwargs: {split: test}, baselines: []}
logging: {interval: 1, video_every_steps: null}
"""
WORLDS = {
    "driving": """
env: {id: quadrivium/Roads-v0, num_envs: 16, kwargs: {duration: 5}}
"""
    + AGENT.replace("TRUNK", "transformer").replace("MASK", "0"),
    "navigation": """
env:
  id: quadrivium/PointNav-v0
  num_envs: 16
  kwargs: {actions: discrete, observation: grid, time_limit: 2.5}
"""
    + AGENT.replace("TRUNK", "cnn").replace("MASK", "null"),
}


def config_of(kind, name):
    return f"name: {name}\nseed: 1\ntotal_timesteps: 384\ndevice: cpu\n{WORLDS[kind]}"


def plain(run_dir):
    rows = [json.loads(line) for line in (run_dir / "metrics.jsonl").read_text().splitlines()]
    return [{k: v for k, v in row.items() if not k.startswith("time")} for row in rows]


@pytest.mark.parametrize("kind", WORLDS)
def test_a_run_trains_resumes_the_same_and_is_evaluated(kind, tmp_path, capsys):
    for name in ("whole", "half"):
        (tmp_path / f"{name}.yaml").write_text(config_of(kind, name))
        assert run_train(tmp_path, f"{name}.yaml") == 0
    whole, half = tmp_path / "runs" / "whole", tmp_path / "runs" / "half"
    names = set().union(*plain(whole))
    assert {"rollout/ep_rew_mean", "loss/policy", "loss/value", "evaluation/return"} <= names
    shutil.rmtree(half / "checkpoints" / "384")  # as if killed after the one at 192
    assert run_train(tmp_path, "--resume", half) == 0
    assert plain(half) == plain(whole)
    assert run_evaluate(tmp_path, "run", "runs/whole", "--episodes", "2") == 0
    assert "return" in capsys.readouterr().out
