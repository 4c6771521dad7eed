"""PUCT search for matches: against a readable one, the solver, the choice, trees kept from move to move."""

import numpy as np
import pytest

from quadrivium.agents.search import MatchSearch, NullEvaluator, PuctConfig
from quadrivium.agents.search.kernels.layout import (
    CHILD,
    DRAWS,
    FIRST,
    LEGAL,
    PROVEN,
    RAW,
    TIMES,
    TOTAL,
    TRIED,
    UNPROVEN,
    VISITS,
)
from quadrivium.agents.search.protocols import Evaluation
from quadrivium.envs.board.registry import GAMES
from tests.agents.search import reference as search_reference
from tests.agents.search.test_gumbel import connect_four, positions
from tests.agents.search.toys import Corridor, Race, RandomLinear

UNSOLVED = {"solver": False, "lcb": None}


def proven(search, slot=0):
    return int(search.tree.arrays.nodes[slot, 0, PROVEN])


@pytest.mark.parametrize(
    ("game", "moves"),
    [(GAMES["TicTacToe"](), 5), (GAMES["ConnectFour"](), 20), (GAMES["Othello"](size=6), 26), (Race(), 4)],
    ids=["tic-tac-toe", "connect four", "Othello", "race"],
)
@pytest.mark.parametrize("config", [PuctConfig(60, **UNSOLVED), PuctConfig(30, 2.5, 0.5, 0.3, **UNSOLVED)])
def test_agrees_with_a_readable_search(game, moves, config):
    roots, evaluator = positions(game, 6, moves), RandomLinear(game, seed=4)
    result = MatchSearch(game, evaluator, config).search(roots)
    for k in range(len(roots)):
        root = search_reference.puct(game, roots[k], evaluator, config)
        assert result.visits[k].tolist() == [root.N.get(a, 0) for a in range(game.num_actions)]
        assert result.values[k] == pytest.approx(root.mean, abs=1e-4)
        assert result.draws[k] == pytest.approx(root.mean_draw, abs=1e-4)
        q = [root.q(a) if root.N.get(a) else 0.0 for a in range(game.num_actions)]
        assert result.q[k] == pytest.approx(q, abs=1e-4)
        assert root.N[int(result.actions[k])] == max(root.N.values())


def test_visits_sum_to_the_simulations_and_the_policy_is_their_share():
    game = GAMES["ConnectFour"]()
    result = MatchSearch(game, RandomLinear(game), PuctConfig(50)).search(game.pool(3))
    assert result.visits.sum(axis=1).tolist() == [50, 50, 50]
    assert result.policy == pytest.approx(result.visits / 50)


def test_permuting_the_batch_permutes_the_results():
    game = GAMES["ConnectFour"]()
    roots, order = positions(game, 9, 25), np.random.default_rng(2).permutation(9)
    straight = MatchSearch(game, RandomLinear(game), PuctConfig(40)).search(roots)
    permuted = MatchSearch(game, RandomLinear(game), PuctConfig(40)).search(roots[order])
    for one, other in zip(straight, permuted, strict=True):
        np.testing.assert_array_equal(one[order], other)


def test_a_batch_of_one_is_a_row_of_many():
    game = GAMES["Othello"](size=6)
    roots = positions(game, 5, 20)
    many = MatchSearch(game, RandomLinear(game), PuctConfig(20)).search(roots)
    search = MatchSearch(game, RandomLinear(game), PuctConfig(20), slots=1)
    for k in range(5):
        search.reset()
        for a, b in zip(search.search(roots[k : k + 1]), many, strict=True):
            np.testing.assert_array_equal(a[0], b[k])


# ---- the solver


def test_the_solver_proves_that_tic_tac_toe_is_a_draw():
    game = GAMES["TicTacToe"]()
    search = MatchSearch(game, NullEvaluator(), PuctConfig(60_000))
    result = search.search(game.pool(1))
    assert proven(search) == 0
    assert result.values.tolist() == [0.0]
    assert result.draws.tolist() == [1.0]
    assert result.policy.max() == 1.0
    assert result.visits.sum() < 60_000  # nothing is left to find out


