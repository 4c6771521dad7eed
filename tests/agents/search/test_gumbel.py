"""Gumbel search against a readable one, its pieces by hand, and what it finds."""

import numpy as np
import pytest
from scipy.special import rel_entr

from quadrivium.agents.search import GumbelConfig, NullEvaluator, Tree, gumbel_search
from quadrivium.agents.search.gumbel import (
    considered_visits,
    improved_values,
    transform,
    worth_playing,
)
from quadrivium.agents.search.kernels import UNPROVEN
from quadrivium.envs.board.registry import GAMES
from tests.agents.search import reference as search_reference
from tests.agents.search.toys import Corridor, Race, RandomLinear


class FixedNoise:
    """Stands for a generator whose Gumbel draws are known."""

    def __init__(self, noise):
        self.noise = np.asarray(noise)

    def gumbel(self, size):
        assert size == self.noise.shape
        return self.noise


def positions(game, count, moves, seed=0):
    """Returns running games after 0 to `moves` random moves."""
    pool = game.pool(count * 4, seed)
    for k in range(len(pool)):
        game.play_random(pool, np.array([k]), k % (moves + 1))
    return pool[~game.result(pool, np.arange(len(pool))).over][:count]


def connect_four(text):
    return GAMES["ConnectFour"]().play_moves(text)


# ---- sequential halving


def test_four_considered_actions_and_sixteen_simulations():
    # two phases of 8: four actions twice each, then the better two four times each
    assert considered_visits(4, 16) == [0] * 4 + [1] * 4 + [2, 2, 3, 3, 4, 4, 5, 5]


def test_sixteen_considered_actions_and_64_simulations():
    # four phases of 16: 16 actions once, 8 twice, 4 four times, 2 eight times
    turns = considered_visits(16, 64)
    assert turns == (
        [0] * 16 + [1] * 8 + [2] * 8 + [n for n in range(3, 7) for _ in range(4)]
        + [n for n in range(7, 15) for _ in range(2)]
    )  # fmt: skip


def test_more_actions_than_simulations_are_tried_once_each():
    assert considered_visits(16, 5) == [0] * 5


def test_one_considered_action_gets_all_simulations():
    assert considered_visits(1, 4) == [0, 1, 2, 3]


def test_root_visits_by_hand():
    """Tic-tac-toe, noise that ranks the cells 8, 7, ... 0 and values of nothing: halving keeps the last."""
    game = GAMES["TicTacToe"]()
    noise = FixedNoise([np.arange(9.0) * 10])
    result = gumbel_search(game, game.pool(1), NullEvaluator(), GumbelConfig(16, max_considered=4), noise)
    assert result.visits.tolist() == [[0, 0, 0, 0, 0, 2, 2, 6, 6]]
    assert result.actions.tolist() == [8]


# ---- completed values


def test_completed_q_target_by_hand():
    """Ten lines of NumPy after eqs. 8, 10 and 33, on three actions of which two were visited."""
    prior, raw = np.array([0.5, 0.3, 0.2]), 0.1
    visits, q = np.array([3, 1, 0]), np.array([0.4, -0.6, 0.0])
    mixed = (raw + 4 * (0.5 * 0.4 + 0.3 * -0.6) / 0.8) / 5
    assert mixed == pytest.approx(0.04)
    completed = np.array([0.4, -0.6, 0.04])
    plain = (50 + 3) * 1.0 * completed
    rescaled = (50 + 3) * 0.1 * (completed + 0.6) / 1.0
    arguments = q[None], visits[None], prior[None], np.array([raw]), np.ones((1, 3), bool)
    assert transform(*arguments, GumbelConfig(4, c_scale=1.0, rescale=False))[0] == pytest.approx(plain)
    assert transform(*arguments, GumbelConfig(4))[0] == pytest.approx(rescaled)


def test_policy_target_is_the_softmax_of_logits_and_completed_values():
    game, config = Race(), GumbelConfig(6)
    evaluator = RandomLinear(game)
    roots = game.pool(1)
    result = gumbel_search(game, roots, evaluator, config, np.random.default_rng(0))
    logits, values, _ = evaluator(game.observe(roots, np.arange(1)), game.legal(roots, np.arange(1)))
    prior = np.exp(logits) / np.exp(logits).sum()
    s = transform(result.q, result.visits, prior, values, np.ones((1, 3), bool), config)
    expected = np.exp(logits + s) / np.exp(logits + s).sum()
    assert result.policy == pytest.approx(expected, abs=1e-5)


