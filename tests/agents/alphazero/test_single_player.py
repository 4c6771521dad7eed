"""AlphaZero alone in a world: it finds the known optimum, resumes exactly, and drives from `train.py`."""

import json
import shutil

import numpy as np
import pytest
import torch

from quadrivium.agents.alphazero.agent import AlphaZero
from quadrivium.agents.alphazero.config import AlphaZeroConfig
from quadrivium.agents.alphazero.play.packed import Packed
from quadrivium.agents.nets import NetConfig
from quadrivium.agents.runs.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from quadrivium.envs.core.world_game import WorldGame
from tests.agents.search.toys import Corridor
from tests.commands.running import run_evaluate, run_train
from tests.worlds import cartpole

MLP = NetConfig("mlp", width=32, depth=1)


def config(**settings):
    given = {
        "n_steps": 8,
        "simulations": 4,
        "first_simulations": 4,
        "max_considered": 2,
        "symmetries": False,
        "cache": 0,
        "batch_size": 64,
        "learning_starts": 64,
        "window_min": 1000,
        "gamma": 0.9,
        "td_lambda": 0.8,
        "ladder_games": 0,
        "net": MLP,
    }
    return AlphaZeroConfig(**{**given, **settings})


# ---- learning


class Cells(Corridor):
    """A corridor that shows the cell as one of so many flags."""

    def __init__(self, length):
        super().__init__(length)
        self.observation_shape = (length + 1,)

    def observe(self, pool, rows, players=None, out=None):
        out = np.empty((len(rows), self.length + 1), np.float32) if out is None else out
        out[:] = np.eye(self.length + 1)[pool["x"][rows]]
        return out


def optimum(length, gamma):
    """Returns the values (length + 1,) of a corridor's cells, 0 at its ends, by value iteration."""
    values = np.zeros(length + 1)
    for _ in range(200):
        left = 0.1 + gamma * values[:-2]
        right = np.where(np.arange(2, length + 1) == length, 1.0, -0.01) + gamma * values[2:]
        values[1:-1] = np.maximum(left, right)
    return values, right > left


@pytest.mark.parametrize("gamma", [0.9, 0.5], ids=["patient", "hasty"])
def test_it_learns_when_the_far_reward_is_worth_the_walk(gamma):
    """With a discount of 0.9 all cells walk right; with 0.5 only the last three do. Four simulations see two
    or three steps ahead, so the rest must come from the network."""
    length = 6
    settings = {"random_plies": 20, "random_share": 0.9, "learning_rate": 3e-3, "ema_decay": 0.98}
    agent = AlphaZero(config(gamma=gamma, **settings), Cells(length), games=64, seed=0, device="cpu")
    agent.learn(64 * 8 * 60)
    values, right = optimum(length, gamma)
    assert {0.9: 5, 0.5: 3}[gamma] == right.sum()
    cells = np.eye(length + 1, dtype=np.float32)[1:-1]
    assert agent.act(cells).tolist() == right.astype(int).tolist()
    judged = agent.evaluator()(cells, np.ones((length - 1, 2), np.int8)).values
    np.testing.assert_allclose(judged, values[1:-1], atol=0.06)


# ---- as a whole


def carts(seed=0, **settings):
    world = WorldGame(cartpole.setup("train", 12))
    return AlphaZero(config(**settings), world, games=16, seed=seed, device="cpu")


def stop_after(iterations):
    from quadrivium.agents.training.hooks import Hooks

    class Stop(Hooks):
        def on_iteration_logged(self):
            self.seen = getattr(self, "seen", 0) + 1
            return self.seen < iterations

    return Stop()


@pytest.mark.parametrize("share", [1.0, 0.5], ids=["every move", "half of the moves"])
def test_half_and_the_other_half_equal_the_whole_bit_for_bit(share, tmp_path):
    steps = 16 * 8
    whole = carts(full_search_share=share).learn(8 * steps)
    first = carts(full_search_share=share).learn(8 * steps, hooks=stop_after(4))
    save_checkpoint(tmp_path, first.snapshot())
    second = carts(seed=77, full_search_share=share)
    second.restore(load_checkpoint(tmp_path))
    second.learn(4 * steps, reset_num_timesteps=False)
    ours, theirs = whole.snapshot(), second.snapshot()
    assert whole._learner.updates > 10
    for key, tensor in ours.weights.items():  # inputs' statistics and the value's scale among them
        assert torch.equal(tensor, theirs.weights[key]), key
    for key, array in ours.state.items():
        assert (array == theirs.state[key]).all(), key
    assert ours.rng["named"] == theirs.rng["named"]


