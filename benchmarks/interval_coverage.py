"""How often do 95 % intervals hold the truth, and how often is a winner named among equals?

    python benchmarks/interval_coverage.py [--trials 4000] [--tournaments 1000] [--only matches tournaments]

Everything is simulated, with known truths; no agent plays. Means of episodes, paired differences and
proportions are by `quadrivium.intervals`, beside Student's interval and the percentile bootstrap on the same
samples. Runs over seeds are summed up as `evaluate.py report` does. Matches and tournaments are games drawn
from Bradley and Terry's model with a first move's advantage and draws, some with pairs of games that hang
together or openings that favour a side, rated by `quadrivium.agents.arena`. "missed" is the share of
intervals that lie wholly above, and wholly below the truth, in percent.
Writes benchmarks/results/interval_coverage.json.
"""

import argparse
import json
import math
import time
from collections.abc import Callable, Sequence
from itertools import combinations, product
from typing import Any

import numpy as np
from machine import RESULTS, machine, write_report
from scipy.special import stdtrit

from quadrivium.agents.arena.game_log import Fixture, GameRecord
from quadrivium.agents.arena.ratings import ELO, probabilities
from quadrivium.agents.arena.standings import MIN_PAIRS as MIN_OPENING_PAIRS
from quadrivium.agents.arena.standings import stand
from quadrivium.agents.evaluation.aggregates import bootstrap, improvement, interquartile_mean
from quadrivium.agents.evaluation.report import MIN_PAIRS
from quadrivium.intervals import (
    Interval,
    interquartile_mean_interval,
    mean_interval,
    paired_difference,
    proportion_interval,
)

Draw = Callable[[np.random.Generator, int], np.ndarray]
SIZES = (20, 50, MIN_PAIRS)


def crashes(share: float) -> Draw:
    """Returns of 100 ± 10, and of 0 where an episode ends early."""
    return lambda rng, n: np.where(rng.random(n) < share, 0.0, rng.normal(100, 10, n))


RETURNS: dict[str, Draw] = {
    "normal": lambda rng, n: rng.normal(size=n),
    "uniform": lambda rng, n: rng.random(n),
    "Laplace": lambda rng, n: rng.laplace(size=n),
    "Student, 3 degrees": lambda rng, n: rng.standard_t(3, n),
    "exponential": lambda rng, n: rng.exponential(size=n),
    "minus gamma(2)": lambda rng, n: -rng.gamma(2, size=n),
    "gamma(0.5)": lambda rng, n: rng.gamma(0.5, size=n),
    "log-normal(0.5)": lambda rng, n: rng.lognormal(0, 0.5, n),
    "log-normal(1)": lambda rng, n: rng.lognormal(0, 1, n),
    "steps to a failure, at most 200": lambda rng, n: np.minimum(rng.geometric(0.02, n), 200) * 1.0,
    "crash in 50 %": crashes(0.5),
    "crash in 20 %": crashes(0.2),
    "crash in 10 %": crashes(0.1),
    "crash in 5 %": crashes(0.05),
    "crash in 2 %": crashes(0.02),
    "ten times more in 10 %": lambda rng, n: np.where(rng.random(n) < 0.1, 100.0, rng.normal(0, 10, n)),
    "a share, mostly 0": lambda rng, n: np.where(rng.random(n) < 0.7, 0.0, 0.1 * rng.random(n)),
}


def same_in_most(rng: np.random.Generator, n: int) -> np.ndarray:
    return rng.choice([-1.0, 0.0, 1.0], n, p=[0.1, 0.8, 0.1])


def nothing(_: np.random.Generator, n: int) -> np.ndarray:
    return np.zeros(n)


