#!/usr/bin/env bash
# highway-env 1.12.1: making an intersection changes how traffic drives in every other environment of the process.
#
# One would guess that environments that were made apart do not know of each other, as everywhere in Gymnasium.
# So it is not: intersection writes its drivers' model (distance 7 m, accelerations 6 and -3 m/s²) into the class of all drivers.
# Merge, highway and the others then drive by it, those that are under way too, until the process ends.
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


def merge():
    """Returns where the second car of a merge is after three idle decisions, m."""
    env = gymnasium.make("merge-v1", disable_env_checker=True)
    env.reset(seed=0)
    for _ in range(3):
        env.step(1)
    return float(env.unwrapped.road.vehicles[1].position[0])


before, again = merge(), merge()
gymnasium.make("intersection-v2", disable_env_checker=True).reset(seed=0)
after = merge()
print(f"second car of merge-v1, seed 0: {before:.3f} m, made anew {again:.3f} m, with an intersection in the process {after:.3f} m")
sys.exit(0 if before == again != after else 1)
PYTHON

if "$place/venv/bin/python" -W ignore "$place/show.py"; then
    echo "as described: the same seed and actions, another episode"
else
    echo "changed: no longer as described" >&2
    exit 1
fi


# Seen:
#   highway-env 1.12.1
#   second car of merge-v1, seed 0: 156.910 m, made anew 156.910 m, with an intersection in the process 154.688 m