def test_the_solver_agrees_with_brute_force():
    """Race to 12 with extra turns, from every count: outcomes by recursion."""
    game = Race(12)
    roots = game.pool(11)
    roots["count"] = np.arange(1, 12)
    search = MatchSearch(game, NullEvaluator(), PuctConfig(3000))
    result = search.search(roots)
    assert [proven(search, k) for k in range(11)] == [game.outcome(count) for count in range(1, 12)]
    for k in np.flatnonzero(result.values == 1):
        count, action = int(roots["count"][k]), int(result.actions[k])
        after = count + action + 1
        assert after == 12 or game.outcome(after) == (1 if action == 2 else -1)


def test_a_win_in_one_is_proven_and_played():
    game = GAMES["ConnectFour"]()
    search = MatchSearch(game, NullEvaluator(), PuctConfig(30))
    result = search.search(connect_four("a b a b a b"))
    assert result.actions.tolist() == [0]
    assert proven(search) == 1
    assert result.policy[0].tolist() == [1, 0, 0, 0, 0, 0, 0]


def test_a_win_in_three_plies_is_proven_in_connect_four():
    """Stones on c and d with b, e open on the ground: either end makes three with both ends open."""
    game = GAMES["ConnectFour"]()
    search = MatchSearch(game, NullEvaluator(), PuctConfig(2000))
    result = search.search(connect_four("c c d d"))
    assert proven(search) == 1
    assert result.actions[0] in (1, 4)


def test_a_lost_position_is_proven_lost_and_still_played():
    """First has three on the ground with both ends open: whatever second does, it loses in two."""
    game = GAMES["ConnectFour"]()
    search = MatchSearch(game, NullEvaluator(), PuctConfig(3000))
    result = search.search(connect_four("c c d d e"))
    assert proven(search) == -1
    assert result.values.tolist() == [-1.0]
    assert game.legal(connect_four("c c d d e"), np.arange(1))[0, result.actions[0]]


def test_a_move_proven_lost_is_not_played_while_others_are_open():
    """First threatens on a; an evaluator that loves column g is overruled as soon as the answer is seen."""
    game = GAMES["ConnectFour"]()

    def stubborn(obs, legal):
        logits = np.zeros(legal.shape, np.float32)
        logits[:, 6] = 3.0
        return Evaluation(logits, np.zeros(len(legal), np.float32))

    for lcb in (None, 5.0):
        search = MatchSearch(game, stubborn, PuctConfig(400, lcb=lcb))
        assert search.search(connect_four("a b a b a")).actions.tolist() == [0]


def test_a_proven_root_costs_nothing_more_and_the_others_go_on():
    game, evaluator = GAMES["ConnectFour"](), RandomLinear(GAMES["ConnectFour"]())
    roots = np.concatenate([connect_four("a b a b a b"), game.pool(1)])
    result = MatchSearch(game, evaluator, PuctConfig(60)).search(roots)
    assert result.visits[0].sum() < 60
    assert result.visits[1].sum() == 60
    assert evaluator.batches[-1] == 1


# ---- the choice


def test_the_choice_goes_by_the_lower_confidence_bound():
    """Action 0: 60 values around 0.1 that vary widely; action 1: 40 steady ones of 0.1."""
    game = Race()
    search = MatchSearch(game, NullEvaluator(), PuctConfig(4))
    search.search(game.pool(1))
    roots = search.tree.read_roots(np.arange(1))._replace(
        visits=np.array([[60, 40, 1]], np.int32),
        q=np.array([[0.1, 0.1, 0.9]], np.float32),
        squares=np.array([[0.8, 0.01, 0.81]], np.float32),
        outcomes=np.full((1, 3), UNPROVEN, np.int8),
    )
    scores = search._scores(np.arange(1), roots)[0]
    # action 0: variance (60 * 0.79 + 1) / 60, error its root over root 60; action 1: (40 * 0 + 1) / 40
    expected = [0.1 - 5 * np.sqrt((60 * 0.79 + 1) / 60 / 60), 0.1 - 5 / 40]
    assert scores[:2] == pytest.approx(expected, abs=1e-5)
    assert scores[2] == -np.inf  # 1 visit of at most 60 is below the share of 0.15
    assert scores.argmax() == 1


