"""The loss against numbers computed by hand, and how samples become targets."""

import math

import numpy as np
import pytest
import torch

from quadrivium.agents.alphazero.config import AlphaZeroConfig
from quadrivium.agents.alphazero.learn.learner import learning_rate
from quadrivium.agents.alphazero.learn.loss import Targets, alphazero_loss, to_targets, turn
from quadrivium.agents.alphazero.learn.network import Outputs
from quadrivium.agents.alphazero.play.records import Samples
from quadrivium.agents.nets.value_heads import outcome_chances
from quadrivium.envs.board.registry import GAMES


def test_the_loss_is_both_cross_entropies():
    """Two legal actions with logits 0 and ln 3: chances 1/4 and 3/4; outcome chances 1/2, 1/4, 1/4."""
    outputs = Outputs(
        policy=torch.tensor([[0.0, math.log(3), 50.0]]),
        outcome=torch.tensor([[math.log(2), 0.0, 0.0]]),
        auxiliary={"ownership": torch.tensor([[0.5, -1.0]]), "score": torch.tensor([2.0])},
    )
    targets = Targets(
        obs=torch.zeros(1, 1, 1, 2),
        legal=torch.tensor([[True, True, False]]),
        policy=torch.tensor([[0.5, 0.5, 0.0]]),
        outcome=torch.tensor([[1.0, 0.0, 0.0]]),
        auxiliary={"ownership": torch.tensor([[1.0, -1.0]]), "score": torch.tensor([5.0])},
    )
    losses = alphazero_loss(outputs, targets, 2.0, {"ownership": 3.0, "score": 0.5})
    policy = -0.5 * math.log(1 / 4) - 0.5 * math.log(3 / 4)
    assert losses.policy.item() == pytest.approx(policy)
    assert losses.policy_excess.item() == pytest.approx(policy - math.log(2))
    assert losses.value.item() == pytest.approx(math.log(2))
    assert losses.entropy.item() == pytest.approx(-0.25 * math.log(0.25) - 0.75 * math.log(0.75))
    assert losses.auxiliary["ownership"].item() == pytest.approx(0.25 / 2)
    assert losses.auxiliary["score"].item() == pytest.approx(0.5 * 0.5**2)  # 5 points on a board 2 wide: 2.5
    expected = policy + 2 * math.log(2) + 3 * 0.125 + 0.5 * 0.125
    assert losses.total.item() == pytest.approx(expected)


def test_an_outcome_mixed_with_search_keeps_the_mean_value():
    outcome, root = np.array([1, 0, -1], np.int8), np.array([0.5, -1.0, 0.0], np.float32)
    draw = np.array([0.25, 0.0, 1.0], np.float32)
    assert outcome_chances(outcome, root, draw, np.zeros(3)).tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    share = np.array([0.25, 0.5, 1.0])
    mixed = outcome_chances(outcome, root, draw, share)
    np.testing.assert_allclose(mixed.sum(1), 1)
    np.testing.assert_allclose(mixed[:, 0] - mixed[:, 2], (1 - share) * outcome + share * root)


def test_a_position_that_search_holds_for_drawn_is_learned_as_a_draw():
    """Value 0 alone says nothing: the chance of a draw is 1, or 0, or 0.6 with a value of 0.2."""
    value, draw = np.array([0, 0, 0.2], np.float32), np.array([1, 0, 0.6], np.float32)
    found = outcome_chances(np.array([1, 1, 1], np.int8), value, draw, np.ones(3))
    np.testing.assert_allclose(found, [[0, 1, 0], [0.5, 0, 0.5], [0.3, 0.6, 0.1]], atol=1e-6)


def test_what_rounding_leaves_over_is_no_chance_below_zero():
    """0.7 and 0.3 in half precision are 0.7002 and 0.3000: together more than 1."""
    draw = np.array([0.7], np.float16).astype(np.float32)
    found = outcome_chances(np.zeros(1, np.int8), np.array([0.3], np.float32), draw, np.ones(1))
    assert (found >= 0).all()
    np.testing.assert_allclose(found, [[0.3, 0.7, 0.0]], atol=1e-3)
    np.testing.assert_allclose(found.sum(), 1)


def test_a_turned_sample_is_the_turned_position():
    """Go on 3 x 3 turned a quarter: a stone, its policy, its legality and its owner move together."""
    game = GAMES["Go"](size=3)
    pool, rows = game.pool(1), np.arange(1)
    game.step(pool, rows, np.array([2]))
    obs, legal = game.observe(pool, rows), game.legal(pool, rows) == 1
    policy = np.arange(10, dtype=np.float32)[None]
    owner = np.arange(9, dtype=np.float32)[None]
    nothing = np.zeros(1, np.float32)
    outcome = np.ones(1, np.int8)
    samples = Samples(obs, legal, policy, outcome, nothing, nothing, nothing, {"ownership": owner})
    for k in range(len(game.symmetries)):
        turned = turn(samples, game.symmetries, np.array([k]))
        (place,) = np.flatnonzero(turned.obs[0, 1])  # the other's stone
        assert turned.policy[0, place] == 2
        assert turned.auxiliary["ownership"][0, place] == 2
        assert not turned.legal[0, place]
        assert turned.policy[0, 9] == 9  # the pass stays


def test_targets_policies_sum_to_one_after_half_precision():
    policy = np.array([[0.3334, 0.3332, 0.3333]], np.float32)
    samples = Samples(
        np.zeros((1, 1, 1, 3), np.float32),
        np.ones((1, 3), bool),
        policy,
        np.zeros(1, np.int8),
        np.zeros(1),
        np.zeros(1),
        np.zeros(1),
        {},
    )
    targets = to_targets(samples, torch.device("cpu"))
    assert targets.policy.sum().item() == pytest.approx(1, abs=1e-6)


def test_the_learning_rate_falls_along_half_a_cosine():
    assert learning_rate(0.0, 1e-3, 1e-4) == pytest.approx(1e-3)
    assert learning_rate(0.5, 1e-3, 1e-4) == pytest.approx(5.5e-4)
    assert learning_rate(1.0, 1e-3, 1e-4) == learning_rate(1.7, 1e-3, 1e-4) == pytest.approx(1e-4)


def test_simulations_double_in_equal_stages_until_growth_is_done():
    config = AlphaZeroConfig(simulations=64, first_simulations=8, growth=0.6)
    # 8, 16, 32 for a third of 0.6 each, then 64
    shares = [0.0, 0.19, 0.21, 0.39, 0.41, 0.59, 0.6, 1.0]
    assert [config.simulations_at(share) for share in shares] == [8, 8, 16, 16, 32, 32, 64, 64]


def test_simulations_never_exceed_the_full_number():
    config = AlphaZeroConfig(simulations=50, first_simulations=8, growth=1.0)
    assert [config.simulations_at(share) for share in (0, 0.4, 0.7, 1.0)] == [8, 16, 32, 50]
    constant = AlphaZeroConfig(simulations=32, first_simulations=64, growth=0.0)
    assert constant.simulations_at(0.0) == 32
