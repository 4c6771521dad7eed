"""What it costs that episodes end: steps of 512 games of tic-tac-toe, a quarter of which end in each.

    python benchmarks/ended_episodes.py

Beside each other, by turns in one run, on one thread, in processor time: steps alone, and steps after which
the last observations and infos of the episodes that ended are looked at, as whoever learns from them does.
"""

import time

import gymnasium
import numpy as np

import quadrivium  # noqa: F401 - registers the ids
from quadrivium.envs.core.threads import set_threads

ROUNDS, STEPS, GAMES = 7, 300, 512


def main() -> None:
    """Prints the medians of both, and their ratio."""
    set_threads(1)
    batch = gymnasium.make_vec("quadrivium/TicTacToe-v0", num_envs=GAMES, seat="random")
    rng = np.random.default_rng(0)
    obs, _ = batch.reset(seed=0)
    seconds: dict[bool, list[float]] = {False: [], True: []}
    ended = 0
    for _ in range(ROUNDS):
        for looked_at in (False, True):
            for _ in range(STEPS):
                actions = (obs["action_mask"] * rng.random(obs["action_mask"].shape)).argmax(axis=1)
                begun = time.process_time()
                obs, _, terminated, _, info = batch.step(actions)
                if looked_at:
                    info.get("final_obs"), info.get("final_info")
                seconds[looked_at].append(time.process_time() - begun)
                ended += int(terminated.sum())
    alone, seen = (1e6 * float(np.median(seconds[looked_at])) for looked_at in (False, True))
    print(f"episodes that end in a step: {ended / (2 * ROUNDS * STEPS):.0f} of {GAMES}")
    print(f"a step: {alone:.0f} us; with what has ended looked at: {seen:.0f} us, {seen / alone:.1f} times")


if __name__ == "__main__":
    main()
