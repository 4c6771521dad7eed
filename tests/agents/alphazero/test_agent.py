"""The agent as a whole: what it logs, how it goes on after a stop, and what it refuses."""

import numpy as np
import pytest
import torch

from quadrivium.agents.alphazero.agent import AlphaZero
from quadrivium.agents.alphazero.config import AlphaZeroConfig
from quadrivium.agents.alphazero.learn.diverged import DivergedError
from quadrivium.agents.alphazero.learn.judge import NetworkEvaluator
from quadrivium.agents.alphazero.watch.ladder import random_mover
from quadrivium.agents.nets import NetConfig
from quadrivium.agents.runs.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from quadrivium.agents.search import MatchSearch, PuctConfig
from quadrivium.agents.training.hooks import Hooks
from quadrivium.agents.training.logger import Logger
from quadrivium.envs.board.registry import GAMES

SMALL = NetConfig("cnn", width=8, depth=1, normalize_inputs=False)


def config(**settings):
    given = {
        "n_steps": 6,
        "simulations": 8,
        "first_simulations": 4,
        "batch_size": 32,
        "learning_starts": 32,
        "window_min": 100,
        "random_plies": 2,
        "ladder_games": 4,
        "ladder_rollouts": 4,
        "ladder_simulations": 4,
        "net": SMALL,
    }
    return AlphaZeroConfig(**{**given, **settings})


def make(name="TicTacToe", seed=0, games=16, options=None, **settings):
    return AlphaZero(config(**settings), GAMES[name](**(options or {})), games=games, seed=seed, device="cpu")


class Rows:
    """Keeps what is logged."""

    def __init__(self):
        self.rows = []

    def write(self, key_values, key_excluded, step=0):
        self.rows.append({"step": step, **key_values})

    def close(self):
        pass


def logged(agent, steps, **arguments):
    rows = Rows()
    agent.set_logger(Logger([rows]))
    agent.learn(steps, **arguments)
    return rows.rows


def timeless(rows):
    return [{k: v for k, v in row.items() if not k.startswith("time/")} for row in rows]


def test_half_of_the_games_judged_late_changes_nothing(monkeypatch):
    """Two halves of the games by turns, with one cache and one stream of symmetries: as on a GPU, and not."""
    weights, ask = [], NetworkEvaluator.ask

    def late(network, obs, legal):
        obs, legal = obs.copy(), legal.copy()
        return lambda: ask(network, obs, legal)()

    for answer in (ask, late):
        monkeypatch.setattr(NetworkEvaluator, "ask", answer)
        agent = AlphaZero(config(), GAMES["TicTacToe"](), games=15, seed=3, device="cpu", parts=2)
        agent.learn(3 * 15 * 6)
        weights.append(agent.policy.state_dict())
    for name, value in weights[0].items():
        assert torch.equal(value, weights[1][name]), name
    alone = AlphaZero(config(), GAMES["TicTacToe"](), games=15, seed=3, device="cpu")
    alone.learn(3 * 15 * 6)
    assert any(not torch.equal(value, weights[0][name]) for name, value in alone.policy.state_dict().items())


AUXILIARY = {"options": {"size": 3}, "ownership_coef": 0.5, "score_coef": 0.1, "full_search_share": 0.5}


@pytest.mark.parametrize(
    ("name", "settings"),
    [("TicTacToe", {}), ("TicTacToe", {"cache": 0}), ("Go", AUXILIARY), ("TicTacToe", {"symmetries": False})],
    ids=["plain", "no cache", "Go with auxiliary heads", "no symmetries"],
)
def test_half_and_the_other_half_equal_the_whole_bit_for_bit(name, settings, tmp_path):
    steps = 16 * 6
    whole = make(name, **settings)
    rows = logged(whole, 8 * steps)

    first = make(name, **settings)
    first.learn(8 * steps, hooks=stop_after(4))
    first.climb()
    save_checkpoint(tmp_path, first.snapshot())
    second = make(name, seed=77, **settings)
    second.restore(load_checkpoint(tmp_path))
    assert second.num_timesteps == 4 * steps
    rest = logged(second, 4 * steps, reset_num_timesteps=False)

    for key, tensor in whole.policy.state_dict().items():
        if not key.startswith("earlier"):
            assert torch.equal(tensor, second.policy.state_dict()[key]), key
    ours, theirs = whole.snapshot(), second.snapshot()
    for key, array in ours.state.items():
        if key != "rating":
            assert (array == theirs.state[key]).all(), key
    for key, tensor in ours.optimizer.items():
        assert torch.equal(tensor, theirs.optimizer[key]), key
    assert ours.rng["named"] == theirs.rng["named"]
    for row, again in zip(timeless(rows)[4:], timeless(rest), strict=True):
        assert row == pytest.approx(again, nan_ok=True, abs=0)