PAIRS: dict[str, tuple[Draw, Draw]] = {
    "equal, normal": (RETURNS["normal"], RETURNS["normal"]),
    "equal, crash in 10 %": (crashes(0.1), crashes(0.1)),
    "equal, crash in 2 %": (crashes(0.02), crashes(0.02)),
    "equal, exponential": (RETURNS["exponential"], RETURNS["exponential"]),
    "equal, log-normal(1)": (RETURNS["log-normal(1)"], RETURNS["log-normal(1)"]),
    "equal, the same in 80 %": (same_in_most, nothing),
    "exponential and a half of it": (RETURNS["exponential"], lambda rng, n: rng.exponential(0.5, n)),
    "crash in 20 % and in 5 %": (crashes(0.2), crashes(0.05)),
    "log-normal(1) and a constant": (RETURNS["log-normal(1)"], nothing),
}


def percentile_bootstrap(values: np.ndarray, rng: np.random.Generator, resamples: int = 1000) -> Interval:
    means = values[rng.integers(values.size, size=(resamples, values.size))].mean(axis=1)
    return Interval(float(values.mean()), *np.percentile(means, (2.5, 97.5)))


def student(values: np.ndarray) -> Interval:
    mean = float(values.mean())
    half = stdtrit(values.size - 1, 0.975) * values.std(ddof=1) / math.sqrt(values.size)
    return Interval(mean, mean - half, mean + half)


class Count:
    """Counts intervals that hold a truth, and those on either side of it."""

    def __init__(self) -> None:
        self.trials = self.above = self.below = 0

    def add(self, found: Interval, truth: float) -> None:
        self.trials += 1
        self.above += found.low > truth
        self.below += found.high < truth

    def row(self) -> dict[str, Any]:
        missed = [round(100 * count / self.trials, 1) for count in (self.above, self.below)]
        return {
            "trials": self.trials,
            "coverage": round(100 - 100 * (self.above + self.below) / self.trials, 1),
            "missed": missed,
        }


def means(trials: int, rng: np.random.Generator) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, draw in RETURNS.items():
        large = draw(rng, 4_000_000)
        truth, middle = float(large.mean()), interquartile_mean_interval(large).estimate
        for n in SIZES:
            counts = {key: Count() for key in ("ours", "Student's", "percentile bootstrap", "middle half")}
            for trial in range(trials):
                values = draw(rng, n)
                counts["ours"].add(mean_interval(values), truth)
                counts["Student's"].add(student(values), truth)
                counts["middle half"].add(interquartile_mean_interval(values), middle)
                if trial % 4 == 0:  # it takes longest
                    counts["percentile bootstrap"].add(percentile_bootstrap(values, rng), truth)
            found.setdefault(name, {})[str(n)] = {key: count.row() for key, count in counts.items()}
        print(f"{name}: " + ", ".join(f"{n} {row['ours']['coverage']}" for n, row in found[name].items()))
    return found


def differences(trials: int, rng: np.random.Generator) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, (a, b) in PAIRS.items():
        truth = 0.0 if "equal" in name else float((a(rng, 4_000_000) - b(rng, 4_000_000)).mean())
        for n in SIZES:
            count = Count()
            for _ in range(trials):
                count.add(paired_difference(a(rng, n), b(rng, n)), truth)
            found.setdefault(name, {})[str(n)] = count.row()
        print(f"{name}: " + ", ".join(f"{n} {row['coverage']}" for n, row in found[name].items()))
    return found


def proportions(trials: int, rng: np.random.Generator) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for p in (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5):
        for n in (*SIZES, 500):
            count = Count()
            for _ in range(trials):
                count.add(proportion_interval((rng.random(n) < p).astype(float)), p)
            found.setdefault(f"{100 * p:g} %", {})[str(n)] = count.row()
    mean = {n: np.mean([row[str(n)]["coverage"] for row in found.values()]) for n in (*SIZES, 500)}
    print("proportions, mean of all shares: " + ", ".join(f"{n} {value:.1f}" for n, value in mean.items()))
    return found


# ---- runs over seeds

RUNS: dict[str, Draw] = {  # the mean of each run's episodes
    "normal": lambda rng, n: rng.normal(100, 10, n),
    "one run in ten fails": lambda rng, n: np.where(rng.random(n) < 0.1, 20.0, rng.normal(100, 5, n)),
}