# ---- against the readable search


@pytest.mark.parametrize(
    ("game", "moves"),
    [
        (GAMES["TicTacToe"](), 5),
        (GAMES["ConnectFour"](), 20),
        (GAMES["Othello"](size=6), 26),
        (Race(), 4),
        (Corridor(), 2),
    ],
    ids=["tic-tac-toe", "connect four", "Othello", "race", "corridor"],
)
@pytest.mark.parametrize(
    "config",
    [
        GumbelConfig(40, solver=False),
        GumbelConfig(24, max_considered=4, rescale=False, c_scale=1.0, solver=False),
        GumbelConfig(7, discount=0.9, solver=False),
    ],
    ids=["rescaled", "unscaled", "few"],
)
def test_agrees_with_a_readable_search(game, moves, config):
    roots = positions(game, 6, moves)
    evaluator = RandomLinear(game, seed=3)
    result = gumbel_search(game, roots, evaluator, config, np.random.default_rng(5))
    noise = np.random.default_rng(5).gumbel(size=(len(roots), game.num_actions))
    turns = [considered_visits(m, config.simulations) for m in range(config.max_considered + 1)]
    for k in range(len(roots)):
        root, action, policy = search_reference.gumbel(game, roots[k], evaluator, config, noise[k], turns)
        visits = [root.N.get(a, 0) for a in range(game.num_actions)]
        assert result.visits[k].tolist() == visits
        assert result.actions[k] == action
        assert result.policy[k] == pytest.approx(
            [policy.get(a, 0) for a in range(game.num_actions)], abs=1e-4
        )
        tried = [a for a in policy if root.N.get(a)]
        value = sum(policy[a] * root.q(a) for a in tried) / sum(policy[a] for a in tried)
        assert result.values[k] == pytest.approx(value, abs=1e-4)
        draw = sum(policy[a] * root.draw(a) for a in tried) / sum(policy[a] for a in tried)
        assert result.draws[k] == pytest.approx(draw, abs=1e-4)
        q = [root.q(a) if root.N.get(a) else 0.0 for a in range(game.num_actions)]
        assert result.q[k] == pytest.approx(q, abs=1e-4)


# ---- batches


def test_visits_sum_to_the_simulations_or_to_fewer_where_the_root_is_proven():
    game = GAMES["TicTacToe"]()
    roots = positions(game, 20, 8)  # some with one move left, which end at once
    result = gumbel_search(game, roots, RandomLinear(game), GumbelConfig(30), np.random.default_rng(0))
    settled = result.proven < UNPROVEN
    visits = result.visits.sum(axis=1)
    assert 3 < settled.sum() < 20
    assert (visits[~settled] == 30).all()
    assert (visits[settled] < 30).all()
    for row, told, value, draw in zip(
        roots[settled], result.proven[settled], result.values[settled], result.draws[settled], strict=True
    ):
        assert told == value == negamax(game, np.array([row]))
        assert draw == (told == 0)
    assert result.policy.sum(axis=1) == pytest.approx(np.ones(20), abs=1e-5)
    legal = game.legal(roots, np.arange(20)) != 0
    assert (result.policy[~legal] == 0).all()
    assert legal[np.arange(20), result.actions].all()


def test_surprise_is_the_divergence_of_the_improved_policy_from_the_network():
    game = GAMES["ConnectFour"]()
    roots, evaluator = positions(game, 12, 10), RandomLinear(game)
    result = gumbel_search(game, roots, evaluator, GumbelConfig(24), np.random.default_rng(0))
    rows = np.arange(12)
    legal = game.legal(roots, rows)
    logits = np.where(legal != 0, evaluator(game.observe(roots, rows), legal).logits, -np.inf)
    prior = np.exp(logits - logits.max(1, keepdims=True))
    prior /= prior.sum(1, keepdims=True)
    assert result.surprise == pytest.approx(rel_entr(result.policy, prior).sum(1), abs=1e-4)
    assert (result.surprise > 0.01).any()


def test_permuting_the_batch_permutes_the_results():
    game, config = GAMES["ConnectFour"](), GumbelConfig(32)
    roots, evaluator = positions(game, 9, 25), RandomLinear(game)
    noise = np.random.default_rng(1).gumbel(size=(9, 7))
    order = np.random.default_rng(2).permutation(9)
    straight = gumbel_search(game, roots, evaluator, config, FixedNoise(noise))
    permuted = gumbel_search(game, roots[order], evaluator, config, FixedNoise(noise[order]))
    for one, other in zip(straight, permuted, strict=True):
        np.testing.assert_array_equal(one[order], other)


