"""What a run of AlphaZero knows of positions that an exact solver has judged, and how it came there."""

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import binomtest

from quadrivium.agents.alphazero.agent import AlphaZero
from quadrivium.agents.alphazero.watch.exam import exam_of, policy_actions, searched_actions


def examine(
    agent: AlphaZero,
    simulations: list[int],
    counts: np.ndarray,
    bands: tuple[tuple[int, int], ...],
    counted: str,
) -> list[dict[str, Any]]:
    """Returns the shares of moves that keep the value by the number of simulations; 0 is the policy alone.

    counts: a number of each position (n,), by whose bands, from and to, the shares are told as well. counted:
    what the numbers are of.
    """
    exam, network = exam_of(agent.game), agent.evaluator()
    assert exam is not None
    everyone = np.arange(len(exam.roots))
    rows: list[dict[str, Any]] = []
    for count in simulations:
        start = time.perf_counter()
        if count == 0:
            actions = policy_actions(agent.game, network, exam.roots)
        else:
            actions = searched_actions(agent.game, network, exam.roots, count)
        right = exam.keeps[everyone, actions]
        interval = binomtest(int(right.sum()), len(right)).proportion_ci(method="wilson")
        shares = {
            f"{low}-{high} {counted}": float(right[(counts >= low) & (counts <= high)].mean())
            for low, high in bands
        }
        seconds = time.perf_counter() - start
        rows.append({"simulations": count, "right": float(right.mean()), "interval": list(interval)})
        rows[-1] |= {f"by_{counted}": shares, "seconds": round(seconds, 1)}
        print(f"{count:6} simulations: {100 * right.mean():.1f} % right "
              f"({100 * interval.low:.1f} to {100 * interval.high:.1f}), "
              + ", ".join(f"{100 * share:.1f} % with {band}" for band, share in shares.items()))  # fmt: skip
    return rows


def history(run: Path) -> dict[str, Any]:
    """Returns what the run's log says of its time and of the exams on the way."""
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    exams = [
        {
            "step": row["step"],
            "minutes": round((row["time"] - rows[0]["time"]) / 60, 1),
            "policy": row["solver/policy_accuracy"],
            "search": row.get("solver/search_accuracy"),
        }
        for row in rows
        if "solver/policy_accuracy" in row
    ]
    shares = [
        row["time/network_share_of_self_play"] for row in rows if "time/network_share_of_self_play" in row
    ]
    report: dict[str, Any] = {"minutes": round((rows[-1]["time"] - rows[0]["time"]) / 60, 1)}
    report |= {"network_share_of_self_play": float(np.mean(shares)), "exams": exams}
    print(f"{report['minutes']} minutes; the network's share of self-play: {np.mean(shares):.3f}")
    return report
