#!/usr/bin/env bash
# SuperSuit 3.11.0: black_death_v3 ends an episode only where all agents are terminated AND truncated in one step.
#
# One would guess that the wrapper which keeps agents that have left (as zeros) ends the episode when the last one leaves, by
# termination or by truncation, as PettingZoo says of parallel environments; it stands before pettingzoo_env_to_vec_env_v1 for
# environments whose agents leave.
# So it is not: it combines the two flags with `&`, so an episode that terminates, or is truncated, goes on for ever: the agents stay, all
# flags are False, and the next step finds an environment without agents.
set -euo pipefail

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet --disable-pip-version-check "supersuit==3.11.0" "pettingzoo==1.27.0" "gymnasium==1.4.0" "numpy==2.4.6"

cat > "$place/show.py" <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
import supersuit
from gymnasium.spaces import Box, Discrete
from pettingzoo import ParallelEnv

print("SuperSuit", version("supersuit"), "PettingZoo", version("pettingzoo"))


class Countdown(ParallelEnv):
    """Two agents, who both leave after the second step, in the way that is asked for."""

    metadata = {"name": "countdown"}
    render_mode = None
    possible_agents = ["a", "b"]

    def __init__(self, terminated, truncated):
        self.flags = terminated, truncated

    def observation_space(self, agent):
        return Box(0, 1, (1,), np.float32)

    def action_space(self, agent):
        return Discrete(2)

    def reset(self, seed=None, options=None):
        self.agents, self.left = self.possible_agents[:], 2
        return {agent: np.zeros(1, np.float32) for agent in self.agents}, {agent: {} for agent in self.agents}

    def step(self, actions):
        self.left -= 1
        acted, over = self.agents, self.left == 0
        flags = [{agent: flag and over for agent in acted} for flag in self.flags]
        self.agents = [] if over else acted
        zeros = {agent: np.zeros(1, np.float32) for agent in acted}
        return zeros, dict.fromkeys(acted, 0.0), *flags, {agent: {} for agent in acted}


seen = {}
for how in ((True, False), (False, True), (True, True)):
    env = supersuit.black_death_v3(Countdown(*how))
    env.reset(seed=0)
    for _ in range(2):
        _, _, terminations, _, _ = env.step({"a": 0, "b": 0})
    seen[how] = [bool(flag) for flag in terminations.values()], list(env.agents)
    print(f"terminated, truncated = {how}: {seen[how]}")
stuck = ([False, False], ["a", "b"])
sys.exit(0 if seen[True, False] == seen[False, True] == stuck and seen[True, True] == ([True, True], []) else 1)
PYTHON

if "$place/venv/bin/python" -W ignore "$place/show.py"; then
    echo "as described: the wrapper ends an episode only where it is terminated and truncated at once"
else
    echo "changed: no longer as described" >&2
    exit 1
fi


# Seen:
#   SuperSuit 3.11.0 PettingZoo 1.27.0
#   terminated, truncated = (True, False): ([False, False], ["a", "b"])
#   terminated, truncated = (False, True): ([False, False], ["a", "b"])
#   terminated, truncated = (True, True): ([True, True], [])
