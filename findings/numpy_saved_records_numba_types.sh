#!/usr/bin/env bash
# NumPy 2.4.6 and Numba 0.68.1: an array of aligned records that was saved and loaded again is another type to Numba, and
# np.array with the old dtype does not bring it back.
#
# One would guess that np.load returns the dtype that np.save was given, since the two compare equal; or at least that
# np.array(loaded, dtype) has that dtype afterwards. But the file's header does not say that a dtype is aligned, so the loaded one is
# not; == does not look at it, so np.array sees nothing to convert and keeps the loaded dtype. Numba's
# record types differ by it: it compiles a function again, and warns that one record "has been considered a subtype" of the other. A
# program that keeps tables on disk so compiles twice, from its second start on. A view as the old dtype brings it back.
set -euo pipefail

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet --disable-pip-version-check "numba==0.68.1" "numpy==2.4.6"

cat > "$place/show.py" <<'PYTHON'
import io
import sys

import numba
import numpy as np

print("numpy", np.__version__, "numba", numba.__version__)
dtype = np.dtype([("number", "i4"), ("length", "f8")], align=True)
made = np.zeros(2, dtype)
file = io.BytesIO()
np.save(file, made)
file.seek(0)
loaded = np.load(file)
ways = {
    "loaded": loaded,
    "np.array": np.array(loaded, dtype),
    "view": loaded.view(dtype),
}
seen = {name: (one.dtype == dtype, numba.typeof(one) == numba.typeof(made)) for name, one in ways.items()}
print("equal to NumPy, and to Numba:", seen)
sys.exit(0 if seen == dict.fromkeys(("loaded", "np.array"), (True, False)) | {"view": (True, True)} else 1)
PYTHON

if "$place/venv/bin/python" "$place/show.py"; then
    echo "as described: what NumPy takes for equal is two types to Numba"
else
    echo "changed: no longer as described" >&2
    exit 1
fi

# Seen:
#   numpy 2.4.6 numba 0.68.1
#   equal to NumPy, and to Numba: {'loaded': (True, False), 'np.array': (True, False), 'view': (True, True)}
#   as described: what NumPy takes for equal is two types to Numba
