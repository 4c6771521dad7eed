from pathlib import Path

import numpy as np
import pytest

from quadrivium.envs.core import shelf

SOURCES = (Path(__file__),)


@pytest.fixture
def made(tmp_path, monkeypatch):
    """Returns what counts how often arrays were made; they are kept in a folder of their own."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(shelf, "_LONG", -1.0)
    count = [0]

    def make():
        count[0] += 1
        return np.arange(6.0).reshape(2, 3), np.array([True, False])

    return make, count, tmp_path / "maps"


def test_what_was_made_of_the_same_comes_from_disk_and_of_other_things_does_not(made):
    make, count, _ = made
    first = shelf.kept_arrays(b"a", make, SOURCES)
    again = shelf.kept_arrays(b"a", make, SOURCES)
    assert count == [1]
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, other)
        assert other.dtype == one.dtype
        assert not one.flags.writeable
        assert not other.flags.writeable
    shelf.kept_arrays(b"b", make, SOURCES)
    assert count == [2]


def test_what_is_broken_on_disk_is_made_anew(made):
    make, count, folder = made
    shelf.kept_arrays(b"a", make, SOURCES)
    (file,) = folder.iterdir()
    whole = file.read_bytes()
    for broken in (b"", whole[:-30], whole[:150] + bytes([whole[150] ^ 1]) + whole[151:]):
        file.write_bytes(broken)
        np.testing.assert_array_equal(shelf.kept_arrays(b"a", make, SOURCES)[0], np.arange(6.0).reshape(2, 3))
    assert count == [4]


def test_what_is_made_at_once_is_not_kept_and_a_folder_that_cannot_be_written_does_no_harm(made, monkeypatch):
    make, _, folder = made
    monkeypatch.setattr(shelf, "_LONG", 10.0)
    shelf.kept_arrays(b"a", make, SOURCES)
    assert not folder.exists()
    monkeypatch.setattr(shelf, "_LONG", -1.0)
    folder.write_text("a file")
    assert len(shelf.kept_arrays(b"a", make, SOURCES)) == 2