def seeds(trials: int, rng: np.random.Generator) -> dict[str, Any]:
    """Of interquartile means, whose truth is their own mean over many such samples, and between equals."""
    found: dict[str, Any] = {}
    for (name, draw), tasks in product(RUNS.items(), (1, 5)):
        for n in (3, 5, 10):
            many = draw(rng, 200_000 * n * tasks).reshape(200_000, n, tasks)
            truth = float(interquartile_mean(many).mean())
            middle, equals = Count(), Count()
            for _ in range(trials):
                one, other = (draw(rng, n * tasks).reshape(n, tasks) for _ in range(2))
                middle.add(bootstrap(interquartile_mean, one)[0], truth)
                equals.add(bootstrap(improvement, one, other)[0], 0.5)
            row = {"interquartile mean": middle.row(), "improvement of equals": equals.row()}
            found.setdefault(f"{name}, {tasks} task{'s' * (tasks > 1)}", {})[str(n)] = row
    for name, rows in found.items():
        for key in ("interquartile mean", "improvement of equals"):
            print(f"{name}, {key}: " + ", ".join(f"{n} {row[key]['coverage']}" for n, row in rows.items()))
    return found


# ---- games


def log_odds(p: float) -> float:
    return math.log(p / (1 - p))


def draws(share: float) -> float:
    """Returns the model's λ for a share of draws between equals."""
    return math.log(2 * share / (1 - share)) if share else -30.0


def play(
    strengths: Sequence[float],
    meetings: Sequence[tuple[int, int]],
    pairs: int,
    rng: np.random.Generator,
    *,
    advantage: float = 0.3,
    drawn: float = 0.1,
    again: float = 0.0,
    openings: float = 0.0,
) -> list[GameRecord]:
    """Returns the games of a tournament.

    advantage: of moving first, and openings: how far that varies, in the model's natural units. again: how
    often one game of a pair, either of them, has the winner of the other.
    """
    games: list[GameRecord] = []
    for a, b in meetings:
        favour = advantage + openings * rng.normal(size=pairs)
        first, second = (
            _outcomes(strengths[i] - strengths[j] + favour, drawn, rng) for i, j in ((a, b), (b, a))
        )
        tied, either = rng.random(pairs) < again, rng.random(pairs) < 0.5
        first, second = np.where(tied & either, -second, first), np.where(tied & ~either, -first, second)
        for i, j, outcomes in ((a, b, first), (b, a, second)):
            fixtures = [Fixture(f"p{i}", f"p{j}", opening) for opening in range(pairs)]
            games += [GameRecord(f, int(o), "rules", 0, ()) for f, o in zip(fixtures, outcomes, strict=True)]
    return games


def _outcomes(ahead: np.ndarray, drawn: float, rng: np.random.Generator) -> np.ndarray:
    """Returns 1, 0 or -1 for the player who begins, who is so far ahead (n,) in natural units."""
    chances = probabilities(ahead, np.full(len(ahead), draws(drawn)))
    return 1 - (rng.random(len(ahead))[:, None] > np.cumsum(chances, axis=1)[:, :2]).sum(axis=1)


TWO = [(0, 1)]
MATCHES: dict[str, tuple[float, dict[str, float]]] = {
    "equal": (0.5, {}),
    "equal, no draws, no advantage": (0.5, {"advantage": 0.0, "drawn": 0.0}),
    "equal, half drawn, advantage 1.5": (0.5, {"advantage": 1.5, "drawn": 0.5}),
    "equal, both games of a pair to one in 50 %": (0.5, {"again": 0.5}),
    "equal, openings of their own advantage": (0.5, {"openings": 1.5, "drawn": 0.3}),
    "70 %": (0.7, {}),
    "80 %": (0.8, {"drawn": 0.0}),
    "95 %": (0.95, {"drawn": 0.0}),
}


