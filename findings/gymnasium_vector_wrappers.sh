#!/usr/bin/env bash
# Gymnasium 1.4.0: which vector wrappers take which autoreset mode follows no single rule.
#
# One would guess that the wrappers of gymnasium.wrappers.vector take all three modes that gymnasium.vector.SyncVectorEnv
# offers, or that wrappers of observations at least agree with each other.
# So it is not: every wrapper of observations refuses SAME_STEP, also those that treat each observation by itself, such as
# DtypeObservation. NormalizeObservation refuses DISABLED as well, which its error for SAME_STEP says is fine. NormalizeReward and
# RecordEpisodeStatistics, which keep statistics over time too, take all three.
set -euo pipefail

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet --disable-pip-version-check "gymnasium==1.4.0" "numpy==2.4.6"

cat > "$place/show.py" <<'PYTHON'
import sys
from functools import partial

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from gymnasium.wrappers import vector

ALL, TWO, ONE = {"NEXT_STEP", "SAME_STEP", "DISABLED"}, {"NEXT_STEP", "DISABLED"}, {"NEXT_STEP"}
WRAPPERS = {
    "DtypeObservation": (partial(vector.DtypeObservation, dtype=np.float64), TWO),
    "FlattenObservation": (vector.FlattenObservation, TWO),
    "ReshapeObservation": (partial(vector.ReshapeObservation, shape=(2, 1)), TWO),
    "TransformObservation": (partial(vector.TransformObservation, func=lambda obs: obs), TWO),
    "NormalizeObservation": (vector.NormalizeObservation, ONE),
    "NormalizeReward": (vector.NormalizeReward, ALL),
    "RecordEpisodeStatistics": (vector.RecordEpisodeStatistics, ALL),
}


def tried(wrap, mode):
    """Returns "" if the wrapper takes the mode and can be stepped, else its error."""
    env = SyncVectorEnv([lambda: gymnasium.make("MountainCar-v0")] * 2, autoreset_mode=mode)
    try:
        env = wrap(env)
        env.reset(seed=0)
        env.step(env.action_space.sample())
    except (ValueError, AssertionError) as error:
        return f"{type(error).__name__}: {error}"
    return ""


print("gymnasium", gymnasium.__version__)
as_described = True
for name, (wrap, expected) in WRAPPERS.items():
    errors = {mode.name: tried(wrap, mode) for mode in AutoresetMode}
    taken = {mode for mode, error in errors.items() if not error}
    as_described &= taken == expected
    print(f"{name} takes {', '.join(sorted(taken))}")
    if name == "NormalizeObservation":
        for mode, error in errors.items():
            print(f"    {mode}: {error or 'fine'}")
sys.exit(0 if as_described else 1)
PYTHON

if "$place/venv/bin/python" -W ignore "$place/show.py"; then
    echo "as described: wrappers disagree about the modes"
else
    echo "changed: no longer as described" >&2
    exit 1
fi

# Seen:
#   gymnasium 1.4.0
#   DtypeObservation takes DISABLED, NEXT_STEP
#   FlattenObservation takes DISABLED, NEXT_STEP
#   ReshapeObservation takes DISABLED, NEXT_STEP
#   TransformObservation takes DISABLED, NEXT_STEP
#   NormalizeObservation takes NEXT_STEP
#       NEXT_STEP: fine
#       SAME_STEP: ValueError: Expected autoreset_mode to be NEXT_STEP or DISABLED, got AutoresetMode.SAME_STEP
#       DISABLED: ValueError: Expected env.metadata['autoreset_mode'] to be AutoresetMode.NEXT_STEP, got
#           AutoresetMode.DISABLED
#   NormalizeReward takes DISABLED, NEXT_STEP, SAME_STEP
#   RecordEpisodeStatistics takes DISABLED, NEXT_STEP, SAME_STEP
