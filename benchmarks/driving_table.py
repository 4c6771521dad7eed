"""Prints the README's table of the driving scenarios from what their benchmarks have written.

    python benchmarks/driving_table.py

Speed is of benchmarks/driving_speed.py, learning of driving_learning.py, transfer of driving_transfer.py;
a dash: not measured.
"""

import json
from typing import Any

from machine import RESULTS

SCENARIOS = {  # by name, the file names' and what counts beside collisions
    "Merge": ("merge", "arrival"),
    "Roundabout": ("roundabout", "arrival"),
    "Intersection": ("intersection", "arrival"),
    "Exit": ("exit", "arrival"),
    "TwoWay": ("two_way", "arrival"),
    "UTurn": ("u_turn", "arrival"),
    "Racetrack": ("racetrack", "off_road"),
    "LaneKeeping": ("lane_keeping", "centred_share"),
    "Parking": ("parking", "arrival"),
    "Roads": ("roads", "arrival"),
}
WORDS = {"arrival": "arrive", "off_road": "off road", "centred_share": "within 0.5 m"}
SCRIPTED = ("idm", "idm_mobil", "pure_pursuit", "stanley", "parker")
NOTHING = "–"


def read(name: str) -> dict[str, Any]:
    """Returns what a benchmark wrote; nothing: it did not run."""
    path = RESULTS / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else {}


def percent(values: list[float]) -> str:
    """Returns shares, in the order of the seeds, as one text."""
    told = [f"{100 * value:.1f}".removesuffix(".0") for value in values]
    return (told[0] if len(set(told)) == 1 else ", ".join(told)) + " %"


def speed(scenario: str) -> str:
    """Returns how many times as fast as the peers."""
    ratios = read(f"driving_speed_{scenario}").get("ratios")
    if ratios is None:
        return NOTHING
    return f"{ratios['EnvPool']:.1f} ×, {ratios['highway-env, 1 process']:,.0f} ×"


def learning(scenario: str, measure: str) -> tuple[str, str]:
    """Returns what the seeds learned, and what the scripted driver with the highest return does."""
    found = read("driving_learning").get("scenarios", {}).get(scenario)
    if found is None:
        return NOTHING, NOTHING
    measures = [name for name in (measure, "collision") if name in found["seeds"][0]]
    learned = "; ".join(
        f"{percent([seed[name][0] for seed in found['seeds']])} {WORDS.get(name, 'collide')}"
        for name in measures
    )
    drivers = {name: one for name, one in found["scripted"].items() if name in SCRIPTED}
    if not drivers:
        return learned, NOTHING
    best = max(drivers, key=lambda name: drivers[name]["return"][0])
    return learned, f"{'; '.join(percent([drivers[best][name][0]]) for name in measures)} (`{best}`)"


def transfer(scenario: str) -> tuple[str, str]:
    """Returns return and collisions in highway-env: ours, and the better one of those trained there."""
    players = read(f"driving_transfer_{scenario.replace('_', '-')}").get("players")
    if players is None:
        return NOTHING, NOTHING

    def told(name: str) -> str:
        return f"{players[name]['return'][0]:.1f}; {percent([players[name]['collision'][0]])}"

    stock = max(
        (name for name in ("dqn", "ppo") if name in players), key=lambda name: players[name]["return"][0]
    )
    return told("ours"), f"{told(stock)} ({stock.upper()})"


def table() -> str:
    """Returns the table."""
    head = (
        "scenario",
        "steps/s by EnvPool's, highway-env's",
        "PPO, each of three seeds",
        "best scripted driver",
        "in highway-env: return; collisions",
        "trained there as long",
    )
    rows = [head, ("---",) * len(head)]
    for name, (file, measure) in SCENARIOS.items():
        rows.append((name, speed(file), *learning(file, measure), *transfer(file)))
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


if __name__ == "__main__":
    print(table())