def matches(trials: int, rng: np.random.Generator) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, (p, options) in MATCHES.items():
        strengths = [log_odds(p) / 2, -log_odds(p) / 2]
        for pairs in (MIN_OPENING_PAIRS, 25, 50):
            count, named = Count(), 0
            for trial in range(trials):
                games = play(strengths, TWO, pairs, rng, **options)
                standings = stand(["p0", "p1"], games, seed=trial)
                count.add(standings.difference(0, 1), 2 * strengths[0] * ELO)
                named += standings.verdicts()[-1] != "winner: none is claimed"
            row = count.row() | {"winner_named": round(100 * named / trials, 1)}
            found.setdefault(name, {})[str(pairs)] = row
        told = [f"{n} {row['coverage']} ({row['winner_named']} named)" for n, row in found[name].items()]
        print(f"{name}: {', '.join(told)}")
    return found


def tournaments(trials: int, rng: np.random.Generator) -> dict[str, Any]:
    """Returns how it is with the first player's rating, and with its difference to the second's."""
    everyone = {n: list(combinations(range(n), 2)) for n in (4, 8)}
    cases: dict[str, tuple[list[float], list[tuple[int, int]], int]] = {
        "four equals": ([0.0] * 4, everyone[4], 10),
        "four of different strength": ([0.8, 0.3, -0.2, -0.9], everyone[4], 10),
        "eight equals": ([0.0] * 8, everyone[8], 10),
    }
    for pairs, (others, p) in product((5, MIN_OPENING_PAIRS), ((12, 0.9), (20, 0.95), (10, 0.81))):
        meetings = [(0, k) for k in range(1, others + 1)]
        name = f"one against {others}, who wins {100 * p:g} %, {pairs} pairs"
        cases[name] = ([log_odds(p)] + [0.0] * others, meetings, pairs)
    found: dict[str, Any] = {}
    for name, (strengths, meetings, pairs) in cases.items():
        truth = (np.array(strengths) - np.mean(strengths)) * ELO
        rating, difference, named, inside = Count(), Count(), 0, 0
        for trial in range(trials):
            names = [f"p{k}" for k in range(len(strengths))]
            advantage = 0.3 if "against" not in name else 0.0
            games = play(strengths, meetings, pairs, rng, advantage=advantage, drawn=0.1 * (advantage > 0))
            standings = stand(names, games, seed=trial)
            own = standings.ratings.intervals[0]
            inside += own.low <= own.estimate <= own.high
            rating.add(own, float(truth[0]))
            difference.add(standings.difference(0, 1), float(truth[0] - truth[1]))
            named += standings.verdicts()[-1] != "winner: none is claimed"
        found[name] = {
            "pairs_of_two_players": pairs,
            "rating": rating.row(),
            "difference": difference.row(),
            "estimate_inside": round(100 * inside / trials, 1),
            "winner_named": round(100 * named / trials, 1),
        }
        print(name, found[name])
    return found


SECTIONS: dict[str, Callable[[int, np.random.Generator], dict[str, Any]]] = {
    "means": means,
    "paired_differences": differences,
    "proportions": proportions,
    "seeds": seeds,
    "matches": matches,
    "tournaments": tournaments,
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trials", type=int, default=4000, help="samples of episodes a case")
    parser.add_argument("--tournaments", type=int, default=1000, help="matches a case; of tournaments half")
    parser.add_argument(
        "--only", nargs="+", choices=SECTIONS, default=list(SECTIONS), help="measure these anew"
    )
    arguments = parser.parse_args()
    episodes, games = arguments.trials, arguments.tournaments
    several = max(1, episodes // 8)
    counts = (episodes, episodes, episodes, several, games, max(1, games // 2))
    trials = dict(zip(SECTIONS, counts, strict=True))
    found: dict[str, Any] = {}
    for name in arguments.only:
        start = time.perf_counter()
        found[name] = SECTIONS[name](trials[name], np.random.default_rng(0))
        found[name]["seconds"] = round(time.perf_counter() - start)
    path = RESULTS / "interval_coverage.json"
    before: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    write_report(path, {**machine("numpy", "scipy"), "confidence": 95, **before, **found})


if __name__ == "__main__":
    main()
