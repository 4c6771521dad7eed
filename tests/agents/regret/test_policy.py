"""A solved strategy as a player at the table, and what the search says of such games."""

import copy

import gymnasium
import numpy as np
import pytest

from quadrivium.agents.errors import UserError
from quadrivium.agents.regret import GameTree, Solver, TabularPolicy, value
from quadrivium.agents.search.puct import MatchSearch, PuctConfig
from quadrivium.agents.search.rollout import RolloutEvaluator
from quadrivium.commands.arena import make_table
from quadrivium.commands.build import make_game
from quadrivium.envs.cards import KuhnPoker, LeducPoker


def test_two_who_play_a_solved_strategy_earn_its_value():
    tree = GameTree(LeducPoker())
    solver = Solver(tree)
    solver.run(100)
    players = [TabularPolicy(tree, solver.average, seed) for seed in (1, 2)]
    env = gymnasium.make_vec("quadrivium/LeducPoker-v0", num_envs=2000, seat="first", opponent=players[0])
    obs, _ = env.reset(seed=0)
    earned = []
    for _ in range(40):
        obs, rewards, terminated, _, _ = env.step(players[1](obs))
        earned += rewards[terminated].tolist()
    error = np.std(earned) / np.sqrt(len(earned))
    assert len(earned) > 20_000
    assert np.mean(earned) == pytest.approx(value(tree, solver.average), abs=4 * error)


def test_it_plays_by_its_table_never_what_has_no_probability_and_a_copy_plays_alike():
    tree = GameTree(KuhnPoker())
    strategy = np.column_stack([np.full(12, 0.25), np.full(12, 0.75)])
    strategy[3] = (1.0, 0.0)
    policy = TabularPolicy(tree, strategy, seed=0)
    other = copy.deepcopy(policy)
    seen = {"observation": np.repeat(tree.observations[[2, 3]], 20_000, axis=0)}
    actions = policy(seen)
    assert actions[:20_000].mean() == pytest.approx(0.75, abs=0.015)
    assert actions[20_000:].sum() == 0
    assert (other(seen) == actions).all()


def test_an_observation_of_another_game_is_refused():
    tree = GameTree(KuhnPoker())
    policy = TabularPolicy(tree, tree.uniform)
    with pytest.raises(ValueError, match="none of the tree's"):
        policy({"observation": np.zeros((1, 10), np.float32)})


@pytest.mark.parametrize("name", ["KuhnPoker", "LeducPoker"])
def test_alphazero_and_tournaments_of_searches_refuse_hidden_cards_in_one_line(name):
    for make in (make_game, make_table):
        with pytest.raises(UserError, match=r"hides cards that a search over its records would see") as error:
            make(f"quadrivium/{name}-v0", {})
        assert "\n" not in str(error.value)


def test_a_search_over_rows_that_hold_hidden_cards_is_refused():
    with pytest.raises(ValueError, match="KuhnPoker hides cards"):
        MatchSearch(KuhnPoker(), RolloutEvaluator(KuhnPoker()), PuctConfig(simulations=8))
