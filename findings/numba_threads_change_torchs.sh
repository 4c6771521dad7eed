#!/usr/bin/env bash
# Numba 0.68.1 and torch 2.13.0 (Linux, OpenMP threading layer): asking Numba how many threads it has changes how many torch has.
#
# One would guess that torch.set_num_threads(1) holds until torch is told otherwise, and that numba.get_num_threads() is a question.
# So it is not: the first call of numba.get_num_threads, set_num_threads or a parallel kernel starts Numba's threads, which sets
# the calling thread's OpenMP number to all cores; torch reads the same one. So the first training in a process may compute with
# more threads than it was given, and other last bits than the second one, which sets the number after Numba has started. Where
# torch has not computed in the thread yet, it sets its own number at its first operation, so that it depends on what ran before.
set -euo pipefail

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet --disable-pip-version-check "numba==0.68.1" "torch==2.13.0" "numpy==2.4.6"

cat > "$place/show.py" <<'PYTHON'
import sys

import numba
import torch

print("numba", numba.__version__, "torch", torch.__version__)
torch.set_num_threads(1)
seen = [torch.get_num_threads()]
numba.get_num_threads()
seen.append(torch.get_num_threads())
torch.set_num_threads(1)
numba.get_num_threads()
seen.append(torch.get_num_threads())
print("layer", numba.threading_layer(), "- torch's threads when set to 1, after Numba was asked, when set and asked again:", seen)
sys.exit(0 if seen == [1, 2, 1] else 1)
PYTHON

if NUMBA_NUM_THREADS=2 NUMBA_THREADING_LAYER=omp "$place/venv/bin/python" "$place/show.py"; then
    echo "as described: Numba's first start changes torch's threads"
else
    echo "changed: no longer as described" >&2
    exit 1
fi

# Seen:
#   numba 0.68.1 torch 2.13.0+cpu
#   layer omp - torch's threads when set to 1, after Numba was asked, when set and asked again: [1, 2, 1]
