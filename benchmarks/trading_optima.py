"""How much of a known optimum has an agent learned? Runs beside the scripted players, as a share of the
optimum.

    python benchmarks/trading_optima.py [runs/sign_chain_dqn runs/execution_ppo ...] [--episodes 20000]

A run is one that `train.py configs/trading/<name>.yaml` made, in any world with a known optimum, with any of
its parameters; its last weights play the test split, most probable action. The scripted players of the same
world play the same scenarios beside it. The optimum is computed (`quadrivium.envs.trading.oracles`), not
simulated.

The share of the optimum is (return − floor) / (optimum − floor), where the floor is what a simple player
earns, in closed form: cash (SignChain), selling evenly (Execution), quoting 1/κ (MarketMaking), holding the
put to the end (OptimalStopping). So 0 % is the simple player and 100 % the optimum. Intervals are 95 %,
normal, over episodes, less the luck that the optimal player had in the same scenarios. A mean above the
optimum by more than four standard errors is a fault of the world or of this script: an error.

Without runs, only the scripted players are measured. Writes benchmarks/results/trading_optima.json.
"""

import argparse
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from machine import RESULTS, machine, write_report

import quadrivium  # noqa: F401 (registers the ids)
from quadrivium.agents.batches.environments import make_vector_env
from quadrivium.agents.evaluation.episodes import Player, play_episodes
from quadrivium.agents.evaluation.evaluator import MAX_LANES, baseline_players
from quadrivium.commands.build import load_player, open_run, use_threads
from quadrivium.envs.core.setup import Setup
from quadrivium.envs.trading.execution.baselines import market_of as liquidation_of
from quadrivium.envs.trading.market_making.baselines import market_of as quoting_of
from quadrivium.envs.trading.oracles import almgren_chriss, bermudan_put, cartea_jaimungal, sign_chain

SEED = 7_000_000


class Known(NamedTuple):
    """What is known of a world: mean returns of the best and of a simple player."""

    optimum: float
    floor: float
    floor_player: str
    best_player: str = "optimal"


def of_sign_chain(setup: Setup) -> Known:
    p = setup.params
    return Known(sign_chain.solve(p.persistence, p.volatility_pct, p.fee_pct, p.max_steps).value, 0.0, "cash")


def of_execution(setup: Setup) -> Known:
    market = liquidation_of(setup.params)
    _, _, evenly = almgren_chriss.evaluate(market, almgren_chriss.even(market))
    return Known(-almgren_chriss.solve(market)[0], -evenly, "twap", "almgren_chriss")


def of_market_making(setup: Setup) -> Known:
    p = setup.params
    if p.hawkes:
        raise SystemExit("error: with arrivals=hawkes no optimum is known; train with arrivals=poisson")
    market, starts = quoting_of(p), tuple(range(-4, 5)) if p.uniform_start else (0,)
    depth = 1 / market.depth_decay
    simple = cartea_jaimungal.evaluate(market, depth, depth, p.max_inventory)
    best = cartea_jaimungal.solve(market, p.max_inventory)
    return Known(best.value(starts), simple.value(starts), "depth 1/kappa")


def of_optimal_stopping(setup: Setup) -> Known:
    put = bermudan_put.Put(*setup.params[1:])
    return Known(bermudan_put.solve(put)[0], bermudan_put.european(put), "hold")


WORLDS: dict[str, Callable[[Setup], Known]] = {
    "quadrivium/SignChain-v0": of_sign_chain,
    "quadrivium/Execution-v0": of_execution,
    "quadrivium/MarketMaking-v0": of_market_making,
    "quadrivium/OptimalStopping-v0": of_optimal_stopping,
}


def measure(name: str, returns: np.ndarray, reference: np.ndarray | None, known: Known) -> dict[str, Any]:
    """Returns [mean, low, high] of the return and of the share of the optimum.

    reference: (E,) returns of the optimal player in the same scenarios. What it earned above the optimum was
    luck, and as much of that as the two have in common is subtracted (a control variate, with the
    regression's factor).
    """
    if reference is not None and reference.std() > 1e-5:
        factor = np.cov(returns, reference)[0, 1] / reference.var(ddof=1)
        returns = returns - factor * (reference - known.optimum)
    mean, half = float(returns.mean()), 1.96 * float(returns.std(ddof=1)) / math.sqrt(len(returns))
    found = (mean, mean - half, mean + half)
    shares = tuple((x - known.floor) / (known.optimum - known.floor) for x in found)
    text = "{:9.4f} [{:.4f}, {:.4f}]".format(*found)
    print(f"  {name:<22} {text:<32} {{:8.2%}} [{{:.2%}}, {{:.2%}}]".format(*shares), flush=True)
    # Four standard errors; without noise, the rounding of float32 rewards.
    if mean > known.optimum + 2.04 * half + 1e-5 * abs(known.optimum):
        raise SystemExit(
            f"error: {name} earns more than the optimum, {known.optimum:.6f}; look for the fault"
        )
    return {"return": [round(x, 6) for x in found], "share": [round(x, 6) for x in shares]}


def report(env_id: str, kwargs: dict[str, Any], runs: list[Path], episodes: int) -> dict[str, Any]:
    """Measures the runs of one world with one set of arguments, and its scripted players."""
    env = make_vector_env(env_id, min(episodes, 8 * MAX_LANES), kwargs)
    setup = getattr(env.unwrapped, "setup")  # noqa: B009 (a VectorEnv has none by its type)
    known = WORLDS[env_id](setup)
    print(f"{env_id} {kwargs}: optimum {known.optimum:.4f}, {known.floor_player} {known.floor:.4f}")
    players: list[Player] = baseline_players(env, None)
    steps: dict[str, int] = {}
    for run in runs:
        player, steps[str(run)] = load_player(run, env, "last", print)
        players.append(player)
    played = {p.name: play_episodes(p, env, episodes=episodes, seed=SEED).returns for p in players}
    env.close()
    best = known.best_player
    rows = {
        name: measure(name, returns, None if name == best else played[best], known)
        for name, returns in played.items()
    }
    return {**known._asdict(), "kwargs": kwargs, "steps": steps, "players": rows}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", nargs="*", type=Path, help="run directories")
    parser.add_argument("--episodes", type=int, default=20_000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--output", type=Path, default=RESULTS / "trading_optima.json")
    arguments = parser.parse_args()
    use_threads(arguments.threads)
    groups: dict[str, tuple[str, dict[str, Any], list[Path]]] = {}
    for run in arguments.runs:
        config = open_run(run)
        if config.env.id not in WORLDS:
            parser.error(f"{run} was trained in {config.env.id}; give runs in {', '.join(WORLDS)}")
        kwargs = config.evaluation_kwargs() | {"split": "test"}
        key = f"{config.env.id} {sorted(kwargs.items())}"
        groups.setdefault(key, (config.env.id, kwargs, []))[2].append(run)
    if not arguments.runs:
        groups = {name: (name, {"split": "test"}, []) for name in WORLDS}
    worlds = [
        {"environment": name, **report(name, kwargs, runs, arguments.episodes)}
        for name, kwargs, runs in groups.values()
    ]
    head = {**machine("torch", "numba"), "episodes": arguments.episodes, "seed": SEED}
    write_report(arguments.output, {**head, "worlds": worlds})


if __name__ == "__main__":
    main()