# ---- one player


def test_one_player_walks_past_the_near_reward_to_the_far_one():
    game = Corridor(6)
    search = MatchSearch(game, NullEvaluator(), PuctConfig(400))
    result = search.search(game.pool(1))
    assert result.actions.tolist() == [1]
    assert result.visits.sum() == 400


# ---- trees kept from move to move


def as_dictionary(search, slot, node=0):
    """Returns a node as (visits, raw, total, draws, {action: (statistics, child)}); checks its game."""
    arrays, game = search.tree.arrays, search.game
    first, legal, tried = (int(arrays.nodes[slot, node, c]) for c in (FIRST, LEGAL, TRIED))
    row = slot * search.tree.capacity + node
    edges = {}
    for e in range(first, first + legal):
        action, child = int(arrays.actions[slot, e]), None
        stats = (float(arrays.priors[slot, e]),)
        if e < first + tried:
            i = int(arrays.counts[slot, e, CHILD])
            pair = np.concatenate([search.tree.pool[[row]]] * 2)
            game.step(pair, np.array([1]), np.array([action]))
            below = search.tree.pool[[slot * search.tree.capacity + i]]
            assert pair[1] == below[0]
            child = as_dictionary(search, slot, i)
            stats += (int(arrays.counts[slot, e, TIMES]), *map(float, arrays.gains[slot, e]))
        edges[action] = (stats, child)
    sums = (float(arrays.sums[slot, node, column]) for column in (RAW, TOTAL, DRAWS))
    return int(arrays.nodes[slot, node, VISITS]), *sums, edges


def test_the_tree_below_the_moves_played_is_kept():
    """Two plies on, the tree is the subtree of the old one: all visits, values, priors and states."""
    game = GAMES["ConnectFour"]()
    search = MatchSearch(game, RandomLinear(game), PuctConfig(300, lcb=None), slots=3)
    roots = positions(game, 3, 12)
    search.search(roots)
    for _ in range(2):
        moves = search.tree.read_roots(np.arange(3)).visits.argmax(axis=1)
        expected = [as_dictionary(search, k)[4][int(moves[k])][1] for k in range(3)]
        game.step(roots, np.arange(3), moves)
        search.advance(np.arange(3), moves)
        assert [as_dictionary(search, k) for k in range(3)] == expected
    kept = search.tree.read_roots(np.arange(3)).visits.sum(axis=1)
    assert (kept > 10).all()
    result = search.search(roots)
    room = search.tree.capacity - 1
    assert (result.visits.sum(axis=1) >= np.minimum(kept + 300, room)).all()
    for k in range(3):
        as_dictionary(search, k)


def test_kept_trees_are_those_of_their_own_slots():
    game = GAMES["ConnectFour"]()
    config = PuctConfig(60, lcb=None)
    roots = positions(game, 4, 12)
    alone = [MatchSearch(game, RandomLinear(game), config) for _ in range(4)]
    together = MatchSearch(game, RandomLinear(game), config)
    for k, search in enumerate(alone):
        search.search(roots[k : k + 1])
        search.advance(np.array([0]), np.array([3]))
    together.search(roots)
    together.advance(np.array([2, 0, 3, 1]), np.array([3, 3, 3, 3]))
    game.step(roots, np.arange(4), np.full(4, 3))
    chosen = np.array([3, 1])  # only two of the games are searched, in another order
    result = together.search(roots[chosen], chosen)
    for i, k in enumerate(chosen):
        expected = alone[k].search(roots[k : k + 1])
        for a, b in zip(expected, result, strict=True):
            np.testing.assert_array_equal(a[0], b[i])


