"""A league: whom an agent meets, how often, and that all of it goes on after a resume as if never stopped."""

import itertools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch

import quadrivium  # noqa: F401 (registers the ids)
from quadrivium.agents.arena.builtin import make_random
from quadrivium.agents.arena.players import Table
from quadrivium.agents.arena.search_player import make_mcts
from quadrivium.agents.batches.env_batch import EnvBatch
from quadrivium.agents.dqn import DQN, DQNConfig
from quadrivium.agents.league import League, LeagueConfig
from quadrivium.agents.league.league import LATEST, NOBODY
from quadrivium.agents.nets import NetConfig
from quadrivium.agents.ppo import PPO, PPOConfig
from quadrivium.agents.pqn import PQN, PQNConfig
from quadrivium.agents.runs.checkpoint import load_checkpoint, save_checkpoint
from quadrivium.agents.training.hooks import Hooks
from quadrivium.agents.training.logger import Logger
from quadrivium.envs.board import TicTacToe
from tests.agents.dqn.test_agent import Capture, same

NET = NetConfig(width=16, depth=1, normalize_inputs=False)
ENVS = 16
CONFIG = LeagueConfig(snapshot_every=64, size=3, members=("random", "mcts:4"))
AGENTS: dict[str, Callable[..., Any]] = {
    "ppo": lambda env, seed: PPO(
        PPOConfig(n_steps=4, batch_size=32, n_epochs=2, net=NET), env, seed=seed, device="cpu"
    ),
    "dqn": lambda env, seed: DQN(
        DQNConfig(learning_starts=32, train_freq=2, batch_size=16, target_update_interval=64, net=NET),
        env,
        seed=seed,
        device="cpu",
    ),
    "pqn": lambda env, seed: PQN(PQNConfig(n_steps=4, batch_size=32, net=NET), env, seed=seed, device="cpu"),
}


class Greedy:
    """An agent whose weights are a column that it prefers: column 9 is beyond the board."""

    def __init__(self, action: int = 0) -> None:
        self.policy = torch.nn.Linear(1, 1)
        self.prefer(action)
        self.asked: list[int] = []

    def prefer(self, action: int) -> None:
        torch.nn.init.constant_(self.policy.weight, action)

    def preferences(self, policy: torch.nn.Linear, obs: dict[str, np.ndarray]) -> np.ndarray:
        chances = np.where(obs["action_mask"] != 0, 0.0, -1e30)
        chances[:, int(policy.weight.item())] += 1e6
        self.asked.append(len(chances))
        return chances


def league_of(config: LeagueConfig = CONFIG, envs: int = ENVS, seed: int = 0) -> League:
    table = Table(TicTacToe(), "TicTacToe")
    makers = {"random": lambda: make_random("", table), "mcts:4": lambda: make_mcts("4", table)}
    return League(config, envs, [makers[name]() for name in config.members], seed)


def agent_of(kind: str, config: LeagueConfig = CONFIG, seed: int = 0) -> Any:
    league = league_of(config, seed=seed)
    env = gymnasium.make_vec("quadrivium/TicTacToe-v0", num_envs=ENVS, seat="random", opponent=league)
    agent = AGENTS[kind](EnvBatch(env), seed)
    agent.join(league)
    return agent


def begun(config: LeagueConfig, envs: int = ENVS) -> tuple[League, Greedy]:
    league, learner = league_of(config, envs), Greedy()
    league.follow(learner)
    league.begin()
    return league, learner


def seats_of(league: League) -> np.ndarray:
    """Who sits where, once everyone has been asked for a first move."""
    game = TicTacToe()
    league.play(game, game.pool(len(league.seated)), np.arange(len(league.seated)))
    return league.seated


