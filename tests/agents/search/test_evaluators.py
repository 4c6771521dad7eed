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
from quadrivium.agents.search.protocols import Evaluation
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
    assert rollout(drawn, np.arange(1)).draws.tolist() == [1.0]
    race = Race(3)
    lost = race.pool(1)
    lost["count"], lost["to_move"] = 2, 1  # adding 1 is all that is left, and wins
    assert RolloutEvaluator(race)(lost, np.arange(1)).values.tolist() == [1.0]
    assert RolloutEvaluator(race)(lost, np.arange(1)).draws.tolist() == [0.0]


def test_values_are_the_mean_of_random_games_for_the_player_to_move():
    """Tic-tac-toe: x wins 58.5 %, o 28.8 % of random games."""
    game = GAMES["TicTacToe"]()
    _, values, draws = RolloutEvaluator(game)(game.pool(20_000), np.arange(20_000))
    assert values.mean() == pytest.approx(0.585 - 0.288, abs=0.02)
    assert draws.mean() == pytest.approx(0.127, abs=0.01)
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
        np.testing.assert_array_equal(answer.logits[legal == 1], expected.logits[legal == 1])
        np.testing.assert_array_equal(answer.values, expected.values)
        np.testing.assert_array_equal(answer.draws, expected.draws)
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


def masks(*counts):
    """Returns masks (n, 100) with so many legal actions, the last ones."""
    return (np.arange(100) >= 100 - np.array(counts)[:, None]).astype(np.int8)


def numbered(obs, legal):
    """Says a number for each action, which tells the position and the action."""
    return Evaluation(obs * 1000 + np.arange(100, dtype=np.float32), np.zeros(len(obs), np.float32))


def test_the_cache_holds_the_logits_of_legal_actions_alone():
    """64 positions of 16 bytes each and 4 for each of at most 12 legal actions, not 100."""
    cache = EvaluationCache(numbered, 64)
    obs, legal = np.arange(3, dtype=np.float32)[:, None], masks(10, 1, 4)
    for _ in range(2):
        logits = cache(obs, legal).logits
        assert (logits == numbered(obs, legal).logits)[legal == 1].all()
    assert cache.hits == 3
    assert cache.nbytes == 64 * (16 + 4 * 12)


def test_positions_with_more_legal_actions_do_not_drive_out_the_others():
    cache = EvaluationCache(numbered, 64)
    obs = np.arange(2, dtype=np.float32)[:, None]
    cache(obs[:1], masks(3))
    cache(obs[1:], masks(100))
    assert (cache(obs[:1], masks(3)).logits[0, 97:] == [97, 98, 99]).all()
    assert cache.hits == 1


def test_a_cache_takes_no_more_memory_than_it_may():
    """A position with 100 legal actions takes 416 bytes: of 1024 asked for, 8 fit into 4000."""
    cache = EvaluationCache(numbered, 1024, max_bytes=4000)
    assert cache.capacity == 1024
    obs = np.arange(2, dtype=np.float32)[:, None]
    cache(obs[:1], masks(100))
    assert cache.capacity == 8
    assert cache.nbytes == 8 * 416
    assert (cache(obs, masks(100, 2)).logits[:, 98:] == [[98, 99], [1098, 1099]]).all()
    assert cache.hits == 1


def test_chess_at_the_defaults_fits_into_half_a_gigabyte():
    """Of 4,672 actions at most 218 are legal: 2^18 positions of 16 + 4 * 218 bytes are 233 MB."""
    game = GAMES["Chess"]()
    cache = EvaluationCache(NullEvaluatorThatLooks(), 200_000)
    pool = positions(game, 10, 60)
    cache(game.observe(pool, np.arange(10)), game.legal(pool, np.arange(10)))
    assert cache.capacity == 1 << 18
    assert cache.nbytes <= 2**18 * (16 + 4 * 218)


class NullEvaluatorThatLooks(NullEvaluator):
    wants_observations = True
