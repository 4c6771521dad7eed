"""Looks for rewards that pay for what they are not about: a planner maximises each world's reward.

    python benchmarks/reward_search.py [WORLD ...] [--scenarios 16] [--plans 128] [--films DIRECTORY]

The planner knows the world's state, its dice included, and what every action would bring: before each
decision it tries plans of `horizon` decisions on copies of the state, those of the scripted players among
them, betters the best by chance (a cross-entropy method on held actions), and takes the first action of the
best. It does not learn, and it sees no further than its horizon; but what pays at once, without regard to the
task, it finds: turning on the spot, standing before the goal, driving to and fro. So of each world two things
count, what is paid and what of the task is done, beside the world's scripted players and one who acts at
random, on the same scenarios.

A world is suspicious where the planner is paid more than the best scripted player and does less of the task.
Then look at what it does: `--films` writes an episode of each world as it plays it.

Expected: none. Writes benchmarks/results/reward_search.json; worlds that are not named keep what it says of
them.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium.vector import VectorEnv
from machine import RESULTS, machine, write_report

import quadrivium  # noqa: F401  registers the ids
from quadrivium.agents.batches.env_batch import EnvBatch
from quadrivium.agents.batches.environments import make_film_env, make_vector_env
from quadrivium.agents.evaluation.episodes import (
    BaselinePlayer,
    Episodes,
    Player,
    RandomPlayer,
    play_episodes,
)
from quadrivium.agents.logs.film import save_film

RESULT = RESULTS / "reward_search.json"
ROUNDS = 3  # in which plans are bettered before a decision
ELITE = 8  # one in so many plans is bettered


@dataclass(frozen=True)
class World:
    """A world, and by what its task is judged.

    Attributes:
        id: of its environments.
        good, bad: metrics that the task wants high, and low.
        kwargs: beside the defaults.
        horizon: decisions, that a plan foresees.
        decisions: at most, of an episode here; 0: all.
    """

    id: str
    good: tuple[str, ...]
    bad: tuple[str, ...]
    kwargs: dict[str, Any] = field(default_factory=dict)
    horizon: int = 12
    decisions: int = 0


CONTINUOUS = {"actions": "continuous", "decision_frequency": 5}  # nobody steers by hand once a second
WORLDS = {
    "highway": World("Highway-v0", ("mean_speed",), ("collision",)),
    "highway steered": World("Highway-v0", ("mean_speed",), ("collision",), CONTINUOUS, horizon=20),
    "merge": World("Merge-v0", ("arrival",), ("collision",)),
    "merge steered": World("Merge-v0", ("arrival",), ("collision",), CONTINUOUS, horizon=20),
    "roundabout": World("Roundabout-v0", ("arrival",), ("collision",)),
    "roundabout steered": World("Roundabout-v0", ("arrival",), ("collision",), CONTINUOUS, horizon=20),
    "intersection": World("Intersection-v0", ("arrival",), ("collision",)),
    "intersection steered": World("Intersection-v0", ("arrival",), ("collision",), CONTINUOUS, horizon=20),
    "exit": World("Exit-v0", ("arrival",), ("collision",)),
    "exit steered": World("Exit-v0", ("arrival",), ("collision",), CONTINUOUS, horizon=20),
    "two way": World("TwoWay-v0", ("arrival",), ("collision",)),
    "u turn": World("UTurn-v0", ("arrival",), ("collision",)),
    "roads": World("Roads-v0", ("completion",), ("collision",)),
    "roads steered": World("Roads-v0", ("completion",), ("collision",), CONTINUOUS, horizon=20),
    "lane keeping": World("LaneKeeping-v0", ("centred_share",), (), horizon=20),
    "racetrack": World("Racetrack-v0", ("mean_speed",), ("collision", "off_road"), horizon=15),
    "parking": World("Parking-v0", ("arrival",), ("collision",), horizon=20),
    "point nav": World("PointNav-v0", ("success",), ("collision",), horizon=20),
    "crowd nav": World("CrowdNav-v0", ("success",), ("collision",)),
    "explore": World("Explore-v0", ("coverage",), ("collision",), horizon=20),
}


class Plans:
    """Draws and betters plans (S, P, H, A) of actions within a box, held for some decisions each.

    A discrete action is the whole part of a number in [0, n).
    """

    def __init__(self, env: VectorEnv, horizon: int, rng: np.random.Generator) -> None:
        space: Any = env.single_action_space
        self.discrete = hasattr(space, "n")
        self.horizon, self.rng = horizon, rng
        self.low = np.zeros(1) if self.discrete else np.asarray(space.low, float).reshape(-1)
        self.high = np.array([space.n - 1e-6]) if self.discrete else np.asarray(space.high, float).reshape(-1)

    def drawn(self, *shape: int) -> np.ndarray:
        """Returns plans (*shape, H, A): an action is held for a quarter of the horizon in the mean."""
        full = (*shape, self.horizon, len(self.low))
        values = self._extreme(full)
        changes = self.rng.random((*shape, self.horizon)) < 4 / self.horizon
        changes[..., 0] = True
        last = np.maximum.accumulate(np.where(changes, np.arange(self.horizon), 0), axis=-1)
        return np.take_along_axis(values, last[..., None], axis=-2)

    def _extreme(self, shape: tuple[int, ...]) -> np.ndarray:
        """Returns actions, of boxes every second at a bound, where what exploits often lies."""
        values = self.rng.uniform(self.low, self.high, shape)
        if self.discrete:
            return values
        bound = np.where(self.rng.random(shape) < 0.5, self.low, self.high)
        return np.where(self.rng.random(shape) < 0.5, bound, values)

    def bettered(self, elite: np.ndarray, count: int) -> np.ndarray:
        """Returns `count` plans (S, count, H, A): of the elite (S, E, H, A), with a stretch drawn anew."""
        parents = elite[:, self.rng.integers(elite.shape[1], size=count)]
        first = self.rng.integers(self.horizon, size=(len(elite), count, 1))
        length = self.rng.geometric(4 / self.horizon, size=first.shape)
        steps = np.arange(self.horizon)
        within = ((steps >= first) & (steps < first + length))[..., None]
        if self.discrete:
            fresh = self._extreme((len(elite), count, 1, len(self.low)))
        else:
            spread = 0.3 * (self.high - self.low)
            near = parents + spread * self.rng.normal(size=(len(elite), count, 1, len(self.low)))
            far = self._extreme((len(elite), count, 1, len(self.low)))
            fresh = np.where(self.rng.random((len(elite), count, 1, 1)) < 0.5, near, far)
        return np.clip(np.where(within, fresh, parents), self.low, self.high)

    def numbers(self, actions: np.ndarray) -> np.ndarray:
        """Returns plans (S, H, A) of actions (S, H, ...)."""
        return actions[..., None] + 0.5 if self.discrete else actions.astype(float)

    def actions(self, plans: np.ndarray) -> np.ndarray:
        """Returns actions (N, ...) of numbers (N, A) as the environments take them."""
        return plans[:, 0].astype(np.int64) if self.discrete else plans.astype(np.float32)


class Planner:
    """A player that tries plans on copies of the state; `scenarios` of them are played at once."""

    name = "planner"

    def __init__(self, env_id: str, kwargs: dict[str, Any], scenarios: int, plans: int, horizon: int) -> None:
        self.tried = EnvBatch(make_vector_env(env_id, scenarios * plans, kwargs))
        self.tried.seed(0)
        self.tried.reset()
        self.shadow = EnvBatch(make_vector_env(env_id, scenarios, kwargs))
        self.shadow.reset()
        self.plans = Plans(self.tried.env, horizon, np.random.default_rng(0))
        self.scenarios, self.count = scenarios, plans
        self.best: np.ndarray | None = None  # (S, H, A)

    def act(self, obs: Any, env: VectorEnv) -> np.ndarray:
        """Returns the first action of each scenario's best plan."""
        rows: np.ndarray = env.unwrapped.get_state()  # pyright: ignore[reportAttributeAccessIssue]
        plans = self.plans.drawn(self.scenarios, self.count)
        known = self.scripted(rows)
        if self.best is not None:  # one decision on
            known.append(np.concatenate([self.best[:, 1:], self.best[:, -1:]], axis=1))
        plans[:, : len(known)] = np.stack(known, axis=1)
        paid = self.returns(rows, plans)
        for _ in range(ROUNDS):
            order = np.argsort(-paid, axis=1)[:, : max(self.count // ELITE, 1)]
            elite = np.take_along_axis(plans, order[..., None, None], axis=1)
            kept = np.take_along_axis(paid, order, axis=1)
            fresh = self.plans.bettered(elite, self.count)
            plans = np.concatenate([elite, fresh], axis=1)
            paid = np.concatenate([kept, self.returns(rows, fresh)], axis=1)
        self.best = plans[np.arange(self.scenarios), paid.argmax(axis=1)]
        return self.plans.actions(self.best[:, 0])

    def scripted(self, rows: np.ndarray) -> list[np.ndarray]:
        """Returns what each scripted player would do from the states (S,), plans (S, H, A)."""
        world: Any = self.shadow.env.unwrapped
        found = []
        for name, script in world.baselines.items():
            if name != "random":
                self.shadow.set_state(rows)
                done = []
                for _ in range(self.plans.horizon):
                    done.append(script(world))
                    self.shadow.step_batch(done[-1])
                found.append(self.plans.numbers(np.stack(done, axis=1)))
        return found

    def returns(self, rows: np.ndarray, plans: np.ndarray) -> np.ndarray:
        """Returns what is paid (S, P) for plans (S, P, H, A) from the states (S,), until an episode ends."""
        self.tried.set_state(np.repeat(rows, self.count))
        flat = plans.reshape(-1, *plans.shape[2:])
        paid, alive = np.zeros(len(flat)), np.ones(len(flat), bool)
        for step in range(self.plans.horizon):
            told = self.tried.step_batch(self.plans.actions(flat[:, step]))
            paid += told.rewards * alive
            alive &= ~told.done
        return paid.reshape(plans.shape[:2])


def shown(episodes: Episodes, names: tuple[str, ...]) -> dict[str, list[float]]:
    """Returns the means of some measures with their intervals."""
    measured = episodes.summary()
    intervals = {name: measured[name] for name in names}
    return {name: [round(v, 3) for v in (i.estimate, i.low, i.high)] for name, i in intervals.items()}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("worlds", nargs="*", default=list(WORLDS), metavar="WORLD", help=", ".join(WORLDS))
    parser.add_argument("--scenarios", type=int, default=16)
    parser.add_argument("--plans", type=int, default=128)
    parser.add_argument("--films", type=Path, help="a directory")
    arguments = parser.parse_args()
    known = json.loads(RESULT.read_text())["worlds"] if RESULT.exists() else {}
    for name in arguments.worlds:
        world = WORLDS[name]
        began = time.perf_counter()
        found = measure(world, arguments.scenarios, arguments.plans)
        known[name] = {"scenarios": arguments.scenarios, "plans": arguments.plans, **found}
        write_report(RESULT, machine("numba", "numpy") | {"worlds": known})
        print(f"{name} ({time.perf_counter() - began:.0f} s): {found}", flush=True)
        if arguments.films is not None:
            film(world, arguments.plans, arguments.films / name.replace(" ", "_"))


def measure(world: World, scenarios: int, plans: int) -> dict[str, Any]:
    """Returns what each player is paid and does on the same scenarios, and what is suspicious."""
    env_id = f"quadrivium/{world.id}"
    env = make_vector_env(env_id, scenarios, world.kwargs)
    scripted = env.unwrapped.baselines  # pyright: ignore[reportAttributeAccessIssue]
    players: list[Player] = [Planner(env_id, world.kwargs, scenarios, plans, world.horizon), RandomPlayer()]
    players += [BaselinePlayer(name, act) for name, act in scripted.items()]
    names = ("return", *world.good, *world.bad, "length")
    found = {
        player.name: shown(play_episodes(player, env, episodes=scenarios, seed=3_000_000), names)
        for player in players
    }
    env.close()
    return {"players": found, "suspicious": suspicious(world, found)}


def suspicious(world: World, found: dict[str, Any]) -> list[str]:
    """Returns of which of the task's metrics the planner has less than the best-paid scripted player."""
    planner = found["planner"]
    others = {name: told for name, told in found.items() if name not in ("planner", "random")}
    best = max(others.values(), key=lambda told: told["return"][0])
    if planner["return"][0] <= best["return"][0]:
        return []
    worse = [name for name in world.good if planner[name][2] < best[name][1]]
    return worse + [name for name in world.bad if planner[name][1] > best[name][2]]


def film(world: World, plans: int, path: Path) -> None:
    """Writes an episode of the planner."""
    env_id = f"quadrivium/{world.id}"
    env, shown_env = make_vector_env(env_id, 1, world.kwargs), make_film_env(env_id, world.kwargs)
    assert shown_env is not None
    player = Planner(env_id, world.kwargs, 1, plans, world.horizon)
    obs, _ = env.reset(seed=3_000_000)
    shown_env.reset(seed=3_000_000)
    frames = []
    over = False
    while not over:
        action = player.act(obs, env)
        obs, *_ = env.step(action)
        _, _, terminated, truncated, _ = shown_env.step(action[0])
        frames.append(np.asarray(shown_env.render()))
        over = terminated or truncated
    path.parent.mkdir(parents=True, exist_ok=True)
    save_film(path, frames, fps=10)


if __name__ == "__main__":
    main()
