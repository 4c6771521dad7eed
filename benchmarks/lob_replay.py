"""Messages a second at which a day of order messages is replayed, and how long it takes to load.

    python benchmarks/lob_replay.py [--messages 500000] [--output benchmarks/results/lob_replay.json]

The day is in LOBSTER's form, made by `lobster_day.py`. `one book`: the whole day in one environment, on one
core, with a market maker who decides once a minute. `256 books`: as many environments on all cores, each in
an hour of its own, with a decision a minute and with one each 20 seconds. Actions, observations and the
beginnings of episodes are in the time, which is the processor's, of all cores together; the clock's is told
besides. Goal: 2,000,000 messages a second.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lobster_day import write_day
from machine import RESULTS, machine, write_report

from quadrivium.envs.trading.limit_order_book.baselines import BASELINES
from quadrivium.envs.trading.limit_order_book.env import LimitOrderBookVectorEnv
from quadrivium.envs.trading.limit_order_book.messages import load_messages
from quadrivium.envs.trading.limit_order_book.tape import tape_of

GOAL = 2_000_000
MAKER = BASELINES["inventory_skew"]


def replayed(path: Path, num_envs: int, **options: Any) -> Callable[[float], tuple[float, float]]:
    """Returns what plays for a while and returns messages a second, of the processor and of the clock."""
    env = LimitOrderBookVectorEnv(num_envs, messages=path, max_loss=float("inf"), test_share=1e-6, **options)
    env.reset(seed=0)
    for _ in range(3):
        env.step(MAKER(env))

    def run(seconds: float) -> tuple[float, float]:
        count, start, used = 0, time.perf_counter(), time.process_time()
        before = env.states["cursor"].copy()
        while (elapsed := time.perf_counter() - start) < seconds:
            *_, truncated, _ = env.step(MAKER(env))
            after = env.states["cursor"].copy()
            count += (after - before)[~truncated].sum()  # the others have begun anew
            before = after
        return count / (time.process_time() - used), count / elapsed

    return run


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--messages", type=int, default=500_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each run in each round")
    parser.add_argument("--output", type=Path, default=RESULTS / "lob_replay.json")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path, _ = write_day(Path(folder), options.messages)
        start = time.process_time()
        messages = load_messages(path)
        read = time.process_time() - start
        tape_of([messages])  # compiles
        start = time.process_time()
        tape = tape_of([messages])
        followed = time.process_time() - start
        runs = {
            "one book, a decision a minute": replayed(path, 1, interval=1.0, steps=380),
            "256 books, a decision a minute": replayed(path, 256, interval=1.0, steps=60),
            "256 books, a decision each 20 seconds": replayed(path, 256, interval=1 / 3, steps=180),
        }
        rounds: dict[str, list[tuple[float, float]]] = {name: [] for name in runs}
        for _ in range(options.rounds):
            for name, run in runs.items():
                rounds[name].append(run(options.seconds))
    medians = {
        kind: {name: round(statistics.median(one[k] for one in values)) for name, values in rounds.items()}
        for k, kind in enumerate(("processor", "clock"))
    }
    for name in runs:
        by = "   ".join(f"{medians[kind][name]:12,} a second of {kind}" for kind in medians)
        print(f"{name:40s} {by}")
    print(f"read in {read:.2f} s, followed in {followed:.2f} s of processor time")
    report = {
        **machine("numba", "numpy", "pyarrow"),
        "messages": len(messages.minutes),
        "events": len(tape.events),
        "slots": tape.slots,
        "ticks": tape.ticks,
        "seconds_to_read": round(read, 3),
        "seconds_to_follow": round(followed, 3),
        "messages_per_second": medians,
        "rounds": {name: [[round(value) for value in one] for one in rows] for name, rows in rounds.items()},
        "goal": {"messages_per_second of processor": GOAL},
    }
    write_report(options.output, report)


if __name__ == "__main__":
    main()