def stop_after(iterations):
    from quadrivium.agents.training.hooks import Hooks

    class Stop(Hooks):
        def on_iteration_logged(self):
            self.seen = getattr(self, "seen", 0) + 1
            return self.seen < iterations

    return Stop()


def test_two_agents_of_one_seed_are_the_same_and_another_seed_differs():
    agents = [make(seed=seed) for seed in (1, 1, 2)]
    for agent in agents:
        agent.learn(4 * 96)
    one, same, other = (agent.policy.average.outcome.last.weight for agent in agents)
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_matches_search_in_one_tree_from_move_to_move_and_find_what_a_new_search_finds(monkeypatch):
    agent, made = make("ConnectFour"), []

    class Counted(MatchSearch):
        def __init__(self, *arguments, **options):
            super().__init__(*arguments, **options)
            made.append(self)

    monkeypatch.setattr("quadrivium.agents.alphazero.agent.MatchSearch", Counted)
    game, config = agent.game, PuctConfig(12, reuse=False)
    for ply in range(6):
        pool = game.pool(9 - ply, ply)
        game.play_random(pool, np.arange(len(pool)), ply)
        expected = MatchSearch(game, agent.evaluator(), config, len(pool)).search(pool).actions
        assert (agent.best_actions(pool, 12) == expected).all()
    assert len(made) == 1
    assert made[0].tree.capacity == 13  # the root and twelve more
    made.clear()
    agent.climb()
    assert len(made) == 2  # itself and the earlier one; the playouts' is not counted


def test_the_random_anchor_does_not_repeat_the_openings(monkeypatch):
    """From one stream it would answer each opening with the opening's own first move, where that is legal."""
    agent, heard = make("ConnectFour"), {}

    def listen(game, one, other, *, games, seed):
        heard.setdefault("anchor", other)
        heard.setdefault("seed", seed)
        return np.full(games, 0.5)

    monkeypatch.setattr("quadrivium.agents.alphazero.agent.play_match", listen)
    agent.climb()
    pool = agent.game.pool(200)
    opening, answer = random_mover(agent.game, heard["seed"])(pool), heard["anchor"](pool)
    assert (opening == answer).mean() < 0.4  # by chance one in seven


def test_the_caches_take_the_memory_that_the_config_gives_them():
    """A position of Go on 5 x 5 with 26 legal moves takes 16 + 4 * 26 bytes; 8,192 of them fit into 1 MiB."""
    agent = make("Go", options={"size": 5}, cache_mib=1)
    cache = agent._cached(agent.evaluator())
    pool = agent.game.pool(3)
    cache(agent.game.observe(pool, np.arange(3)), agent.game.legal(pool, np.arange(3)))
    assert cache.capacity == 8192
    assert cache.nbytes == 8192 * 120


def test_the_log_has_losses_speed_and_results():
    row = logged(make("Othello", options={"size": 4}, disc_difference_coef=0.1), 5 * 96)[-1]
    for name in (
        "loss/total", "loss/policy", "loss/policy_excess", "loss/policy_entropy", "loss/value",
        "loss/disc_difference", "loss/gradient_norm", "train/learning_rate", "train/updates",
        "time/games_per_second", "time/evaluations_per_second", "self_play/mean_batch_size",
        "self_play/cache_hit_rate", "self_play/game_length", "self_play/first_wins", "self_play/draws",
        "self_play/second_wins", "time/network_share_of_self_play", "self_play/simulations",
        "self_play/window", "time/fraction_network", "time/fraction_search", "time/fraction_update",
        "time/steps_per_second",
    ):  # fmt: skip
        assert np.isfinite(row[name]), name
    assert row["step"] == 5 * 96
    assert row["self_play/first_wins"] + row["self_play/draws"] + row[
        "self_play/second_wins"
    ] == pytest.approx(1)
    assert 0 < row["self_play/cache_hit_rate"] < 1


def test_each_position_is_learned_from_as_often_as_the_config_says():
    agent = make(reuse=6.0, learning_starts=1)
    agent.learn(10 * 96)
    used = agent._learner.updates * 32
    assert used == pytest.approx(6 * agent._practices[0].replay.total, abs=32)


def test_the_average_plays_and_differs_from_what_learns():
    agent = make(ema_decay=0.9)
    agent.learn(5 * 96)
    net, average = agent.policy.net.outcome.last.weight, agent.policy.average.outcome.last.weight
    assert not torch.equal(net, average)
    newest = make(ema_decay=0.0)
    newest.learn(5 * 96)
    assert torch.equal(newest.policy.net.outcome.last.weight, newest.policy.average.outcome.last.weight)


