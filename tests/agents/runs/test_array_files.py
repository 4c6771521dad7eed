"""Arrays in files: what is written is what the fields say, and nothing else that memory held."""

import io
from pathlib import Path

import numpy as np
import pytest

from quadrivium.agents.runs.array_files import read_arrays, used_bytes, write_arrays

INNER = np.dtype([("small", "u1"), ("wide", "u8")], align=True)  # seven bytes between them
OUTER = np.dtype([("flag", "u1"), ("pair", INNER, (2,)), ("last", "u2")], align=True)
PACKED = np.dtype([("flag", "u1"), ("wide", "u8")])


def test_bytes_of_fields_and_of_padding_are_told_apart_also_in_nested_records():
    one = [True] + [False] * 7 + [True] * 8
    assert used_bytes(INNER).tolist() == one
    assert used_bytes(OUTER).tolist() == [True] + [False] * 7 + one + one + [True] * 2 + [False] * 6
    assert used_bytes(PACKED).all()
    assert used_bytes(np.dtype("f4")).all()


@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0, 3), (2, 3)])
@pytest.mark.parametrize("dtype", [INNER, OUTER, PACKED, np.dtype("f4")])
def test_what_memory_held_between_the_fields_is_not_written(tmp_path: Path, dtype, shape):
    count = dtype.itemsize * int(np.prod(shape))
    clean = np.random.default_rng(0).integers(0, 256, count).astype(np.uint8)
    clean = clean.view(dtype).reshape(shape)
    dirty = clean.copy()
    lines = dirty.reshape(-1).view(np.uint8).reshape(-1, dtype.itemsize)
    lines[:, ~used_bytes(dtype)] ^= 0xFF
    files = [io.BytesIO(), io.BytesIO()]
    for file, array in zip(files, (clean, dirty), strict=True):
        write_arrays(file, {"records": array})
    assert files[0].getvalue() == files[1].getvalue()
    path = tmp_path / "records.npz"
    path.write_bytes(files[1].getvalue())
    read = read_arrays(path)["records"]
    assert read.dtype == dtype
    assert read.shape == shape
    for name in dtype.names or ():
        np.testing.assert_array_equal(read[name], clean[name])
