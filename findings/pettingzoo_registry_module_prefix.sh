#!/usr/bin/env bash
# PettingZoo 1.27.0: its registry, modelled on Gymnasium's, does not import the module that stands before an id.
#
# One would guess that "module:namespace/Name-v0" works in pettingzoo.make as in gymnasium.make, which imports the module, so
# that a package's environments are registered by the asking.
# So it is not: PettingZoo calls such an id malformed. A package has to be imported first, and its ids can therefore not be named
# alone on a command line or in a config.
set -euo pipefail

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet --disable-pip-version-check "pettingzoo==1.27.0" "gymnasium==1.4.0"

cat > "$place/mine.py" <<'PYTHON'
import gymnasium
import pettingzoo
from pettingzoo import ParallelEnv


class Nothing(ParallelEnv):
    metadata = {"name": "nothing_v0"}


gymnasium.register("mine/Pole-v0", entry_point="gymnasium.envs.classic_control.cartpole:CartPoleEnv")
pettingzoo.register("parallel", "mine/Nothing-v0", Nothing)
PYTHON

cat > "$place/show.py" <<'PYTHON'
import sys

import gymnasium
import pettingzoo

print("pettingzoo", pettingzoo.__version__, "gymnasium", gymnasium.__version__)
try:
    pettingzoo.make("parallel", "mine:mine/Nothing-v0")
    said = ""
except Exception as error:
    said = f"{type(error).__name__}: {error}"
print("pettingzoo:", said or "imports the module")
made = type(gymnasium.make("mine:mine/Pole-v0").unwrapped).__name__
print("gymnasium: imports the module, makes", made)
now = type(pettingzoo.make("parallel", "mine/Nothing-v0")).__name__
print("pettingzoo, now that the module is imported: makes", now)
sys.exit(0 if "Malformed environment ID" in said and now == "Nothing" else 1)
PYTHON

if (cd "$place" && "$place/venv/bin/python" -W ignore "$place/show.py"); then
    echo "as described: PettingZoo's registry imports nothing"
else
    echo "changed: no longer as described" >&2
    exit 1
fi

# Seen:
#   pettingzoo 1.27.0 gymnasium 1.4.0
#   pettingzoo: PettingZooRegistryError: Malformed environment ID: 'mine:mine/Nothing-v0'. Expected a str with format:
#       [namespace/]EnvName[-vN]
#   gymnasium: imports the module, makes CartPoleEnv
#   pettingzoo, now that the module is imported: makes Nothing
