"""A single player's rewards become returns: by hand, and against the sum over all n-step returns."""

from typing import NamedTuple

import numpy as np
import pytest

from quadrivium.agents.alphazero.play.episodes import EpisodeRecords
from quadrivium.agents.alphazero.play.outcomes import Returns
from quadrivium.agents.alphazero.play.returns import lambda_returns
from quadrivium.agents.alphazero.play.self_play import SelfPlay, SelfPlayConfig
from quadrivium.agents.search import GumbelConfig, NullEvaluator, gumbel_search
from quadrivium.agents.search.protocols import Evaluation
from tests.agents.search.toys import Coins, Corridor


def returns(rewards, discounts, values, beyond, td_lambda):
    arrays = (np.array(a, np.float32) for a in (rewards, discounts, values))
    return lambda_returns(*arrays, beyond, td_lambda)


@pytest.mark.parametrize(
    ("td_lambda", "expected"),
    [
        (1.0, [1 + 0.5 * 5.5, 2 + 0.5 * 7, 3 + 0.5 * 8]),
        (0.0, [1 + 0.5 * 2, 2 + 0.5 * 1, 3 + 0.5 * 8]),
        (0.5, [1 + 0.5 * (0.5 * 2 + 0.5 * 4), 2 + 0.5 * (0.5 * 1 + 0.5 * 7), 7]),
    ],
)
def test_three_steps_by_hand(td_lambda, expected):
    found = returns([1, 2, 3], [0.5] * 3, [99, 2, 1], 8.0, td_lambda)
    np.testing.assert_allclose(found, expected)


def test_a_return_is_the_weighted_mean_of_all_n_step_returns():
    """Sutton & Barto 2018, eq. 12.3: (1 - λ) Σ λ^(n-1) G_n, the last one taking what weight is left."""
    random = np.random.default_rng(0)
    length, gamma, td_lambda, beyond = 7, 0.9, 0.7, 1.3
    rewards, values = random.normal(size=length), random.normal(size=length)
    after = [*values[1:], beyond]
    expected = []
    for t in range(length):
        steps = [
            sum(gamma**i * rewards[t + i] for i in range(n)) + gamma**n * after[t + n - 1]
            for n in range(1, length - t + 1)
        ]
        weights = [(1 - td_lambda) * td_lambda**n for n in range(len(steps) - 1)]
        expected.append(np.dot([*weights, 1 - sum(weights)], steps))
    np.testing.assert_allclose(returns(rewards, [gamma] * length, values, beyond, td_lambda), expected, 1e-5)


def test_what_moves_without_a_record_earn_belongs_to_the_record_before():
    """Rewards 1, 2, 4 after one record, discount 1/2: 1 + 1 + 1, and what follows counts an eighth."""
    kept = EpisodeRecords(Corridor(), 0.5, 1.0)
    records = np.zeros((2, 4), kept.empty.records.dtype)
    records["discount"] = 1.0
    counts = np.array([0, 1])  # the first game has no record yet: nothing is anybody's
    for reward in (1.0, 2.0, 4.0):
        kept.pay(records, counts, np.full((2, 1), reward, np.float32))
    assert records["reward"][:, 0].tolist() == [0.0, 3.0]
    assert records["discount"][:, 0].tolist() == [1.0, 0.125]


def test_a_share_of_what_a_position_is_worth_is_what_search_thought_of_it():
    """Rewards 1 and 2, discount 1/2: returns 2 and 2; search thought 10 and 4; a quarter of that."""
    kept = EpisodeRecords(Corridor(), 0.5, 1.0, root_share=0.25)
    records = np.zeros(2, kept.empty.records.dtype)
    records["reward"], records["discount"], records["root_value"] = [1, 2], 0.5, [10, 4]
    kept.finish(records, np.zeros(1), {"beyond": np.float32(0)})
    assert records["outcome"].tolist() == [0.75 * 2 + 0.25 * 10, 0.75 * 2 + 0.25 * 4]


class Found(NamedTuple):
    actions: np.ndarray
    policy: np.ndarray
    values: np.ndarray
    draws: np.ndarray


def walk(roots, evaluator, simulations, rng):
    """A stand-in for search that always walks right and thinks nothing of it."""
    nothing, policy = np.zeros(len(roots), np.float32), np.tile([0, 1], (len(roots), 1)).astype(np.float32)
    return Found(np.ones(len(roots), np.int64), policy, nothing, nothing)


def eight(obs, legal):
    return Evaluation(np.zeros(legal.shape, np.float32), np.full(len(legal), 8, np.float32))


def play(game, moves, **config):
    outcomes = Returns(game, 0.5, 1.0)
    self_play = SelfPlay(game, outcomes, walk, SelfPlayConfig(**config), 3, np.random.default_rng(0))
    return self_play, self_play.play(moves, eight, 4).records


def test_an_episode_that_terminates_is_worth_what_it_paid():
    """Corridor of length 4 from cell 1: -0.01, -0.01, then 1 at the end."""
    self_play, records = play(Corridor(4), 3)
    expected = [-0.01 + 0.5 * (-0.01 + 0.5), -0.01 + 0.5, 1.0]
    np.testing.assert_allclose(records["outcome"], expected * 3, rtol=1e-6)
    assert self_play.statistics.summary()["rollout/ep_rew_mean"] == pytest.approx(0.98)
    assert self_play.statistics.summary()["rollout/ep_len_mean"] == 3


def test_an_episode_whose_time_is_up_is_worth_what_the_evaluator_expects_beyond():
    """Two steps of -0.01, then an evaluator that says 8."""
    self_play, records = play(Corridor(9, limit=2), 4)
    np.testing.assert_allclose(records["outcome"], [-0.01 + 0.5 * 3.99, 3.99] * 6, rtol=1e-6)
    assert self_play.statistics.lengths == [2] * 6
    assert (self_play.pool["x"] == 1).all()  # begun anew


def test_fast_searches_leave_no_record_but_their_rewards_count():
    _, records = play(Corridor(4), 300, full_search_share=0.5)
    x = records["obs"][:, 0]
    worth = {1: 0.235, 2: 0.49, 3: 1.0}
    np.testing.assert_allclose(records["outcome"], [worth[int(cell)] for cell in x], rtol=1e-6)
    assert {1, 2, 3} == set(x.tolist())


def test_restored_episodes_go_on_with_what_they_earned():
    one, _ = play(Corridor(9), 5)
    other, _ = play(Corridor(9), 1)
    other.load_state({key: array.copy() for key, array in one.state().items()})
    for ours, theirs in zip(one.play(10, eight, 4), other.play(10, eight, 4), strict=True):
        assert (ours == theirs).all()
    assert other.statistics.returns == pytest.approx([0.93] * 3)


def test_a_search_does_not_foresee_what_the_world_will_draw():
    """Who foresees the coins calls each of them; who does not, half of them."""
    game, everyone = Coins(), np.arange(400)
    outcomes, config = Returns(game, 1.0, 1.0), GumbelConfig(16, gumbel_scale=0.0)

    def earned(roots_of):
        pool, total = game.pool(400), 0.0
        for _ in range(5):
            found = gumbel_search(game, roots_of(pool), NullEvaluator(), config, np.random.default_rng(0))
            game.step(pool, everyone, found.actions)
            total += pool["paid"].mean()
        return total

    assert earned(lambda pool: pool) == 5
    assert earned(outcomes.to_search) == pytest.approx(2.5, abs=4 * np.sqrt(5 / 4 / 400))
