"""Kuhn poker: every history beside OpenSpiel, games by hand, and the equilibria by their formulas."""

from functools import partial

import gymnasium
import numpy as np
import pytest

from quadrivium.agents.regret import GameTree, best_response_value, exploitability, value
from quadrivium.envs.cards import KuhnPoker
from quadrivium.envs.cards.kuhn_poker.game import VALUE, bet_probability
from tests.envs.cards.beside_open_spiel import (
    ONE,
    histories,
    require_alike,
    require_one_to_one,
    seen_by_both,
)

ID = "quadrivium/KuhnPoker-v0"
GAME = KuhnPoker()
JACK, QUEEN, KING = range(3)


def played(cards, actions):
    """Returns a pool (1,) after `actions` with the cards (first, second)."""
    pool = GAME.pool(1)
    pool["cards"] = cards
    for action in actions:
        GAME.step(pool, ONE, np.array([action]))
    return pool


def test_every_history_is_openspiels():
    pyspiel = pytest.importorskip("pyspiel")
    theirs = pyspiel.load_game("kuhn_poker")
    seen, count = set(), 0
    for deal in GAME.deals()[0]:
        state = theirs.new_initial_state()
        for card in deal["cards"]:
            state.apply_action(int(card))
        for pool, other in histories(GAME, np.array([deal]), state, chance=lambda _: None):
            require_alike(GAME, pool, other)
            count += 1
            if not other.is_terminal():
                seen.add(seen_by_both(GAME, pool, other))
    assert count == 6 * 9
    assert require_one_to_one(seen) == 12


@pytest.mark.parametrize(
    ("actions", "told", "chips"),  # the first player's, who holds the lower card
    [
        ([0, 0], "check check", -1),
        ([1, 0], "bet fold", 1),
        ([1, 1], "bet call", -2),
        ([0, 1, 0], "check bet fold", -1),
        ([0, 1, 1], "check bet call", -2),
    ],
)
def test_a_game_pays_what_the_loser_has_put_in(actions, told, chips):
    pool = played((JACK, QUEEN), actions)
    assert GAME.told(pool[0]) == told
    assert pool["over"][0] == 1
    assert GAME.result(pool, ONE).returns.tolist() == [[chips, -chips]]


def test_each_deal_is_dealt_a_sixth_of_the_time():
    pool = GAME.pool(60_000, seed=3)
    counts = np.bincount(3 * pool["cards"][:, 0] + pool["cards"][:, 1], minlength=9).reshape(3, 3)
    assert np.diag(counts).sum() == 0
    others = counts[~np.eye(3, dtype=bool)]
    assert abs(others - 10_000).max() < 5 * np.sqrt(60_000 * 5 / 36)  # five standard deviations


def test_what_a_player_sees_does_not_depend_on_the_others_card():
    for actions in ([], [0], [0, 1], [1]):
        for seat in range(2):
            hands = ((QUEEN, JACK), (QUEEN, KING)) if seat == 0 else ((JACK, QUEEN), (KING, QUEEN))
            one, other = (GAME.observe(played(cards, actions), ONE, np.array([seat])) for cards in hands)
            assert one.tolist() == other.tolist()


def test_an_observation_by_hand():
    first = GAME.observe(played((QUEEN, KING), [0, 1]), ONE)[0]
    assert first.tolist() == [1, 0, 1, 0, 1, 0, 0, 1, 0, 0]  # seat, queen, pass, bet
    assert len(GAME.columns) == len(first)


def test_an_illegal_move_is_named_by_what_it_would_be():
    with pytest.raises(ValueError, match=r"^move 2 is illegal; legal moves: fold, call$"):
        GAME.step(played((JACK, KING), [1]), ONE, np.array([2]))
    with pytest.raises(ValueError, match=r"played after the game's end"):
        GAME.step(played((JACK, KING), [0, 0]), ONE, np.array([0]))


# ---- the equilibria


@pytest.fixture(scope="module")
def tree():
    return GameTree(GAME)


def strategy_of(tree, alpha):
    """The strategy (12, 2) of the equilibrium, from what is seen in each information set."""
    cards = tree.observations[:, 1:4].argmax(axis=1)
    slots = tree.observations[:, 4:].reshape(-1, 3, 2)
    moves = np.where(slots.any(axis=2), slots.argmax(axis=2), -1)
    bets = bet_probability(cards, moves, alpha)
    return np.column_stack([1 - bets, bets])


@pytest.mark.parametrize("alpha", [0.0, 0.1, 0.2, 1 / 3])
def test_the_family_of_kuhn_has_his_value_and_no_exploitability(tree, alpha):
    strategy = strategy_of(tree, alpha)
    assert value(tree, strategy) == pytest.approx(-1 / 18, abs=1e-12)
    assert exploitability(tree, strategy) == pytest.approx(0, abs=1e-12)
    assert best_response_value(tree, strategy, 1) == pytest.approx(1 / 18, abs=1e-12)
    assert pytest.approx(-1 / 18) == VALUE


def test_what_lies_beside_the_family_is_exploitable(tree):
    assert exploitability(tree, strategy_of(tree, 0.2) * 0.9 + tree.uniform * 0.1) > 0.01


@pytest.mark.parametrize("seat", ["first", "second"])
def test_the_scripted_player_of_both_seats_earns_the_value(seat):
    env = gymnasium.make_vec(ID, num_envs=2000, seat=seat, opponent="equilibrium", alpha=0.1)
    env.reset(seed=0)
    earned, games = 0.0, 0
    for _ in range(60):
        _, rewards, terminated, _, _ = env.step(env.baselines["equilibrium"](env))
        earned, games = earned + rewards.sum(), games + terminated.sum()
    expected = VALUE if seat == "first" else -VALUE
    assert games > 60_000
    assert earned / games == pytest.approx(expected, abs=5 * 1.4 / np.sqrt(games))  # a game's deviation < 1.4


def test_the_scripted_player_bets_as_often_as_its_formula_says():
    states = GAME.pool(30_000)
    states["cards"] = (JACK, KING)
    env_actions = partial(gymnasium.make(ID, alpha=0.2).unwrapped.setup.baselines["equilibrium"])
    batch = type("Batch", (), {"states": states})
    assert env_actions(batch).mean() == pytest.approx(0.2, abs=0.012)
    states["cards"] = (KING, JACK)
    assert env_actions(batch).mean() == pytest.approx(0.6, abs=0.015)


def test_wrong_arguments_are_refused_in_one_line():
    with pytest.raises(ValueError, match=r"opponent='equlibrium'.*'equilibrium'"):
        gymnasium.make(ID, opponent="equlibrium")
    with pytest.raises(ValueError, match=r"alpha=0\.5"):
        gymnasium.make(ID, alpha=0.5)