def test_the_policys_actions_are_legal_and_deterministic_unless_asked():
    agent = make("ConnectFour")
    game = agent.game
    pool = game.pool(64, 1)
    game.play_random(pool, np.arange(64), 20)
    rows = np.flatnonzero(pool["over"] == 0)
    obs = {"observation": game.observe(pool, rows), "action_mask": game.legal(pool, rows)}
    for deterministic in (True, False):
        actions = agent.act(obs, deterministic)
        assert (obs["action_mask"][np.arange(len(rows)), actions] == 1).all()
    assert (agent.act(obs) == agent.act(obs)).all()


def test_climbing_the_ladder_measures_every_anchor_and_then_becomes_the_earlier_one():
    agent = make()
    agent.learn(3 * 96)
    entries = agent.climb()
    assert {"ladder/elo_over_random", "ladder/elo_over_mcts_4", "ladder/elo_over_earlier"} <= entries.keys()
    assert entries["ladder/rating"] == entries["ladder/elo_over_earlier"]
    for key, tensor in agent.policy.average.state_dict().items():
        assert torch.equal(tensor, agent.policy.earlier.state_dict()[key])
    # Against itself, from the same openings with the seats exchanged, a deterministic player scores half.
    again = agent.climb()
    assert again["ladder/score_earlier"] == 0.5
    assert again["ladder/rating"] == entries["ladder/rating"]


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("TicTacToe", {"ownership_coef": 0.5}, "Tic-tac-toe has no ownership; give 0 (no auxiliary"),
        (
            "Othello",
            {"score_coef": 0.5},
            "Othello has no score; give 0 (it has ownership_coef and disc_difference_coef)",
        ),
        ("ConnectFour", {"policy_head": "conv"}, "policy_head='conv' does not fit 7 actions on 42 cells"),
        ("TicTacToe", {"net": NetConfig("cnn")}, "net.normalize_inputs=True"),
        ("TicTacToe", {"gamma": 0.9}, "gamma=0.9, but a game for two is paid at its end only; give 1"),
    ],
)
def test_a_config_that_does_not_fit_the_game_is_refused_in_a_line(name, settings, message):
    with pytest.raises(ValueError) as caught:
        make(name, **settings)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_checkpoint_of_an_older_version_is_refused_in_a_line_and_changes_nothing():
    """Its records held policies over all actions."""
    agent, other = make(seed=1), make(seed=2)
    snapshot, before = other.snapshot(), agent.policy.state_dict()["net.outcome.last.weight"].clone()
    records = np.zeros((16, 1), [("bits", "u1", 3), ("policy", "f2", 9)])
    snapshot.state["practice0/self_play/records"] = records
    del snapshot.state["practice0/self_play/policies"]
    with pytest.raises(CheckpointError, match=r"does not fit this agent.*an older version") as caught:
        agent.restore(snapshot)
    assert "\n" not in str(caught.value)
    assert torch.equal(agent.policy.state_dict()["net.outcome.last.weight"], before)


@pytest.mark.parametrize(
    ("name", "options"), [("Go", {"size": 5}), ("TicTacToe", None)], ids=["another size", "another game"]
)
def test_a_checkpoint_of_another_game_or_size_is_refused_in_a_line(name, options):
    snapshot = make("Go", options={"size": 4}).snapshot()
    with pytest.raises(CheckpointError) as caught:
        make(name, options=options).restore(snapshot)
    assert "trained on Go with planes 14 x 4 x 4 and 17 actions, but this is " in str(caught.value)
    assert "\n" not in str(caught.value)


# ---- a network that is lost


class Counting(Hooks):
    """Counts the iterations that came to their end, where checkpoints are made."""

    iterations = 0

    def on_iteration_end(self):
        self.iterations += 1
        return True


def test_a_loss_that_becomes_nan_ends_the_run_in_one_line_before_a_checkpoint():
    agent, hooks = make(learning_rate=1e30, learning_rate_end=1e30, max_grad_norm=1e30), Counting()
    with pytest.raises(DivergedError, match=r"of the network became (nan|inf) by update \d+") as caught:
        agent.learn(6 * 16 * 12, hooks)
    assert "now 1e+30" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert hooks.iterations < 12


@pytest.mark.parametrize("part", ["policy", "value"])
def test_a_network_of_nan_plays_no_game(part):
    agent = make()
    with torch.no_grad():
        for name, weight in agent.policy.average.named_parameters():
            if name.startswith({"policy": "policy", "value": "outcome"}[part]):
                weight.fill_(torch.nan)
    with pytest.raises(DivergedError, match=f"the network gave nan as {part} of a position"):
        agent.learn(6 * 16)


def test_gradient_steps_grow_with_the_simulations_that_pay_for_them():
    given = config(first_simulations=16, simulations=64, reuse=4.0, first_reuse=2.0)
    assert [given.reuse_at(simulations) for simulations in (16, 32, 64)] == [2.0, 3.0, 4.0]
    assert config(reuse=4.0).reuse_at(8) == 4.0
    assert config(first_simulations=64, simulations=64, first_reuse=1.0).reuse_at(64) == config().reuse
