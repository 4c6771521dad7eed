#!/usr/bin/env bash
# highway-env 1.12.1: merge and roundabout cannot be made with continuous actions, though highway and u-turn can.
#
# One would guess that config={"action": {"type": "ContinuousAction"}}, which the documentation gives for every environment, works in
# every environment.
# So it is not: their reward asks `action in [0, 2]`, which no array answers, and reset already computes it; so gymnasium.make fails.
set -euo pipefail

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet --disable-pip-version-check "highway-env==1.12.1" "gymnasium==1.4.0" "numpy==2.4.6"

cat > "$place/show.py" <<'PYTHON'
import sys
from importlib.metadata import version

import gymnasium
import highway_env

print("highway-env", version("highway-env"))
CONFIG = {"action": {"type": "ContinuousAction"}, "observation": {"type": "Kinematics"}}
said = {}
for name in ("highway-v0", "u-turn-v1", "merge-v1", "roundabout-v1"):
    try:
        env = gymnasium.make(name, disable_env_checker=True, config=CONFIG)
        env.reset(seed=0)
        said[name] = "made"
    except ValueError as error:
        said[name] = f"ValueError: {error}"[:80]
    print(f"{name}: {said[name]}")
expected = [said["highway-v0"] == said["u-turn-v1"] == "made", "ambiguous" in said["merge-v1"], "ambiguous" in said["roundabout-v1"]]
sys.exit(0 if all(expected) else 1)
PYTHON

if "$place/venv/bin/python" -W ignore "$place/show.py"; then
    echo "as described: merge and roundabout take no continuous actions"
else
    echo "changed: no longer as described" >&2
    exit 1
fi


# Seen:
#   highway-env 1.12.1
#   highway-v0: made
#   u-turn-v1: made
#   merge-v1: ValueError: The truth value of an array with more than one element is ambiguous.
#   roundabout-v1: ValueError: The truth value of an array with more than one element is ambiguous.
