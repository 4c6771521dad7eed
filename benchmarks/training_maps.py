"""Success on held-out maps against the number of maps that an agent was trained in.

    python benchmarks/training_maps.py [--maps 1 10 100 1000] [--total-timesteps 500000] [--plot-only]

Each is trained from configs/navigation/point_nav_ppo.yaml with another `map_count`, all else equal, and plays
the same 500 held-out maps, and as many episodes in its own training maps. With `--no-guide` the robots have
nothing but their lidar. Writes benchmarks/results/training_maps.json and docs/images/training_maps.png.
"""

import argparse
import json
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

CONFIG = Path(__file__).parents[1] / "configs" / "navigation" / "point_nav_ppo.yaml"
PICTURE = Path(__file__).parents[1] / "docs" / "images" / "training_maps.png"
MEASURES = ("success", "collision", "spl")
SEED, EPISODES = 1_000_000, 500


def run(count: int, total: int, guide: bool, threads: int) -> dict[str, Any]:
    """Trains in `count` maps, and measures {measure: [mean, low, high]} in the test maps and in its own."""
    name = f"training_maps_{count}" + ("" if guide else "_no_guide")
    arguments = [str(CONFIG), "--name", name, "--total-timesteps", str(total), "--threads", str(threads)]
    arguments += ["--env.kwargs.map-count", str(count), "--env.kwargs.guide", str(guide).lower()]
    arguments += ["--evaluation.every-steps", "null", "--evaluation.final-episodes", "null"]
    arguments += ["--max-minutes", "null"]
    if train.main(arguments) != 0:
        raise SystemExit(f"error: the training in {count} maps failed")
    config = open_run(Path("runs") / name)
    row: dict[str, Any] = {"maps": count}
    for split, maps in (("test", 500), ("train", count)):
        kwargs = config.evaluation_kwargs() | {"split": split, "map_count": maps}
        env = make_vector_env(config.env.id, EPISODES, kwargs)
        player, row["steps"] = load_player(Path("runs") / name, env, "last", print)
        metrics = play_episodes(player, env, episodes=EPISODES, seed=SEED).metrics
        found = {key: measure_interval(key, metrics[key]) for key in metrics if key in MEASURES}
        row[split] = {key: [round(x, 4) for x in (i.estimate, i.low, i.high)] for key, i in found.items()}
        env.close()
    print(row, flush=True)
    return row


def plot(report: dict[str, Any]) -> None:
    mpl.use("Agg")
    figure, axes = plt.subplots(1, 2, figsize=(8, 3.2))
    for axis, key, title in zip(axes, ("success", "spl"), ("success", "SPL"), strict=True):
        for split, colour, label in (
            ("test", "#009688", "500 held-out maps"),
            ("train", "#9a9a9a", "its own maps"),
        ):
            counts = [row["maps"] for row in report["rows"]]
            mean, low, high = zip(*(row[split][key] for row in report["rows"]), strict=True)
            axis.plot(counts, mean, "o-", color=colour, label=label)
            axis.fill_between(counts, low, high, color=colour, alpha=0.2, linewidth=0)
        axis.set_xscale("log")
        axis.set_xlabel("training maps")
        axis.set_title(title, fontsize=10, loc="left")
        axis.grid(alpha=0.3)
    axes[0].legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(PICTURE, dpi=80)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--maps", type=int, nargs="+", default=[1, 10, 100, 1000])
    parser.add_argument("--total-timesteps", type=int, default=500_000)
    parser.add_argument("--no-guide", action="store_true")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--plot-only", action="store_true", help="draw the results that are there")
    parser.add_argument("--output", type=Path, default=RESULTS / "training_maps.json")
    args = parser.parse_args()
    if args.plot_only:
        plot(json.loads(args.output.read_text()))
        return
    rows = [run(count, args.total_timesteps, not args.no_guide, args.threads) for count in args.maps]
    report = {**machine("torch", "numba"), "episodes": EPISODES, "guide": not args.no_guide, "rows": rows}
    write_report(args.output, report)
    plot(report)


if __name__ == "__main__":
    main()
