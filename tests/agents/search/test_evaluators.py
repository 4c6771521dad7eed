"""Rollouts, the player mcts:N, and the evaluation cache."""

import numpy as np
import pytest

from quadrivium.agents.search import (
    EvaluationCache,
    GumbelConfig,
    NullEvaluator,
    RolloutEvaluator,
    gumbel_search,
    monte_carlo_search,
)
from quadrivium.envs.board.registry import GAMES
from tests.agents.search.test_gumbel import connect_four, positions
from tests.agents.search.toys import Corridor, Race, RandomLinear

# ---- rollouts


def test_a_forced_game_is_valued_exactly():
    """One free cell, c3, with which x makes no three: a draw; and a fork that wins whatever is played."""
    game = GAMES["TicTacToe"]()
    rollout = RolloutEvaluator(game, playouts=3)
    drawn = game.play_moves("b2 a1 c1 a3 a2 c2 b3 b1")
    assert rollout(drawn, np.arange(1)).values.tolist() == [0.0]
    race = Race(3)
    lost = race.pool(1)
    lost["count"], lost["to_move"] = 2, 1  # adding 1 is all that is left, and wins
    assert RolloutEvaluator(race)(lost, np.arange(1)).values.tolist() == [1.0]


def test_values_are_the_mean_of_random_games_for_the_player_to_move():
    """Tic-tac-toe: x wins 58.5 %, o 28.8 % of random games."""
    game = GAMES["TicTacToe"]()
    values = RolloutEvaluator(game)(game.pool(20_000), np.arange(20_000)).values
    assert values.mean() == pytest.approx(0.585 - 0.288, abs=0.02)
    after = game.pool(20_000)
    game.step(after, np.arange(20_000), np.full(20_000, 4))
    assert RolloutEvaluator(game)(after, np.arange(20_000)).values.mean() < -0.4  # o's view, x in the centre


def test_a_rollout_follows_from_the_position_and_the_seed_alone():
    game = GAMES["ConnectFour"]()
    pool = positions(game, 60, 10)
    before = pool.copy()
    many = RolloutEvaluator(game)(pool, np.arange(60)).values
    one = [RolloutEvaluator(game)(pool[k : k + 1], np.arange(1)).values[0] for k in range(60)]
    np.testing.assert_array_equal(many, one)
    assert (pool == before).all()
    assert (RolloutEvaluator(game, seed=1)(pool, np.arange(60)).values != many).any()


def test_one_players_rollout_sums_discounted_rewards():
    """Left ends with 0.1; right costs 0.01 and leads to 1 or back to here, each next reward counting half."""
    game = Corridor(3)
    values = RolloutEvaluator(game, discount=0.5)(game.pool(500), np.arange(500)).values.astype(np.float64)
    back = -0.01 + 0.5 * 0.1  # right and left again, which pays 0.1, weighted 1/4 what follows
    expected = {0.1, -0.01 + 0.5, back + 0.25 * 0.1, back + 0.25 * (-0.01 + 0.5)}
    shortest = values[np.isin(values.round(4), np.round(list(expected), 4))]
    assert len(np.unique(shortest.round(4))) == 4
    assert len(shortest) > 400  # 15 in 16 games are no longer than that


def test_monte_carlo_search_beats_random_play():
    """40 games of connect four, 60 rollouts a move, as either side: it wins nearly all."""
    game = GAMES["ConnectFour"]()
    games, slots = game.pool(40), np.arange(40)
    search = monte_carlo_search(game, 60)
    side = slots % 2
    while len(slots := slots[~game.result(games, slots).over]):
        mine = slots[game.result(games, slots).to_move == side[slots]]
        theirs = np.setdiff1d(slots, mine)
        actions = np.zeros(40, np.int64)
        if len(mine):
            actions[mine] = search.search(games[mine], mine).actions
        if len(theirs):
            actions[theirs] = game.random_actions(games, theirs)
        game.step(games, slots, actions[slots])
        search.advance(slots, actions[slots])
    returns = game.result(games, np.arange(40)).returns
    assert (returns[np.arange(40), side] == 1).sum() >= 38


def test_monte_carlo_search_defends():
    game = GAMES["ConnectFour"]()
    result = monte_carlo_search(game, 400).search(connect_four("a b a b a"))
    assert result.actions.tolist() == [0]


# ---- the cache


def test_a_position_is_evaluated_once():
    game, evaluator = GAMES["ConnectFour"](), RandomLinear(GAMES["ConnectFour"]())
    cache = EvaluationCache(evaluator, 1 << 10)
    pool = positions(game, 10, 12)
    twice = np.concatenate([pool, pool[::-1]])
    rows = np.arange(20)
    obs, legal = game.observe(twice, rows), game.legal(twice, rows)
    distinct = len({(o.tobytes(), m.tobytes()) for o, m in zip(obs, legal, strict=True)})
    expected = evaluator(obs, legal)
    evaluator.batches.clear()
    for _ in range(2):
        answer = cache(obs, legal)
        np.testing.assert_array_equal(answer.logits, expected.logits)
        np.testing.assert_array_equal(answer.values, expected.values)
    assert evaluator.batches == [distinct]
    assert (cache.lookups, cache.hits) == (40, 40 - distinct)
    assert cache.hit_rate == (40 - distinct) / 40
    cache.clear()
    cache(obs, legal)
    assert evaluator.batches == [distinct, distinct]


@pytest.mark.parametrize("capacity", [1, 2, 64])
def test_a_cache_changes_no_search_however_small(capacity):
    game, evaluator = GAMES["ConnectFour"](), RandomLinear(GAMES["ConnectFour"]())
    cache, roots = EvaluationCache(evaluator, capacity), positions(game, 8, 20)
    config = GumbelConfig(40)
    plain = gumbel_search(game, roots, evaluator, config, np.random.default_rng(0))
    cached = gumbel_search(game, roots, cache, config, np.random.default_rng(0))
    for a, b in zip(plain, cached, strict=True):
        np.testing.assert_array_equal(a, b)
    assert cache.lookups > 0
    assert (cache.hits > 0) == (capacity == 64)


def test_the_same_board_with_other_legal_moves_is_another_position():
    cache = EvaluationCache(RandomLinear(Race()), 16)
    obs = np.ones((2, 4, 1, 1), np.float32)
    cache(obs, np.array([[1, 1, 0], [1, 0, 0]], np.int8))
    assert cache.hits == 0


def test_what_does_not_look_cannot_be_cached():
    with pytest.raises(ValueError, match="NullEvaluator does not look at observations"):
        EvaluationCache(NullEvaluator(), 16)
    with pytest.raises(ValueError, match="RolloutEvaluator does not look at observations"):
        EvaluationCache(RolloutEvaluator(Race()), 16)