def test_carts_that_are_up_at_the_time_limit_are_worth_more_than_the_steps_that_are_left():
    """A step pays 1 and an episode is cut after 12: without what comes beyond, its positions would be worth
    6 on average; with a discount of 0.98 staying up is worth up to 50."""
    agent = carts(gamma=0.98, reuse=8.0, learning_rate=3e-3).learn(16 * 8 * 60)
    summary = agent._practices[0]._self_play.statistics.summary()
    assert summary["rollout/ep_len_mean"] == summary["rollout/ep_rew_mean"] > 11.5
    assert agent.policy.net.outcome.mean > 12
    assert "metrics/distance_m" in summary


@pytest.mark.parametrize("root_share", [0.0, 0.25])
def test_the_networks_scale_is_the_mean_and_spread_of_all_returns_in_the_window(root_share):
    """Against unpacking the whole window, which is what it spares."""
    agent = carts(root_value_share=root_share, window_min=150).learn(16 * 8 * 8)
    replay, head = agent._practices[0].replay, agent.policy.net.outcome
    assert replay.size < replay.total
    state = replay.state()
    window = agent._outcomes.records.unpack(Packed(state["records"], state["policies"]))
    returns = head.targets(window.outcome, window.root_value, window.root_draw, window.root_share)
    assert float(head.mean) == pytest.approx(returns.astype(np.float64).mean(), rel=1e-6)
    assert float(head.spread) == pytest.approx(returns.astype(np.float64).std(), rel=1e-6)
    assert float(head.spread) > 0.1


def test_the_ladder_and_its_opponents_are_absent():
    agent = carts()
    assert agent.climb() == {}
    assert agent.take_exam() == {}
    assert agent.observation_space.shape == (4,)


def test_a_checkpoint_of_another_world_is_refused_in_a_line():
    snapshot = AlphaZero(config(), Corridor(), games=4, device="cpu").snapshot()
    with pytest.raises(CheckpointError, match="but this is cartpole with observations 4 and 2 actions"):
        carts().restore(snapshot)


# ---- from the commands

HIGHWAY = """
name: small
seed: 1
total_timesteps: 384
device: cpu
env: {id: quadrivium/Highway-v0, num_envs: 16, kwargs: {reward: classic, duration: 10}}
agent: {algorithm: alphazero, n_steps: 6, simulations: 4, first_simulations: 4, symmetries: false,
        batch_size: 32, learning_starts: 32, gamma: 0.9, td_lambda: 0.8, evaluation_simulations: 4,
        net: {trunk: mlp, width: 8, depth: 1, token_mask_feature: 0}}
checkpoint: {every_steps: 192, keep_last: 2}
evaluation: {every_steps: 192, episodes: 4, final_episodes: 4, kwargs: {split: test}, baselines: [idle]}
logging: {interval: 1, video_every_steps: null}
"""


@pytest.fixture(scope="module")
def driven(tmp_path_factory):
    directory = tmp_path_factory.mktemp("driven")
    (directory / "small.yaml").write_text(HIGHWAY)
    assert run_train(directory, "small.yaml") == 0
    return directory


def rows(run_dir):
    return [json.loads(line) for line in (run_dir / "metrics.jsonl").read_text().splitlines()]


def plain(run_dir):
    return [{k: v for k, v in row.items() if not k.startswith("time")} for row in rows(run_dir)]


def test_a_run_on_the_highway_logs_what_ppo_logs_and_is_evaluated_with_search(driven, capsys):
    names = set().union(*rows(driven / "runs" / "small"))
    assert {"rollout/ep_rew_mean", "metrics/collision", "metrics/mean_speed", "evaluation/return"} <= names
    assert {"loss/value", "loss/policy", "versus/idle/return"} <= names
    assert not {name for name in names if name.startswith(("ladder/", "solver/"))}
    assert run_evaluate(driven, "run", "runs/small", "--episodes", "4") == 0
    assert "mean speed" in capsys.readouterr().out


def test_a_resumed_run_on_the_highway_ends_the_same(driven, tmp_path):
    (tmp_path / "half.yaml").write_text(HIGHWAY.replace("small", "half"))
    assert run_train(tmp_path, "half.yaml", "--evaluation.final-episodes", "null") == 0
    half = tmp_path / "runs" / "half"
    shutil.rmtree(half / "checkpoints" / "384")  # as if killed after the one at 192
    assert run_train(tmp_path, "--resume", half) == 0
    assert plain(half) == plain(driven / "runs" / "small")


@pytest.mark.parametrize(
    ("options", "part"),
    [
        (["--env.kwargs.actions", "continuous"], "a search needs Discrete ones"),
        (["--env.kwargs.vehicle", "9"], "vehicles"),
        (["--agent.policy-head", "conv"], "policy_head='conv' does not fit"),
    ],
)
def test_what_cannot_be_searched_is_refused_in_a_line(tmp_path, capsys, options, part):
    (tmp_path / "small.yaml").write_text(HIGHWAY)
    assert run_train(tmp_path, "small.yaml", *options) == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert part in line
    assert not (tmp_path / "runs").exists()
