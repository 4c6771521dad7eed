"""One writer a run, and a metrics file without torn rows."""

import errno
import importlib.util
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from quadrivium.agents.errors import UserError
from quadrivium.agents.runs import directory as run_directory
from quadrivium.agents.runs.directory import MetricsLog, RunLock, human_bytes, write_atomically

ROOT = Path(__file__).resolve().parents[3]
HOLD = "import sys\nfrom quadrivium.agents.runs.directory import RunLock\n"
HOLD += "with RunLock(sys.argv[1]): print('held', flush=True); input()"


def holder(run_dir: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", HOLD, str(run_dir)]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_process_is_refused_and_told_which_process_holds_the_run(tmp_path: Path):
    process = holder(tmp_path)
    with (
        pytest.raises(UserError, match=f"written by process {process.pid}.*choose another run name") as error,
        RunLock(tmp_path),
    ):
        pass
    assert "\n" not in str(error.value)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    with RunLock(tmp_path):  # a killed holder leaves no stale lock
        assert (tmp_path / ".lock").read_text() == f"{os.getpid()}\n"


def test_a_lock_is_free_after_use(tmp_path: Path):
    for _ in range(2):
        with RunLock(tmp_path / "new"):
            pass


class FakeMsvcrt:
    """Windows locks bytes, by the lock of this system: no other descriptor may lock the byte."""

    LK_NBLCK = 2

    def __init__(self, fcntl):
        self._fcntl, self.places = fcntl, []

    def locking(self, descriptor, mode, count):
        assert (mode, count) == (self.LK_NBLCK, 1)
        self.places.append(os.lseek(descriptor, 0, os.SEEK_CUR))
        self._fcntl.flock(descriptor, self._fcntl.LOCK_EX | self._fcntl.LOCK_NB)


def test_where_there_is_no_flock_a_second_writer_is_refused_too(tmp_path: Path, monkeypatch):
    fake = FakeMsvcrt(run_directory.fcntl)
    monkeypatch.setattr(run_directory, "fcntl", None)
    monkeypatch.setitem(sys.modules, "msvcrt", fake)
    with (
        RunLock(tmp_path),
        pytest.raises(UserError, match=f"written by process {os.getpid()}; .*choose another run name"),
        RunLock(tmp_path),
    ):
        pass
    with RunLock(tmp_path):
        assert (tmp_path / ".lock").read_text() == f"{os.getpid()}\n"
    assert min(fake.places) > 1000  # the process's number can be read by others


def test_without_fcntl_the_module_is_imported_and_knows_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "fcntl", None)
    module = importlib.util.module_from_spec(run_directory.__spec__)
    run_directory.__spec__.loader.exec_module(module)
    assert module.fcntl is None


def test_a_planted_link_is_not_written_through(tmp_path: Path):
    (tmp_path / "precious").write_text("keep")
    (tmp_path / ".lock").symlink_to(tmp_path / "precious")
    with pytest.raises(UserError, match="lock"), RunLock(tmp_path):
        pass
    assert (tmp_path / "precious").read_text() == "keep"


def test_rows_are_read_back_and_what_json_lacks_is_null(tmp_path: Path):
    log = MetricsLog(tmp_path / "metrics.jsonl")
    log.append(1, {"loss": np.float32(0.5), "n": np.int64(3), "nan": float("nan"), "inf": np.inf})
    log.append(2, {"text": "a\nb"})
    assert list(log.rows()) == [
        {"step": 1, "loss": 0.5, "n": 3, "nan": None, "inf": None},
        {"step": 2, "text": "a\nb"},
    ]


def test_resume_drops_later_rows_and_the_torn_last_one(tmp_path: Path):
    log = MetricsLog(tmp_path / "metrics.jsonl")
    assert log.truncate_after(0) == 0  # no file yet
    for step in (10, 20, 30):
        log.append(step, {"loss": step / 3})
    before = log.path.read_bytes()
    log.path.write_bytes(before + b'{"step": 15, "lo')
    assert log.truncate_after(20) == 2
    assert log.path.read_bytes() == before[: before.index(b'{"step": 30')]
    log.append(25, {})
    assert [row["step"] for row in log.rows()] == [10, 20, 25]
    assert log.truncate_after(25) == 0


def test_a_torn_last_row_that_happens_to_parse_is_still_torn(tmp_path: Path):
    log = MetricsLog(tmp_path / "metrics.jsonl")
    log.path.write_bytes(b'{"step": 1}\n{"step": 2}')
    assert [row["step"] for row in log.rows()] == [1]


def test_a_full_disk_leaves_no_half_row(tmp_path: Path):
    code = """
import resource, sys
from quadrivium.agents.errors import UserError
from quadrivium.agents.runs.directory import MetricsLog
log = MetricsLog(sys.argv[1])
log.append(1, {"a": 1})
resource.setrlimit(resource.RLIMIT_FSIZE, (40, resource.RLIM_INFINITY))
try:
    log.append(2, {"long": "x" * 100})
except UserError as error:
    print(error)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
log.append(3, {})
"""
    path = tmp_path / "metrics.jsonl"
    result = subprocess.run([sys.executable, "-c", code, path], cwd=ROOT, capture_output=True, text=True)
    assert result.stdout.startswith("a file-size limit was hit: metrics.jsonl needs about 12")
    assert [json.loads(line) for line in path.read_text().splitlines()] == [{"step": 1, "a": 1}, {"step": 3}]


def test_an_atomic_write_that_fails_leaves_the_old_bytes(tmp_path: Path, monkeypatch):
    path = tmp_path / "best.json"
    write_atomically(path, b"old")

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(run_directory.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_atomically(path, b"new")
    assert [(entry.name, entry.read_bytes()) for entry in tmp_path.iterdir()] == [("best.json", b"old")]


@pytest.mark.parametrize(("count", "text"), [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (2e12, "2.0 TB")])
def test_sizes_read_well(count: float, text: str):
    assert human_bytes(count) == text
