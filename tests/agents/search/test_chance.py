"""Searches where chance has a part: a toy whose values are known, shares of outcomes, and expectimax."""

from dataclasses import dataclass

import numpy as np
import pytest

from quadrivium.agents.search import (
    Expectimax,
    GumbelConfig,
    MatchSearch,
    NullEvaluator,
    PuctConfig,
    gumbel_search,
    read_thought,
)
from quadrivium.agents.search.kernels.layout import FIRST, LEGAL, MOVER, TIMES, VISITS
from quadrivium.agents.search.protocols import CHANCE, Evaluation


@dataclass
class Stand:
    over: np.ndarray
    truncated: np.ndarray
    to_move: np.ndarray
    returns: np.ndarray


class Lottery:
    """`rounds` times choose: 0 takes 0.5 for sure; 1 draws a ticket worth 0 (0.7), 1 (0.2) or 6 (0.1).

    The ticket is paid by the next choice, whichever that is, or by the last, free step that ends the game. So
    a ticket is worth 0.8 and the best is to draw every time. With two players they take turns, and what one
    wins the other loses; `rows` then hold whose ticket it is by who moved.
    """

    num_actions, num_outcomes, observation_shape = 2, 3, (1, 1, 1)
    chance = np.array([0.7, 0.2, 0.1], np.float32)
    prizes = np.array([0.0, 1.0, 6.0])
    state_dtype = np.dtype(
        [("rng", "u8"), ("round", "i8"), ("mover", "i8"), ("ticket", "i8"), ("paid", "f8"), ("over", "i8")]
    )

    def __init__(self, rounds=2, players=1):
        self.rounds, self.num_players = rounds, players

    def pool(self, size, seed=0):
        pool = np.zeros(size, self.state_dtype)
        pool["ticket"] = -1
        return pool

    def copy(self, pool, sources, targets):
        pool[targets] = pool[sources]

    def legal(self, pool, rows, out=None):
        legal = np.repeat(pool["over"][rows, None] == 0, 2, axis=1).astype(np.int8)
        legal[pool["round"][rows] >= self.rounds, 1] = 0
        if out is None:
            return legal
        out[:] = legal
        return out

    def branch(self, pool, sources, targets, actions):
        self.copy(pool, sources, targets)
        for row, action in zip(targets, actions, strict=True):
            s = pool[row]
            if s["mover"] >= CHANCE:
                s["ticket"], s["mover"], s["paid"] = action, (s["mover"] - CHANCE + 1) % self.num_players, 0.0
                continue
            # The last ticket was the other's, who has earned it.
            due = 0.0 if s["ticket"] < 0 else self.prizes[s["ticket"]] * (1 if self.num_players == 1 else -1)
            s["ticket"] = -1
            s["paid"] = due + (0.5 if action == 0 and s["round"] < self.rounds else 0.0)
            s["over"] = s["round"] >= self.rounds
            s["round"] += 1
            s["mover"] = s["mover"] + CHANCE if action == 1 else (s["mover"] + 1) % self.num_players
        return self.result(pool, targets)

    def chances(self, pool, rows):
        return np.repeat(self.chance[None], len(rows), axis=0)

    def result(self, pool, rows):
        movers, paid = pool["mover"][rows], pool["paid"][rows].astype(np.float32)
        if self.num_players == 1:
            returns = paid[:, None]
        else:  # who has moved is the other one, or the one whose ticket is being drawn
            moved = np.where(movers >= CHANCE, movers - CHANCE, 1 - movers)
            returns = np.where(np.arange(2) == moved[:, None], paid[:, None], -paid[:, None])
        return Stand(pool["over"][rows] != 0, np.zeros(len(rows), bool), movers, returns)

    def observe(self, pool, rows, players=None, out=None):
        planes = (10.0 * pool["round"][rows] + pool["ticket"][rows]).astype(np.float32)[:, None, None, None]
        if out is None:
            return planes
        out[:] = planes
        return out


def zeros(game):
    """An evaluator of rows that knows nothing."""

    def evaluate(pool, rows):
        return Evaluation(
            np.zeros((len(rows), game.num_actions), np.float32), np.zeros(len(rows), np.float32)
        )

    return evaluate


def test_expectimax_is_the_value_by_hand():
    game = Lottery(rounds=1)
    found = Expectimax(game, zeros(game), 2).search(game.pool(1))
    np.testing.assert_allclose(found.q[0], [0.5, 0.7 * 0 + 0.2 * 1 + 0.1 * 6], rtol=1e-6)
    assert found.actions.tolist() == [1]
    found = Expectimax(Lottery(rounds=3), zeros(game), 4, discount=0.5).search(game.pool(1))
    # Tickets are paid a step later: 0.4; so half a point for sure is better each time.
    np.testing.assert_allclose(found.q[0], [0.5 + 0.25 + 0.125, 0.4 + 0.25 + 0.125], rtol=1e-6)


