"""The card games in PettingZoo, and their pictures."""

import copy

import numpy as np
import pytest
from pettingzoo.test import api_test, seed_test

from quadrivium.envs.cards import kuhn_poker_v0, leduc_poker_v0

MODULES = {"kuhn_poker_v0": kuhn_poker_v0, "leduc_poker_v0": leduc_poker_v0}


@pytest.fixture(params=MODULES)
def module(request):
    return MODULES[request.param]


def play(env, seed=None, choose=0):
    """Plays to the end; returns the rewards of both."""
    env.reset(seed=seed)
    rewards = dict.fromkeys(env.possible_agents, 0.0)
    for agent in env.agent_iter():
        obs, reward, termination, _, _ = env.last()
        rewards[agent] += reward
        legal = np.flatnonzero(obs["action_mask"])
        env.step(None if termination else int(legal[choose % len(legal)]))
    return list(rewards.values())


def test_pettingzoos_own_tests_pass(module):
    api_test(module.env(), num_cycles=60, verbose_progress=False)
    seed_test(module.env, num_cycles=20)


def test_what_one_wins_the_other_loses(module):
    env = module.env()
    games = np.array([play(env, seed, choose=seed) for seed in range(40)])
    assert (games.sum(axis=1) == 0).all()
    assert games.any()


def test_a_seed_says_the_deal_and_without_one_cards_are_dealt_anew(module):
    env = module.raw_env()

    def deals(count):
        found = []
        for _ in range(count):
            env.reset()
            found.append(tuple(env.get_state()["cards"][0].tolist()))
        return found

    env.reset(seed=5)
    first = deals(20)
    assert len(set(first)) > 3
    env.reset(seed=5)
    assert deals(20) == first
    env.reset(seed=5)
    other = copy.deepcopy(env)
    other.reset()
    env.reset()
    assert env.get_state().tobytes() == other.get_state().tobytes()


def test_an_agent_does_not_see_the_others_card(module):
    env = module.raw_env()
    env.reset(seed=1)
    rows = env.get_state()
    own, others = int(rows["cards"][0, 0]), {0, 1, 2} - {int(rows["cards"][0, 0])}
    seen = set()
    for card in others:
        rows["cards"][0] = own, card
        if "public" in (rows.dtype.names or ()):
            rows["public"] = (set(others) - {card}).pop()
        env.set_state(rows)
        seen.add(env.observe("player_0")["observation"].tobytes())
    assert len(seen) == 1


def test_a_picture_shows_both_hands_and_the_text_says_them(module):
    env = module.raw_env(render_mode="rgb_array")
    env.reset(seed=0)
    rows = env.get_state()
    assert env.render().shape == (320, 480, 3)
    pictures = set()
    for cards in ((0, 1), (1, 0), (0, 2)):
        rows["cards"][0] = cards
        if "public" in (rows.dtype.names or ()):
            rows["public"] = 2 if cards != (0, 2) else 1
        env.set_state(rows)
        pictures.add(env.render().tobytes())
    assert len(pictures) == 3
    text = env.game.text(rows[0])
    assert text.splitlines()[:2] == ["first  J  1 chip paid", "second K  1 chip paid"]
    assert text.splitlines()[-1] == "First player to move"