def test_a_batch_of_one_is_a_row_of_many():
    game, config = GAMES["Othello"](size=6), GumbelConfig(20)
    roots, evaluator = positions(game, 5, 20), RandomLinear(game)
    noise = np.random.default_rng(1).gumbel(size=(5, game.num_actions))
    many = gumbel_search(game, roots, evaluator, config, FixedNoise(noise))
    for k in range(5):
        one = gumbel_search(game, roots[k : k + 1], evaluator, config, FixedNoise(noise[k : k + 1]))
        for a, b in zip(one, many, strict=True):
            np.testing.assert_array_equal(a[0], b[k])


def test_many_threads_give_what_one_gives():
    game, config = GAMES["ConnectFour"](), GumbelConfig(16)
    roots, evaluator = positions(game, 150, 20), RandomLinear(game)
    noise = np.random.default_rng(1).gumbel(size=(150, 7))
    many = gumbel_search(game, roots, evaluator, config, FixedNoise(noise))
    few = gumbel_search(game, roots[:100], evaluator, config, FixedNoise(noise[:100]))
    for a, b in zip(few, many, strict=True):
        np.testing.assert_array_equal(a, b[:100])


def test_only_running_games_are_evaluated_and_all_at_once():
    game, evaluator = GAMES["TicTacToe"](), RandomLinear(GAMES["TicTacToe"]())
    gumbel_search(game, game.pool(5), evaluator, GumbelConfig(4), np.random.default_rng(0))
    assert evaluator.batches == [5] * 5
    evaluator.batches.clear()
    last_move = game.play_moves("a1 b1 c1 a2 b2 c2 b3 a3")  # c3 alone is left: nothing more to evaluate
    gumbel_search(game, last_move, evaluator, GumbelConfig(4), np.random.default_rng(0))
    assert evaluator.batches == [1]


def test_arrays_can_be_used_again():
    game, config = GAMES["ConnectFour"](), GumbelConfig(16)
    roots, evaluator, tree = positions(game, 6, 20), RandomLinear(game), Tree(game, 8, 33)
    fresh = gumbel_search(game, roots, evaluator, config, np.random.default_rng(0))
    for _ in range(2):
        again = gumbel_search(game, roots, evaluator, config, np.random.default_rng(0), tree)
        for a, b in zip(fresh, again, strict=True):
            np.testing.assert_array_equal(a, b)


def test_the_edges_grow_where_a_game_has_many_moves():
    game, config = GAMES["Go"](size=9), GumbelConfig(12)
    tree = Tree(game, 2, 13, width=90)
    evaluator = RandomLinear(game)
    small = gumbel_search(game, game.pool(2), evaluator, config, np.random.default_rng(0), tree)
    assert tree.width >= 82 + 12 * 80
    large = gumbel_search(game, game.pool(2), evaluator, config, np.random.default_rng(0))
    for a, b in zip(small, large, strict=True):
        np.testing.assert_array_equal(a, b)


# ---- what it finds


def test_finds_a_win_in_one_in_connect_four():
    game = GAMES["ConnectFour"]()
    result = gumbel_search(
        game, connect_four("a b a b a b"), NullEvaluator(), GumbelConfig(16), np.random.default_rng(0)
    )
    assert result.actions.tolist() == [0]
    assert result.q[0, 0] == 1.0
    assert result.policy[0].argmax() == 0


def test_finds_the_only_defence_in_connect_four():
    game = GAMES["ConnectFour"]()
    config = GumbelConfig(100, gumbel_scale=0.0)
    result = gumbel_search(game, connect_four("a b a b a"), NullEvaluator(), config, np.random.default_rng(0))
    assert result.actions.tolist() == [0]


def test_a_pass_in_othello_changes_the_mover_like_a_move():
    """After 'd3 c5 e6 f5 e3 ...' play on to a position whose only action is to pass; the search goes through
    it.
    """
    game = GAMES["Othello"](size=6)
    pool = game.pool(400)
    everyone = np.arange(400)
    for _ in range(34):
        running = everyone[~game.result(pool, everyone).over]
        passing = running[game.legal(pool, running)[:, -1] == 1]
        if len(passing):
            break
        game.step(pool, running, game.random_actions(pool, running))
    assert len(passing)
    result = gumbel_search(
        game, pool[passing], RandomLinear(game), GumbelConfig(12), np.random.default_rng(0)
    )
    assert (result.actions == game.num_actions - 1).all()
    assert (result.visits[:, -1] == 12).all()


