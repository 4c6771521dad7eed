"""Regret minimisation beside OpenSpiel's, iteration by iteration, and against what is known of both games."""

import numpy as np
import pytest

from quadrivium.agents.regret import (
    CFR,
    CFR_PLUS,
    DISCOUNTED,
    GameTree,
    Solver,
    exploitability,
    value,
)
from quadrivium.envs.cards import KuhnPoker, LeducPoker


@pytest.fixture(scope="module")
def kuhn():
    return GameTree(KuhnPoker())


@pytest.fixture(scope="module")
def leduc():
    return GameTree(LeducPoker())


@pytest.mark.parametrize(
    ("discounts", "module", "name"),
    [
        (CFR, "cfr", "CFRSolver"),
        (CFR_PLUS, "cfr", "CFRPlusSolver"),
        (DISCOUNTED, "discounted_cfr", "DCFRSolver"),
    ],
    ids=["CFR", "CFR+", "discounted"],
)
def test_every_iteration_is_as_exploitable_as_openspiels(kuhn, discounts, module, name):
    pyspiel = pytest.importorskip("pyspiel")
    algorithms = pytest.importorskip(f"open_spiel.python.algorithms.{module}")
    measure = pytest.importorskip("open_spiel.python.algorithms.exploitability").exploitability
    game = pyspiel.load_game("kuhn_poker")
    theirs, ours = getattr(algorithms, name)(game), Solver(kuhn, discounts)
    for _ in range(12):
        theirs.evaluate_and_update_policy()
        ours.run(1)
        expected = measure(game, theirs.average_policy())
        assert exploitability(kuhn, ours.average) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("discounts", [CFR_PLUS, DISCOUNTED], ids=["CFR+", "discounted"])
def test_kuhn_poker_is_solved_to_its_known_value(kuhn, discounts):
    solver = Solver(kuhn, discounts)
    solver.run(1000)
    assert exploitability(kuhn, solver.average) < 2e-4
    assert value(kuhn, solver.average) == pytest.approx(-1 / 18, abs=2e-4)


def test_what_is_found_in_kuhn_poker_is_of_the_known_family(kuhn):
    solver = Solver(kuhn)
    solver.run(1000)
    bets = {
        (int(seen[0]), int(seen[1:4].argmax()), tuple(np.flatnonzero(seen[4:]).tolist())): share
        for seen, share in zip(kuhn.observations, solver.average[:, 1], strict=True)
    }
    check, bet, check_bet = (0,), (1,), (0, 3)
    alpha = bets[1, 0, ()]
    assert 0 <= alpha <= 1 / 3
    assert bets[1, 2, ()] == pytest.approx(3 * alpha, abs=0.02)
    assert bets[1, 1, check_bet] == pytest.approx(alpha + 1 / 3, abs=0.02)
    assert bets[0, 0, check] == pytest.approx(1 / 3, abs=0.02)
    assert bets[0, 1, bet] == pytest.approx(1 / 3, abs=0.02)
    assert [bets[0, 2, bet], bets[0, 2, check], bets[0, 0, bet]] == pytest.approx([1, 1, 0], abs=0.01)


@pytest.mark.parametrize("discounts", [CFR_PLUS, DISCOUNTED], ids=["CFR+", "discounted"])
def test_leduc_poker_is_solved_to_its_known_value(leduc, discounts):
    solver = Solver(leduc, discounts)
    solver.run(300)
    assert exploitability(leduc, solver.average) < 0.005
    assert value(leduc, solver.average) == pytest.approx(-0.0856, abs=5e-4)


def test_it_is_the_average_that_converges_not_the_current_strategy(kuhn):
    solver = Solver(kuhn, CFR)
    solver.run(300)
    assert exploitability(kuhn, solver.average) < 0.01 < exploitability(kuhn, solver.current)


def test_nothing_in_it_is_random_and_it_goes_on_where_it_was(leduc):
    one, other = Solver(leduc), Solver(leduc)
    one.run(7)
    other.run(3)
    other.run(4)
    assert one.regrets.tobytes() == other.regrets.tobytes()
    assert one.average.tobytes() == other.average.tobytes()
