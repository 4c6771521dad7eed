"""A search in parts: while one part is judged, the other's trees grow, and nothing else changes."""

import itertools

import numpy as np
import pytest

from quadrivium.agents.search import EvaluationCache, GumbelConfig, gumbel_search
from quadrivium.agents.search.protocols import Evaluation
from quadrivium.agents.search.rollout import RolloutEvaluator
from quadrivium.envs.board.registry import GAMES
from tests.agents.search.test_gumbel import FixedNoise, positions
from tests.agents.search.toys import RandomLinear


class Device:
    """An evaluator on a device of its own: it computes when it is waited for, from what it was given then.

    Attributes:
        log: what was asked and what was waited for, in this order, by numbers.
        most: evaluations that were under way at once, at most.
    """

    def __init__(self, evaluator, *, at_once=False):
        self.evaluator, self.at_once = evaluator, at_once
        self.log, self.most = [], 0

    def ask(self, obs, legal):
        number = sum(what == "ask" for what, _ in self.log)
        self.log.append(("ask", number))
        waiting = len(self.log) - 2 * sum(what == "take" for what, _ in self.log)
        self.most = max(self.most, waiting)
        obs, legal = obs.copy(), legal.copy()
        done = self.evaluator(obs, legal) if self.at_once else None

        def take():
            self.log.append(("take", number))
            return self.evaluator(obs, legal) if done is None else done

        return take

    def __call__(self, obs, legal):
        return self.ask(obs, legal)()


@pytest.fixture(scope="module")
def game():
    return GAMES["ConnectFour"]()


def noise(count):
    return np.random.default_rng(1).gumbel(size=(count, 7))


def same(one, other):
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("parts", [2, 3])
def test_parts_find_what_is_found_when_they_are_searched_one_after_the_other(game, parts):
    roots, evaluator, config = positions(game, 11, 20), RandomLinear(game), GumbelConfig(16)
    together = gumbel_search(game, roots, evaluator, config, FixedNoise(noise(11)), parts=parts)
    bounds = itertools.pairwise([11 * k // parts for k in range(parts + 1)])
    alone = [
        gumbel_search(game, roots[a:b], evaluator, config, FixedNoise(noise(11)[a:b])) for a, b in bounds
    ]
    same(together, [np.concatenate(arrays) for arrays in zip(*alone, strict=True)])


def test_with_two_parts_two_evaluations_are_under_way(game):
    roots, device = positions(game, 6, 4), Device(RandomLinear(game))
    gumbel_search(game, roots, device, GumbelConfig(3), np.random.default_rng(0), parts=2)
    assert device.most == 2
    roots_judged = [("ask", 0), ("take", 0), ("ask", 1), ("take", 1)]
    first = [("ask", 2), ("ask", 3)]
    then = [
        ("take", 2),
        ("ask", 4),
        ("take", 3),
        ("ask", 5),
        ("take", 4),
        ("ask", 6),
        ("take", 5),
        ("ask", 7),
    ]
    assert device.log == [*roots_judged, *first, *then, ("take", 6), ("take", 7)]


@pytest.mark.parametrize("cached", [False, True])
def test_a_device_that_answers_late_gives_what_one_gives_that_answers_at_once(game, cached):
    roots, config, found = positions(game, 9, 4), GumbelConfig(24), []
    for at_once in (True, False):
        evaluator = Device(RandomLinear(game), at_once=at_once)
        kept = EvaluationCache(evaluator, 16) if cached else evaluator  # so small that places are taken again
        found.append(gumbel_search(game, roots, kept, config, FixedNoise(noise(9)), parts=2))
    same(*found)


def test_evaluators_that_cannot_be_asked_ahead_serve_parts_too(game):
    roots, config = positions(game, 8, 10), GumbelConfig(12)
    one, two = (
        gumbel_search(game, roots, RolloutEvaluator(game), config, FixedNoise(noise(8)), parts=parts)
        for parts in (1, 2)
    )
    same(one, two)


def test_a_cache_whose_tables_change_while_it_waits_keeps_what_it_was_told(game):
    """Positions with more legal actions come while others are under way: the tables are made anew."""
    obs = np.arange(4 * 3, dtype=np.float32).reshape(4, 3, 1, 1)
    few, many = np.zeros((4, 40), np.int8), np.ones((4, 40), np.int8)
    few[:, 7] = 1
    asked = []

    def teller(obs, legal):
        asked.append(len(obs))
        return Evaluation(np.tile(np.arange(40, dtype=np.float32), (len(obs), 1)), obs[:, 0, 0, 0])

    cache = EvaluationCache(teller, 64, max_bytes=64 * 24)
    take = cache.ask(obs, few)
    cache(obs, many)
    assert cache.capacity < 64
    assert take().values.tolist() == obs[:, 0, 0, 0].tolist()
    asked.clear()
    np.testing.assert_array_equal(cache(obs, few).logits[:, 7], [7, 7, 7, 7])
    assert sum(asked) <= 2  # two of the four may have the same place