def test_one_player_walks_past_the_near_reward_to_the_far_one():
    """On a corridor of 6 cells: left now pays 0.1, right five times 4 * -0.01 + 1 = 0.96."""
    game = Corridor(6)
    result = gumbel_search(game, game.pool(1), NullEvaluator(), GumbelConfig(200), np.random.default_rng(0))
    assert result.actions.tolist() == [1]


def test_a_reward_counts_now_and_the_value_behind_it_discounted():
    """Left ends with 0.1; right costs 0.01 and leads to a value of 0.6, half of which counts."""
    game = Corridor(3)

    def constant(obs, legal):
        return NullEvaluator()(obs, legal)._replace(values=np.full(len(obs), 0.6, np.float32))

    config = GumbelConfig(2, discount=0.5)
    result = gumbel_search(game, game.pool(1), constant, config, np.random.default_rng(0))
    assert result.visits.tolist() == [[1, 1]]
    assert result.q[0] == pytest.approx([0.1, 0.29])
    assert result.values[0] == pytest.approx(result.policy[0] @ [0.1, 0.29])


def test_a_root_without_a_move_is_an_error():
    game = GAMES["ConnectFour"]()
    roots = np.concatenate([game.pool(1), connect_four("a b a b a b a")])
    with pytest.raises(ValueError, match="position 1 has no legal action: its game is over"):
        gumbel_search(game, roots, NullEvaluator(), GumbelConfig(4), np.random.default_rng(0))


def test_an_evaluator_that_returns_nan_is_an_error():
    game = GAMES["ConnectFour"]()

    def broken(obs, legal):
        return NullEvaluator()(obs, legal)._replace(values=np.full(len(obs), np.nan, np.float32))

    with pytest.raises(ValueError, match="nan as a value; its weights are broken"):
        gumbel_search(game, game.pool(1), broken, GumbelConfig(4), np.random.default_rng(0))


def test_no_simulations_are_an_error():
    with pytest.raises(ValueError, match="simulations=0 is too small; 1 is the least"):
        GumbelConfig(0)


# ---- proven outcomes


def test_the_value_of_a_search_is_that_of_its_improved_policy():
    """Of actions worth 2, 0 and (untried) 9 with chances 0.6, 0.2, 0.2 it is (0.6 * 2 + 0.2 * 0) / 0.8."""
    policy, q = np.array([[0.6, 0.2, 0.2]], np.float32), np.array([[2.0, 0.0, 9.0]], np.float32)
    assert improved_values(policy, q, np.array([[3, 3, 0]]), np.array([-5.0])) == pytest.approx([1.5])
    assert improved_values(policy, q, np.zeros((1, 3), int), np.array([-5.0])) == pytest.approx([-5.0])


def test_worth_playing_are_proven_wins_or_else_what_is_not_proven_lost():
    outcomes = np.array([[1, 0, 2, 1], [-1, 0, 2, 1], [-1, -1, -1, -1]])
    legal = np.array([[1, 1, 1, 0], [1, 1, 1, 0], [1, 1, 1, 0]], bool)
    assert worth_playing(outcomes, legal).astype(int).tolist() == [[1, 0, 0, 0], [0, 1, 1, 0], [1, 1, 1, 0]]


def test_with_the_solver_late_positions_are_worth_what_they_are_worth_with_best_play():
    """Connect four with at most nine empty cells, by a plain search to the end."""
    game = GAMES["ConnectFour"]()
    roots, keeps = game.exam
    roots, keeps = roots[roots["ply"] >= 33], keeps[roots["ply"] >= 33]
    found = gumbel_search(game, roots, NullEvaluator(), GumbelConfig(3000), np.random.default_rng(0))
    assert keeps[np.arange(len(roots)), found.actions].all()
    assert (found.policy[~keeps] < 0.01).all()
    worth = np.array([negamax(game, root[None]) for root in roots])
    assert found.values == pytest.approx(worth, abs=0.01)
    assert found.draws == pytest.approx((worth == 0).astype(float), abs=0.01)
    assert {0, 1} <= set(worth)


def negamax(game, position):
    rows = np.arange(1)
    result = game.result(position, rows)
    if result.over[0]:
        return result.returns[0, result.to_move[0]]
    best = -1.0
    for action in np.flatnonzero(game.legal(position, rows)[0]):
        after = position.copy()
        game.step(after, rows, np.array([action]))
        best = max(best, -negamax(game, after))
        if best == 1:
            break
    return best
