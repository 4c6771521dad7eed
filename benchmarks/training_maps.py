"""Success on held-out maps against the number of maps that an agent was trained in.

    python benchmarks/training_maps.py [--maps 1 10 100 1000] [--total-timesteps 500000] [--plot-only]

Each is trained from configs/navigation/point_nav_ppo.yaml with another `map_count`, all else equal, and plays
the same 500 held-out maps, and as many episodes in its own training maps. With `--no-guide` the robots have
nothing but their lidar. Writes benchmarks/results/training_maps.json and docs/images/training_maps.png.
"""

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
from machine import RESULTS, machine, write_report
from matplotlib import pyplot as plt

from quadrivium.agents.batches.environments import make_vector_env
from quadrivium.agents.evaluation.episodes import play_episodes
from quadrivium.commands import train
from quadrivium.commands.build import load_player, open_run
from quadrivium.measures import measure_interval

ROOT = Path(__file__).parents[1]
SEED, EPISODES = 1_000_000, 500


@dataclass(frozen=True)
class Study:
    """What is trained, in how many of what, and what is measured.

    Attributes:
        config: in configs/.
        option: of the world, how many maps it has.
        measures: of which the last one is not in the picture if there are more than two.
        things: what the maps are called.
    """

    name: str
    config: str
    option: str
    measures: tuple[str, ...]
    things: str = "maps"
    total_timesteps: int = 500_000


STUDY = Study(
    "training_maps", "navigation/point_nav_ppo.yaml", "map_count", ("success", "spl", "collision"), "maps"
)


def run(study: Study, count: int, total: int, threads: int, changes: dict[str, str]) -> dict[str, Any]:
    """Trains in `count` maps, and measures {measure: [mean, low, high]} in the test maps and in its own."""
    name = "_".join([study.name, str(count), *changes])
    arguments = [str(ROOT / "configs" / study.config), "--name", name, "--threads", str(threads)]
    arguments += [
        f"--env.kwargs.{study.option.replace('_', '-')}",
        str(count),
        "--total-timesteps",
        str(total),
    ]
    arguments += [word for key, value in changes.items() for word in (f"--env.kwargs.{key}", value)]
    arguments += ["--evaluation.every-steps", "null", "--evaluation.final-episodes", "null"]
    arguments += ["--max-minutes", "null"]
    if train.main(arguments) != 0:
        raise SystemExit(f"error: the training in {count} {study.things} failed")
    config = open_run(Path("runs") / name)
    row: dict[str, Any] = {study.things: count}
    for split, maps in (("test", 500), ("train", count)):
        kwargs = config.evaluation_kwargs() | {"split": split, study.option: maps}
        env = make_vector_env(config.env.id, EPISODES, kwargs)
        player, row["steps"] = load_player(Path("runs") / name, env, "last", print)
        metrics = play_episodes(player, env, episodes=EPISODES, seed=SEED).metrics
        found = {key: measure_interval(key, metrics[key]) for key in metrics if key in study.measures}
        row[split] = {key: [round(x, 4) for x in (i.estimate, i.low, i.high)] for key, i in found.items()}
        env.close()
    print(row, flush=True)
    return row


def plot(study: Study, report: dict[str, Any]) -> None:
    mpl.use("Agg")
    figure, axes = plt.subplots(1, 2, figsize=(8, 3.2))
    for axis, key in zip(axes, study.measures[:2], strict=True):
        for split, colour, label in (
            ("test", "#009688", f"500 held-out {study.things}"),
            ("train", "#9a9a9a", f"its own {study.things}"),
        ):
            counts = [row[study.things] for row in report["rows"]]
            mean, low, high = zip(*(row[split][key] for row in report["rows"]), strict=True)
            axis.plot(counts, mean, "o-", color=colour, label=label)
            axis.fill_between(counts, low, high, color=colour, alpha=0.2, linewidth=0)
        axis.set_xscale("log")
        axis.set_xlabel(f"training {study.things}")
        axis.set_title("SPL" if key == "spl" else key, fontsize=10, loc="left")
        axis.grid(alpha=0.3)
    axes[0].legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(ROOT / "docs" / "images" / f"{study.name}.png", dpi=80)


def options(study: Study, description: str) -> argparse.ArgumentParser:
    """Returns the options of a study's script."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument(f"--{study.things}", dest="counts", type=int, nargs="+", default=[1, 10, 100, 1000])
    parser.add_argument("--total-timesteps", type=int, default=study.total_timesteps)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--plot-only", action="store_true", help="draw the results that are there")
    parser.add_argument("--output", type=Path, default=RESULTS / f"{study.name}.json")
    return parser


def carry_out(study: Study, args: argparse.Namespace, changes: dict[str, str]) -> None:
    """Trains and measures for each count, and writes and draws what came out; or draws what is there."""
    if args.plot_only:
        plot(study, json.loads(args.output.read_text()))
        return
    rows = [run(study, count, args.total_timesteps, args.threads, changes) for count in args.counts]
    report = {**machine("torch", "numba"), "episodes": EPISODES, **changes, "rows": rows}
    write_report(args.output, report)
    plot(study, report)


def main() -> None:
    parser = options(STUDY, __doc__)
    parser.add_argument("--no-guide", action="store_true")
    args = parser.parse_args()
    carry_out(STUDY, args, {"guide": "false"} if args.no_guide else {})


if __name__ == "__main__":
    main()
