"""What it costs to show what a policy looks at: processor time a decision, and the pace of what is watched.

    python benchmarks/watch_explained.py [PLAYER ...] [--decisions 30] [--seconds 6] [--rounds 2]

PLAYERS are `model:NAME` or `run:DIRECTORY`, each watched in its own world. Of each decision: ms of processor
time, on one core, of its explanation, of a picture with its marks and of one without, in the median. Then a
show plays that world as a spectator sees it, the explanation off and on in turn, at the world's own pace: the
steps a second of both, their ratio, of which the goal is 1, and the share of the decisions whose explanation
was told.
"""

import argparse
import asyncio
import json
import os
import statistics
import struct
import time
from pathlib import Path

import torch

from quadrivium.commands.pages.casting import make_stages, read_cast
from quadrivium.commands.pages.watch import make_show

RESULTS = Path(__file__).parent / "results" / "watch_explained.json"
PLAYERS = ("model:merge_ppo", "model:crowd_nav_ppo", "model:portfolio_ppo", "model:chess_alphazero")


def cast(player):
    return read_cast([player], lambda env_id: {}, None, lambda line: None)


def spent(work):
    """Returns the ms of this thread's processor time, and what the work gives."""
    begun = time.thread_time()
    result = work()
    return 1000 * (time.thread_time() - begun), result


def costs(player, decisions):
    """Returns the median ms of a decision's explanation, of its telling, and of its picture."""
    (stage,) = make_stages(cast(player), lambda line: None)
    stage.reset(1)
    noted = {"explanation": [], "picture": [], "picture_with_marks": [], "told": []}
    seed = 1
    for k in range(decisions + 1):
        if stage.over:
            seed += 1
            stage.reset(seed)
        work = stage.ask()
        row = {
            "explanation": spent(work)[0],
            "told": spent(lambda: stage.told(1.0, 0))[0],
            "picture_with_marks": spent(lambda: stage.picture(1.0, 0))[0],
            "picture": spent(lambda: stage.picture())[0],
        }
        if k:  # the first one loads the agent
            for name, ms in row.items():
                noted[name].append(ms)
        stage.step()
    stage.close()
    return {f"{name}_ms": round(statistics.median(values), 1) for name, values in noted.items()}


async def paces(player, seconds, rounds):
    """Returns the steps a second that a spectator sees, by whether decisions are explained."""
    show = make_show(cast(player), lambda line: None)
    viewer, found = show.enter(), {False: [], True: []}

    async def say(**message):
        await show.hear(viewer, json.dumps(message))

    async def seen():
        while True:
            message = await viewer.next()
            if isinstance(message, bytes):
                (length,) = struct.unpack_from(">I", message)
                told = json.loads(message[4 : 4 + length])
                return told["seed"], told["panes"][0]

    await say(do="join")
    for on in (True, *([False, True] * rounds)):  # the first one is not counted
        await say(do="explain", on=on)
        await say(do="again")
        steps, shown = {}, set()
        begun = time.monotonic()
        while time.monotonic() - begun < seconds or len(steps) < 4:
            seed, pane = await seen()
            steps.setdefault((seed, pane["step"]), time.monotonic())
            if (decision := (pane["looked"] or {}).get("decision")) is not None:
                shown.add((seed, decision))
        counted = spent_s = 0
        for seed in {seed for seed, _ in steps}:
            moments = {step: when for (of, step), when in steps.items() if of == seed and step > 0}
            if len(moments) > 1:
                counted += max(moments) - min(moments)
                spent_s += max(moments.values()) - min(moments.values())
        share = min(1.0, len(shown) / counted)
        found[on].append({"steps_a_second": round(counted / spent_s, 3), "told": share})
    await show.close()
    return found[False], found[True][1:]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("players", nargs="*", default=PLAYERS)
    parser.add_argument("--decisions", type=int, default=30)
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--rounds", type=int, default=2)
    given = parser.parse_args()
    torch.set_num_threads(1)
    told = {"cores": os.cpu_count(), "load": [], "players": {}}
    for player in given.players:
        told["load"].append(round(os.getloadavg()[0], 1))
        off, on = asyncio.run(paces(player, given.seconds, given.rounds))
        pace = {"off": [one["steps_a_second"] for one in off], "on": [one["steps_a_second"] for one in on]}
        told["players"][player] = costs(player, given.decisions) | {
            "steps_a_second": pace,
            "pace_ratio": round(statistics.median(pace["on"]) / statistics.median(pace["off"]), 3),
            "decisions_told": round(statistics.mean(one["told"] for one in on), 3),
        }
        print(player, told["players"][player], flush=True)
    RESULTS.write_text(json.dumps(told, indent=1) + "\n")


if __name__ == "__main__":
    main()
