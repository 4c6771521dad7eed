"""The audit of trading environments, run on the ones that are in use and on ours.

    pip install gym-anytrading gym-trading-env
    python benchmarks/trading_audit.py [--episodes 200]

gym-anytrading as registered, and cut to episodes of 100 bars; gym-trading-env on simulated closes, with
windows, random starts, shorts and leverage. Those that are not installed are left out. Each prints its
findings; goal for ours: no fault.
"""

import argparse
import contextlib
import importlib.util
import io
import warnings
from collections.abc import Callable
from pathlib import Path

import gymnasium
import numpy as np
import pandas as pd
from machine import RESULTS, machine, write_report

from quadrivium.envs.trading.audit.auditor import audit


def closes(bars: int) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    close = 100 * np.exp(np.cumsum(rng.normal(0.0002, 0.01, bars)))
    frame = pd.DataFrame({"open": close, "high": close, "low": close, "close": close})
    frame.index = pd.date_range("2020-01-01", periods=bars, freq="h")
    frame["feature_return"] = np.diff(np.log(close), prepend=np.log(close[0]))
    return frame


def anytrading() -> dict[str, Callable[[], gymnasium.Env]]:
    import gym_anytrading.datasets as data
    from gym_anytrading.envs import ForexEnv, StocksEnv

    return {
        "gym-anytrading stocks-v0": lambda: gymnasium.make("stocks-v0"),
        "gym-anytrading forex-v0": lambda: gymnasium.make("forex-v0"),
        "gym-anytrading stocks, 100 bars": lambda: StocksEnv(data.STOCKS_GOOGL.copy(), 10, (10, 110)),
        "gym-anytrading forex, 100 bars, unit right": lambda: ForexEnv(
            data.FOREX_EURUSD_1H_ASK.copy(), 10, (10, 110), unit_side="right"
        ),
    }


def trading_env() -> dict[str, Callable[[], gymnasium.Env]]:
    from gym_trading_env.environments import TradingEnv

    frame = closes(600)
    return {
        "gym-trading-env, defaults": lambda: TradingEnv(df=frame, verbose=0),
        "gym-trading-env, windows 10": lambda: TradingEnv(
            df=frame, windows=10, initial_position=0, trading_fees=0.001, verbose=0
        ),
        "gym-trading-env, windows 10, episodes of 100": lambda: TradingEnv(
            df=frame, windows=10, initial_position=0, max_episode_duration=100, verbose=0
        ),
        "gym-trading-env, shorts and leverage": lambda: TradingEnv(
            df=frame, positions=[-1, 0, 1, 2], initial_position=0, trading_fees=0.001, verbose=0
        ),
    }


def ours() -> dict[str, Callable[[], gymnasium.Env]]:
    worlds = ("quadrivium/SingleAsset", "quadrivium/Portfolio")
    ids = [name for name in gymnasium.registry if name.startswith(worlds)]
    return {name: lambda name=name: gymnasium.make(name, scenarios=8) for name in ids}


FAMILIES = {"numba": ours, "gym_anytrading": anytrading, "gym_trading_env": trading_env}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--episodes", type=int, default=200)
    parser.add_argument("--output", type=Path, default=RESULTS / "trading_audit.json")
    args = parser.parse_args()
    reports, packages = [], ["gymnasium", "numpy"]
    for module, family in FAMILIES.items():
        if importlib.util.find_spec(module) is None:
            print(f"{module} is not installed: left out")
            continue
        packages.append(module.replace("_", "-"))
        # Filters that an import sets are found in its own family, and not left to the next one.
        with warnings.catch_warnings():
            for name, make_env in family().items():
                with contextlib.redirect_stdout(io.StringIO()):
                    report = audit(make_env, episodes=args.episodes, name=name)
                reports.append(report.to_dict())
                print(report, end="\n\n", flush=True)
    write_report(args.output, machine(*packages) | {"episodes": args.episodes, "reports": reports})


if __name__ == "__main__":
    main()