def test_a_tree_of_another_position_is_not_used():
    game = GAMES["ConnectFour"]()
    search = MatchSearch(game, RandomLinear(game), PuctConfig(40))
    search.search(game.pool(1))
    elsewhere = connect_four("a b c d")
    result = search.search(elsewhere)
    expected = MatchSearch(game, RandomLinear(game), PuctConfig(40)).search(elsewhere)
    for a, b in zip(expected, result, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_row_whose_random_stream_moved_on_keeps_its_tree():
    game = GAMES["ConnectFour"]()
    search, roots = MatchSearch(game, RandomLinear(game), PuctConfig(40)), game.pool(1)
    search.search(roots)
    game.random_actions(roots, np.arange(1))
    assert search.search(roots).visits.sum() == 80


@pytest.mark.parametrize(
    "forget", [lambda search: search.reset(np.array([0])), lambda search: search.reset()]
)
def test_reset_forgets(forget):
    game = GAMES["ConnectFour"]()
    search = MatchSearch(game, RandomLinear(game), PuctConfig(40))
    search.search(game.pool(1))
    forget(search)
    assert search.search(game.pool(1)).visits.sum() == 40


def test_without_reuse_every_search_begins_anew():
    game = GAMES["ConnectFour"]()
    search, roots = MatchSearch(game, RandomLinear(game), PuctConfig(40, reuse=False)), game.pool(1)
    search.search(roots)
    assert search.search(roots).visits.sum() == 40
    search.advance(np.array([0]), np.array([3]))
    game.step(roots, np.arange(1), np.array([3]))
    assert search.search(roots).visits.sum() == 40


def test_a_tree_that_is_not_kept_has_room_for_one_search_and_a_kept_one_for_two():
    """The root and one node a simulation; a position of connect four is worth its row many times."""
    game = GAMES["ConnectFour"]()
    assert [PuctConfig(40, reuse=reuse).capacity for reuse in (False, True)] == [41, 81]
    assert PuctConfig(40, nodes=50).capacity == 50
    once, twice = (
        MatchSearch(game, NullEvaluator(), PuctConfig(40, reuse=reuse), 10).tree for reuse in (False, True)
    )
    assert (len(once.pool), len(twice.pool)) == (410, 810)


def test_a_search_that_keeps_no_trees_finds_what_a_new_one_finds_whatever_it_searched_before():
    game, config = GAMES["ConnectFour"](), PuctConfig(40, reuse=False)
    search = MatchSearch(game, RandomLinear(game), config, slots=0)
    for moves, count in ((25, 9), (4, 5), (12, 12)):
        roots = positions(game, count, moves, seed=moves)
        fresh = MatchSearch(game, RandomLinear(game), config, count).search(roots)
        for a, b in zip(fresh, search.search(roots), strict=True):
            np.testing.assert_array_equal(a, b)


def test_a_full_tree_rests():
    game = GAMES["ConnectFour"]()
    search = MatchSearch(game, RandomLinear(game), PuctConfig(40, nodes=50))
    assert search.search(game.pool(1)).visits.sum() == 40
    assert search.search(game.pool(1)).visits.sum() == 49


def test_whole_games_are_played_through_with_kept_trees():
    """Othello 6x6 with passes, both sides from one search: it never loses the thread."""
    game = GAMES["Othello"](size=6)
    games = game.pool(8, seed=3)
    search, slots = MatchSearch(game, NullEvaluator(), PuctConfig(30)), np.arange(8)
    while len(slots := slots[~game.result(games, slots).over]):
        result = search.search(games[slots], slots)
        game.step(games, slots, result.actions)
        search.advance(slots, result.actions)
    assert game.result(games, np.arange(8)).over.all()


def test_a_root_without_a_move_is_an_error():
    game = GAMES["ConnectFour"]()
    with pytest.raises(ValueError, match="position 0 has no legal action: its game is over"):
        MatchSearch(game, NullEvaluator(), PuctConfig(4)).search(connect_four("a b a b a b a"))


def test_too_few_nodes_are_an_error():
    with pytest.raises(ValueError, match="nodes=40 do not hold 40 simulations; 41 do"):
        PuctConfig(40, nodes=40)