@pytest.mark.parametrize("kind", ["ppo", "dqn", "pqn"])
def test_resumed_training_equals_uninterrupted_training_bit_for_bit(kind: str, tmp_path: Path):
    class SaveAt(Hooks):
        def on_iteration_logged(self) -> bool:
            if self.agent.num_timesteps == 320:
                save_checkpoint(tmp_path, self.agent.snapshot())
            return True

    interval = 3 if kind != "dqn" else 40  # episodes
    whole, lines = agent_of(kind), Capture()
    whole.set_logger(Logger([lines]))
    whole.learn(640, hooks=SaveAt(), log_interval=interval)
    resumed, later = agent_of(kind, seed=99), Capture()
    resumed.set_logger(Logger([later]))
    resumed.restore(load_checkpoint(tmp_path, 320))
    assert len(resumed.league.copies) == 3
    resumed.learn(320, reset_num_timesteps=False, log_interval=interval)
    assert same(whole.snapshot(), resumed.snapshot())
    missing = [line for line in lines.lines if line["time/total_timesteps"] > 320]
    assert len(missing) == len(later.lines) > 1
    for line, again in zip(missing, later.lines, strict=True):
        timeless = [{k: v for k, v in x.items() if not k.startswith("time/")} for x in (line, again)]
        assert timeless[0] == timeless[1]
        assert {"league/rating", "league/members", "league/score_latest", "league/score_pool"} <= line.keys()


def test_copies_join_at_the_start_and_every_so_many_steps_and_differ_as_the_agent_learns():
    agent = agent_of("ppo", replace(CONFIG, snapshot_every=128, size=20))
    agent.learn(512)
    weights = [torch.cat([x.flatten() for x in copy.parameters()]) for copy in agent.league.copies]
    assert len(weights) == 5
    assert all((a != b).any() for a, b in itertools.pairwise(weights))


def test_half_of_the_episodes_are_against_the_agent_as_it_is_now_and_the_others_by_the_ratings():
    league, _ = begun(LeagueConfig(size=1, members=("random",), share_latest=0.5, sampling="hard"), 20_000)
    league.standings.scores[:] = [0.9, 0.2]  # against random, and the copy
    shares = [np.mean(seats_of(league) == player) for player in (LATEST, 0, 1)]
    # (1 - p)²: 0.01 against 0.64; the standard error is 0.0035
    assert shares == pytest.approx([0.5, 0.5 * 0.01 / 0.65, 0.5 * 0.64 / 0.65], abs=0.015)


@pytest.mark.parametrize(("sampling", "odds"), [("even", 0.09 / 0.16), ("uniform", 1.0)])
def test_other_rules_draw_equals_or_without_regard(sampling: Any, odds: float):
    config = LeagueConfig(size=1, members=("random",), share_latest=0, sampling=sampling)
    league, _ = begun(config, 20_000)
    league.standings.scores[:] = [0.9, 0.2]
    seated = seats_of(league)
    assert np.mean(seated == 0) / np.mean(seated == 1) == pytest.approx(odds, abs=0.05)


def test_who_always_loses_is_met_again():
    league, _ = begun(LeagueConfig(size=1, members=("random",), share_latest=0), 20_000)
    league.standings.scores[:] = [1.0, 0.0]
    assert 0 < np.mean(seats_of(league) == 0) < 0.005


def test_a_seat_is_kept_until_the_game_ends_and_then_drawn_anew():
    league, _ = begun(LeagueConfig(size=1, members=("random",), sampling="uniform"), 2000)
    first = seats_of(league).copy()
    assert (seats_of(league) == first).all()
    some = np.arange(1000)
    league.ended(some, np.ones(1000, np.int64), np.ones(1000, bool))
    assert (league.seated[:1000] == NOBODY).all()
    again = seats_of(league)
    assert (again[1000:] == first[1000:]).all()
    assert 0.5 < np.mean(again[:1000] != first[:1000]) < 0.75  # of 1/2, 1/4, 1/4 another one: 5/8


def test_each_member_is_asked_once_for_all_of_its_games():
    league, learner = begun(LeagueConfig(snapshot_every=1, size=4, share_latest=0.2, sampling="uniform"), 500)
    for step in range(3):
        league.grow(step, step + 1)
    learner.asked.clear()
    seated = seats_of(league)
    assert sorted(learner.asked) == sorted(np.unique(seated, return_counts=True)[1].tolist())
    assert len(learner.asked) == 5


