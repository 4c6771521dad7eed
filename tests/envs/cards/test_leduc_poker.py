"""Leduc poker: every history and random games beside OpenSpiel, games by hand, the deal."""

from itertools import permutations

import gymnasium
import numpy as np
import pytest

from quadrivium.envs.cards import LeducPoker
from quadrivium.envs.cards.leduc_poker.kernel import CALL, FOLD, RAISE
from tests.envs.cards.beside_open_spiel import (
    ONE,
    histories,
    require_alike,
    require_one_to_one,
    seen_by_both,
)

ID = "quadrivium/LeducPoker-v0"
GAME = LeducPoker()
JACK, QUEEN, KING = range(3)


def played(cards, actions):
    """Returns a pool (1,) after `actions` with the cards (first, second, shared)."""
    pool = GAME.pool(1)
    pool["cards"], pool["public"] = cards[:2], cards[2]
    for action in actions:
        GAME.step(pool, ONE, np.array([action]))
    return pool


def test_every_history_is_openspiels_and_information_sets_are_one_to_one():
    pyspiel = pytest.importorskip("pyspiel")
    theirs = pyspiel.load_game("leduc_poker(suit_isomorphism=true)")
    seen, count = set(), 0
    for deal in GAME.deals()[0]:
        state, shared = theirs.new_initial_state(), int(deal["public"])
        for card in deal["cards"]:
            state.apply_action(int(card))
        for pool, other in histories(GAME, np.array([deal]), state, chance=lambda _, card=shared: card):
            require_alike(GAME, pool, other)
            count += 1
            if not other.is_terminal():
                seen.add(seen_by_both(GAME, pool, other))
    assert count == 2040
    assert require_one_to_one(seen) == 288  # Southey et al. 2005