def test_expectimax_to_depth_1_judges_every_position_that_chance_leads_to():
    game = Lottery(rounds=2)
    search = Expectimax(game, zeros(game), 1)
    search.search(game.pool(5))
    assert search.evaluated == 5 * (1 + 3)


@pytest.mark.parametrize("players", [1, 2])
def test_puct_comes_to_expectimax_for_one_and_for_two_players(players):
    game = Lottery(rounds=2, players=players)
    exact = Expectimax(game, zeros(game), 3).search(game.pool(1))
    search = MatchSearch(game, NullEvaluator(), PuctConfig(3000, lcb=None, reuse=False))
    found = search.search(game.pool(1))
    assert found.actions[0] == exact.actions[0]
    np.testing.assert_allclose(found.q[0, exact.actions[0]], exact.values[0], atol=0.08)


@pytest.mark.parametrize("players", [1, 2])
def test_gumbel_comes_to_expectimax_where_nothing_below_the_root_is_to_choose(players):
    """Deeper down it follows its policy, and has no reason of its own to try a ticket again that lost."""
    game = Lottery(rounds=1, players=players)
    exact = Expectimax(game, zeros(game), 2).search(game.pool(1))
    config = GumbelConfig(simulations=1000, gumbel_scale=0.0)
    found = gumbel_search(game, game.pool(3), NullEvaluator(), config, np.random.default_rng(0))
    assert (found.actions == exact.actions[0]).all()
    np.testing.assert_allclose(found.q, np.repeat(exact.q, 3, axis=0), atol=0.02)


def chance_nodes(tree, slot=0):
    nodes = tree.arrays.nodes[slot, : tree.arrays.sizes[slot]]
    return nodes[nodes[:, MOVER] >= CHANCE]


def test_outcomes_get_their_shares_of_the_visits_but_for_two():
    game = Lottery(rounds=3)
    search = MatchSearch(game, NullEvaluator(), PuctConfig(500, reuse=False))
    search.search(game.pool(1))
    nodes = chance_nodes(search.tree)
    assert len(nodes) > 5
    for node in nodes:
        edges = slice(node[FIRST], node[FIRST] + node[LEGAL])
        times = search.tree.arrays.counts[0, edges, TIMES]
        assert times.sum() == node[VISITS]
        assert np.abs(times - game.chance * node[VISITS]).max() <= 2


def test_a_simulation_judges_one_position_and_makes_at_most_two_nodes():
    game = Lottery(rounds=4)
    judged = []

    def evaluate(obs, legal):
        judged.append(len(legal))
        return NullEvaluator()(obs, legal)

    search = MatchSearch(game, evaluate, PuctConfig(40, reuse=False))
    search.search(game.pool(7))
    assert max(judged) <= 7
    assert sum(judged) <= 7 * 41
    assert (search.tree.arrays.sizes <= 81).all()


def test_trees_are_searched_alike_alone_and_beside_others():
    game = Lottery(rounds=3)
    pool = game.pool(4)
    pool["round"] = [0, 1, 2, 0]
    search = MatchSearch(game, NullEvaluator(), PuctConfig(60, reuse=False))
    together = search.search(pool)
    for k in range(4):
        alone = MatchSearch(game, NullEvaluator(), PuctConfig(60, reuse=False)).search(pool[k : k + 1])
        np.testing.assert_array_equal(alone.visits[0], together.visits[k])
        np.testing.assert_array_equal(alone.q[0], together.q[k])


def test_a_tree_is_kept_below_a_sure_move_and_not_below_chance():
    game = Lottery(rounds=3)
    search = MatchSearch(game, NullEvaluator(), PuctConfig(60))
    search.search(game.pool(2))
    search.advance(np.arange(2), np.array([0, 1]))
    assert search.tree.arrays.sizes[0] > 1
    assert search.tree.arrays.sizes[1] == 0


def test_lines_of_a_thought_end_where_chance_decides():
    game = Lottery(rounds=3)
    search = MatchSearch(game, NullEvaluator(), PuctConfig(100, reuse=False))
    search.search(game.pool(1))
    thought = read_thought(search.tree, 0)
    assert {line.actions[0] for line in thought.lines} == {0, 1}
    for line in thought.lines:
        assert 1 not in line.actions[:-1]


def test_bad_depths_and_ended_games_are_refused():
    game = Lottery()
    with pytest.raises(ValueError, match="depth=0 looks at no decision; 1 is the least"):
        Expectimax(game, zeros(game), 0)
    pool = game.pool(2)
    pool["over"][1] = 1
    with pytest.raises(ValueError, match="position 1 has no legal action"):
        Expectimax(game, zeros(game), 1).search(pool)
