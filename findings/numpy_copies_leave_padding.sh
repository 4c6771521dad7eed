#!/usr/bin/env bash
# NumPy 2.4.6: assigning one aligned record array to another copies fields, not bytes, and files hold what was between them.
#
# One would guess that `a[...] = b` of two contiguous arrays of the same dtype makes their bytes equal, as it does for any
# other dtype, and that equal arrays give equal files.
# So it is not: bytes that only align the fields keep what the target's memory held before, and numpy.save writes them. So
# files of equal arrays differ, and hashes of them do; and a file may hold a few bytes of whatever the process kept there.
# Indexing with a list and ndarray.copy behave the same. numpy.array_equal sees no difference.
set -euo pipefail

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet --disable-pip-version-check "numpy==2.4.6"

cat > "$place/show.py" <<'PYTHON'
import io
import sys

import numpy as np

aligned = np.dtype([("flag", "u1"), ("number", "f8")], align=True)  # seven bytes between the fields
packed = np.dtype([("flag", "u1"), ("number", "f8")])


def assigned(dtype):
    """Returns zeros, and an array of the same values whose memory held 0xAA before it was assigned to."""
    zeros = np.zeros(3, dtype)
    target = np.full(3 * dtype.itemsize, 0xAA, np.uint8).view(dtype)
    target[...] = zeros
    return zeros, target


def saved(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


print("numpy", np.__version__)
as_described = True
for name, dtype in (("aligned", aligned), ("packed", packed)):
    zeros, target = assigned(dtype)
    old = saved(target).count(0xAA) - saved(zeros).count(0xAA)
    print(f"{name}: equal {np.array_equal(zeros, target)}, equal files {saved(zeros) == saved(target)}, old bytes {old}")
    as_described &= np.array_equal(zeros, target) and old == (21 if name == "aligned" else 0)
sys.exit(0 if as_described else 1)
PYTHON

if "$place/venv/bin/python" "$place/show.py"; then
    echo "as described: what lay between the fields is in the file"
else
    echo "changed: no longer as described" >&2
    exit 1
fi

# Seen:
#   numpy 2.4.6
#   aligned: equal True, equal files False, old bytes 21
#   packed: equal True, equal files True, old bytes 0