def test_random_games_with_suits_are_openspiels():
    pyspiel = pytest.importorskip("pyspiel")
    theirs, random = pyspiel.load_game("leduc_poker"), np.random.default_rng(5)
    for _ in range(2000):
        deck, state = random.permutation(6), theirs.new_initial_state()
        pool = played([card // 2 for card in deck[:3]], [])
        drawn = iter(deck.tolist())
        while True:
            while state.is_chance_node():
                state.apply_action(next(drawn))
            require_alike(GAME, pool, state)
            if state.is_terminal():
                break
            action = int(random.choice(state.legal_actions()))
            state.apply_action(action)
            GAME.step(pool, ONE, np.array([action]), check=False)


@pytest.mark.parametrize(
    ("cards", "actions", "told", "chips"),
    [
        ((JACK, KING, JACK), [CALL] * 4, "check check / check check", 1),  # a pair of jacks
        ((QUEEN, KING, JACK), [CALL] * 4, "check check / check check", -1),
        ((QUEEN, QUEEN, KING), [RAISE, CALL, CALL, CALL], "bet call / check check", 0),
        ((KING, QUEEN, JACK), [RAISE, FOLD], "bet fold", 1),
        ((JACK, QUEEN, KING), [CALL, RAISE, RAISE, FOLD], "check bet raise fold", 3),
        (
            (KING, QUEEN, QUEEN),
            [CALL, RAISE, RAISE, CALL, CALL, RAISE, RAISE, CALL],
            "check bet raise call / check bet raise call",
            -13,
        ),
    ],
)
def test_a_game_pays_what_the_loser_has_put_in(cards, actions, told, chips):
    pool = played(cards, actions)
    assert GAME.told(pool[0]) == told
    assert pool["over"][0] == 1
    assert GAME.result(pool, ONE).returns.tolist() == [[chips, -chips]]


def test_a_round_has_two_raises_and_the_first_player_begins_both():
    assert GAME.legal(played((0, 1, 2), [RAISE]), ONE).tolist() == [[1, 1, 1]]
    assert GAME.legal(played((0, 1, 2), [RAISE, RAISE]), ONE).tolist() == [[1, 1, 0]]
    second = played((0, 1, 2), [CALL, RAISE, CALL])  # the first player has called, and goes on
    assert second["to_move"][0] == 0
    assert GAME.legal(second, ONE).tolist() == [[0, 1, 1]]


def test_the_shared_card_is_seen_from_the_second_round_on_and_the_others_never():
    for seat in (np.array([0]), np.array([1])):
        hands = [(0, 1, 0), (0, 1, 1), (0, 1, 2)]
        before = {GAME.observe(played(cards, [RAISE]), ONE, seat).tobytes() for cards in hands}
        after = {GAME.observe(played(cards, [RAISE, CALL]), ONE, seat).tobytes() for cards in hands}
        assert (len(before), len(after)) == (1, 3)
    own = {GAME.observe(played((1, other, 2), [RAISE]), ONE, np.array([0])).tobytes() for other in (0, 1, 2)}
    assert len(own) == 1


def test_the_deals_have_the_probabilities_of_the_six_cards():
    ways = {}
    for first, second, shared in permutations(range(6), 3):
        hand = (first // 2, second // 2, shared // 2)
        ways[hand] = ways.get(hand, 0) + 1 / 120
    pool, probabilities = GAME.deals()
    named = [(*map(int, row["cards"]), int(row["public"])) for row in pool]
    assert dict(zip(named, probabilities, strict=True)) == pytest.approx(ways)


def test_cards_are_dealt_so():
    pool, probabilities = GAME.deals()
    drawn = GAME.pool(60_000, seed=9)

    def number(rows):
        return 9 * rows["cards"][:, 0].astype(int) + 3 * rows["cards"][:, 1] + rows["public"]

    shares = np.bincount(number(drawn), minlength=27)[number(pool)] / len(drawn)
    assert shares.sum() == 1
    assert abs(shares - probabilities).max() < 5 * np.sqrt(probabilities.max() / len(drawn))


def test_tight_raises_a_king_or_a_pair_folds_a_jack_and_beats_random_play():
    env = gymnasium.make_vec(ID, num_envs=1000, opponent="random")
    script = env.baselines["tight"]

    def choice(cards, actions):
        return int(script(type("Batch", (), {"states": played(cards, actions)}))[0])

    assert choice((KING, 0, 1), []) == RAISE
    assert choice((JACK, 2, JACK), [CALL, CALL]) == RAISE
    assert choice((2, JACK, 1), [RAISE]) == FOLD
    assert choice((2, QUEEN, 1), [RAISE]) == CALL
    assert choice((1, KING, 0), [RAISE, RAISE][:1]) == RAISE
    assert choice((1, KING, 0), [CALL, RAISE, RAISE, CALL, RAISE, RAISE][:3]) == CALL  # two raises are all
    env.reset(seed=0)
    earned, games = 0.0, 0
    for _ in range(40):
        _, rewards, terminated, _, _ = env.step(script(env))
        earned, games = earned + rewards.sum(), games + terminated.sum()
    assert earned / games > 0.5


def test_an_illegal_action_that_may_be_loses_what_is_paid():
    env = gymnasium.make(ID, illegal="lose", seat="first")
    env.reset(seed=0)
    _, reward, terminated, _, info = env.step(FOLD)  # nobody has bet
    assert (reward, terminated, info["metrics"]["loss"]) == (-1.0, True, 1.0)
    strict = gymnasium.make(ID, seat="first")
    strict.reset(seed=0)
    with pytest.raises(ValueError, match=r"^move fold is illegal; legal moves: check, bet$"):
        strict.step(FOLD)


def test_rows_from_outside_in_which_a_round_has_no_room_are_refused():
    env = gymnasium.make(ID).unwrapped
    env.reset(seed=0)
    rows = env.get_state()
    rows["turn"] = 4
    with pytest.raises(ValueError, match="contradict"):
        env.set_state(rows)
