"""Three checks of sanity: an agent takes what there is, and finds nothing where there is nothing.

    python benchmarks/trading_sanity.py [--seeds 3] [--episodes 2000] [--only leak martingale expensive]

1. leak: the next open-to-open return is among the features, and trading is free. An agent that learns at all
   earns nearly what the best in hindsight does: at least 90 % of its log growth.
2. martingale: nothing can be foreseen (alpha 0). Whatever it has learned, what it earns before costs is 0 on
   average: within 4 standard errors.
3. expensive: the sign chain at 70 basis points, where the fee eats the signal (the border is 66.7). It never
   trades. (With a discount of 0.5, which moves the border to 50. With the config's 0.9 it is 62.5, so near
   that the network's error of a few hundredths makes it trade once or so an episode.)

Each is trained from a published config (configs/trading) with the overrides below, and measured on held-out
scenarios. Writes benchmarks/results/trading_sanity.json.
"""

import argparse
import contextlib
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from machine import RESULTS, machine, write_report

from quadrivium.agents.batches.environments import make_vector_env
from quadrivium.agents.evaluation.episodes import Episodes, play_episodes
from quadrivium.commands import train
from quadrivium.commands.build import load_player, open_run
from quadrivium.envs.trading.account.costs import FREE
from quadrivium.envs.trading.episodes.regret import hindsight_growth
from quadrivium.envs.trading.market.features import FEATURES

CONFIGS = Path(__file__).parents[1] / "configs" / "trading"
SEED, LANES = 8_000_000, 500
Columns = dict[str, np.ndarray]


def next_return(columns: Columns) -> np.ndarray:
    """Returns log(open_{t+2} / open_{t+1}), which a position decided at t earns; 0 in the last two bars."""
    moves = np.diff(np.log(columns["open"]), axis=-2)
    leaked = np.zeros_like(columns["open"])
    leaked[..., :-2, :] = moves[..., 1:, :]
    return leaked


class Check(NamedTuple):
    config: str
    options: dict[str, Any]
    judge: Callable[[Episodes, Any], dict[str, float]]
    passes: Callable[[dict[str, float]], bool]


def of_leak(episodes: Episodes, env: Any) -> dict[str, float]:
    growth = np.log1p(episodes.metrics["total_return"])
    best = hindsight_growth(env.unwrapped.setup, _starts(env, len(growth)))
    return {"log_growth": float(growth.mean()), "hindsight": float(best.mean()),
            "share": float(growth.mean() / best.mean())}  # fmt: skip


def of_martingale(episodes: Episodes, env: Any) -> dict[str, float]:
    gross = episodes.metrics["total_return"] + episodes.metrics["costs"]
    error = float(gross.std(ddof=1) / np.sqrt(len(gross)))
    return {"before_costs": float(gross.mean()), "costs": float(episodes.metrics["costs"].mean()),
            "standard_errors": float(gross.mean()) / error}  # fmt: skip


def of_expensive(episodes: Episodes, env: Any) -> dict[str, float]:
    return {"turnover": float(episodes.metrics["turnover"].mean()),
            "most": float(episodes.metrics["turnover"].max())}  # fmt: skip


CHECKS = {
    "leak": Check(
        "single_asset_ppo",
        {f"env.kwargs.{key}": "null" if value is None else value for key, value in FREE.items()}
        | {"env.kwargs.features": "[next_return]", "env.kwargs.window": 1, "agent.gamma": 0.5},
        of_leak,
        lambda found: found["share"] >= 0.9,
    ),
    "martingale": Check(
        "single_asset_ppo",
        {"env.kwargs.simulator": "{alpha: 0.0}"},
        of_martingale,
        lambda found: abs(found["standard_errors"]) <= 4.0,
    ),
    "expensive": Check(
        "sign_chain_dqn",
        {"env.kwargs.fee_bps": 70.0, "agent.gamma": 0.5},
        of_expensive,
        lambda found: found["most"] == 0.0,
    ),
}


def _starts(env: Any, count: int) -> np.ndarray:
    rows: list[np.ndarray] = []
    for start in range(0, count, env.num_envs):
        env.reset(seed=SEED + start)
        rows.append(env.unwrapped.get_state())
    return np.concatenate(rows)[:count]


def run_check(name: str, check: Check, seed: int, episodes: int) -> dict[str, Any]:
    """Trains in the present directory, and measures."""
    quiet = ("evaluation.every_steps", "evaluation.final_episodes", "logging.video_every_steps")
    options = {"seed": seed, "name": f"{name}_{seed}", "threads": 1, "max_minutes": 10}
    options |= dict.fromkeys(quiet, "null") | {"logging.progress": "false"}
    arguments = [str(CONFIGS / f"{check.config}.yaml")]
    for key, value in (options | check.options).items():
        arguments += [f"--{key}", str(value)]
    if train.main(arguments) != 0:
        raise SystemExit(f"error: the training of {name} failed")
    run = Path("runs") / f"{name}_{seed}"
    config = open_run(run)
    env = make_vector_env(config.env.id, min(episodes, LANES), config.evaluation_kwargs())
    player, step = load_player(run, env, "last", print)
    found = check.judge(play_episodes(player, env, episodes=episodes, seed=SEED), env)
    env.close()
    row = {"seed": seed, "steps": step, **found, "passes": check.passes(found)}
    print(name, row, flush=True)
    return row


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--episodes", type=int, default=2000)
    parser.add_argument("--only", nargs="+", choices=list(CHECKS), default=list(CHECKS))
    parser.add_argument("--output", type=Path, default=RESULTS / "trading_sanity.json")
    arguments = parser.parse_args()
    output = arguments.output.resolve()
    FEATURES["next_return"] = (0, next_return)  # what no world of ours offers: the future
    with tempfile.TemporaryDirectory() as directory, contextlib.chdir(directory):
        checks = {
            name: [run_check(name, CHECKS[name], seed, arguments.episodes) for seed in range(arguments.seeds)]
            for name in arguments.only
        }
    report = {
        **machine("torch", "numba"),
        "episodes": arguments.episodes,
        "first_seed": SEED,
        "checks": checks,
    }
    write_report(output, report)
    if not all(row["passes"] for rows in checks.values() for row in rows):
        raise SystemExit("error: a check failed; see above")


if __name__ == "__main__":
    main()