def test_members_play_as_the_agent_did_and_the_latest_as_it_does():
    league, learner = begun(LeagueConfig(snapshot_every=1, size=2, share_latest=0.3, sampling="uniform"), 300)
    learner.prefer(4)
    league.grow(0, 1)
    learner.prefer(8)
    game = TicTacToe()
    actions = league.play(game, game.pool(300), np.arange(300))
    assert {(who, move) for who, move in zip(league.seated, actions, strict=True)} == {
        (0, 0),
        (1, 4),
        (LATEST, 8),
    }


def test_no_member_plays_an_illegal_move():
    agent = agent_of("ppo", replace(CONFIG, snapshot_every=16, size=5))
    agent.learn(960)  # the environments refuse an illegal move, an opponent's too
    league, game = agent.league, TicTacToe()
    pool = game.pool(ENVS)
    game.play_random(pool, np.arange(ENVS), 4)
    league.seated[:] = np.arange(ENVS) % 8 - 1
    for _ in range(20):
        actions = league.play(game, pool.copy(), np.arange(ENVS))
        assert (game.legal(pool, np.arange(ENVS))[np.arange(ENVS), actions] == 1).all()


def test_a_full_pool_loses_its_lowest_rated_copy_whose_games_go_on_against_the_newcomer():
    league, learner = begun(LeagueConfig(snapshot_every=1, size=2, members=("random",)), 4)
    league.grow(0, 1)
    league.standings.ratings[:] = [-300, 50, -20, 80]  # random, which stays; two copies; the agent
    league.seated[:] = [0, 1, 2, LATEST]
    learner.prefer(7)
    league.grow(1, 2)
    assert [copy.weight.item() for copy in league.copies] == [0, 7]
    assert league.seated.tolist() == [0, 1, LATEST, LATEST]


def test_the_log_says_the_score_against_the_latest_and_the_pool():
    league, _ = begun(LeagueConfig(size=1, members=("random",)), 6)
    league.seated[:] = [LATEST, LATEST, 0, 1, 1, 0]
    league.ended(np.arange(6), np.array([1, -1, 1, 0, 1, 1]), np.ones(6, bool))
    entries = league.summary()
    assert entries["league/score_latest"] == 0.5
    assert entries["league/score_pool"] == 3.5 / 4
    assert entries["league/members"] == 2
    assert entries["league/rating"] == 0  # before anyone is rated
    assert "league/score_pool" not in league.summary()


def test_without_a_pool_the_agent_plays_itself():
    league, _ = begun(LeagueConfig(size=0, share_latest=1))
    assert (seats_of(league) == LATEST).all()


def test_a_snapshot_of_another_number_of_environments_has_its_seats_drawn_anew():
    agent = agent_of("ppo")
    agent.learn(128)
    league = league_of(envs=4)
    league.follow(agent)
    league.load_state(agent.league.state())
    assert (league.seated == NOBODY).all()
    assert len(league.copies) == len(agent.league.copies)


def test_a_league_in_which_nobody_plays_is_refused():
    with pytest.raises(ValueError, match="leaves 50% of the episodes without an opponent; give size: 20"):
        LeagueConfig(size=0)
    with pytest.raises(ValueError, match="name a player twice"):
        LeagueConfig(members=("random", "random"))


def test_an_agent_learns_to_beat_random_moves_which_it_meets_less_and_less():
    league = league_of(LeagueConfig(snapshot_every=3000, size=3, members=("random",)), 64)
    env = gymnasium.make_vec("quadrivium/TicTacToe-v0", num_envs=64, seat="random", opponent=league)
    config = PPOConfig(n_steps=8, batch_size=256, learning_rate=5e-3, net=replace(NET, width=32))
    agent = PPO(config, EnvBatch(env), seed=0, device="cpu")
    agent.join(league)
    agent.learn(24_000)
    assert league.standings.ratings[-1] > league.standings.ratings[0] + 100
    assert league.standings.scores[0] > 0.75  # two that move at random: 0.5
