"""Full disks and `kill -9` during a save: earlier checkpoints stay, nothing half-written is loaded."""

import errno
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from quadrivium.agents.runs import checkpoint_files
from quadrivium.agents.runs.checkpoint import (
    CheckpointError,
    Snapshot,
    list_checkpoints,
    load_checkpoint,
    save_checkpoint,
)


def snapshot(step: int, numbers: int = 1000) -> Snapshot:
    """A snapshot in which every file says which step it is of."""
    return Snapshot(
        step,
        weights={"w": torch.full((numbers,), float(step))},
        optimizer={"m": torch.full((numbers,), float(step))},
        state={"rows": np.full(numbers, step)},
        rng={"step": step},
    )


def assert_is_of_one_step(loaded: Snapshot) -> None:
    assert (loaded.weights["w"] == loaded.step).all()
    assert (loaded.optimizer["m"] == loaded.step).all()
    assert (loaded.state["rows"] == loaded.step).all()
    assert loaded.rng == {"step": loaded.step}


def assert_only_the_first_remains(run_dir: Path) -> None:
    assert [path.name for path in (run_dir / "checkpoints").iterdir()] == ["1"]
    assert_is_of_one_step(load_checkpoint(run_dir))


@pytest.mark.parametrize("files_before", range(5))
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_at_any_file_is_one_line_and_loses_nothing(
    tmp_path: Path, monkeypatch, files_before: int, code: int
):
    save_checkpoint(tmp_path, snapshot(1))
    fsync, calls = os.fsync, 0

    def full(descriptor: int) -> None:
        nonlocal calls
        calls += 1
        if calls > files_before:
            raise OSError(code, os.strerror(code))
        fsync(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(
            CheckpointError, match=r"checkpoint 2 needs about .* kB, .* are free in .*--resume"
        ) as error:
            save_checkpoint(tmp_path, snapshot(2))
    assert "\n" not in str(error.value)
    assert_only_the_first_remains(tmp_path)
    save_checkpoint(tmp_path, snapshot(3))  # space was made: the run goes on
    assert load_checkpoint(tmp_path).step == 3


def test_a_failing_rename_loses_nothing(tmp_path: Path, monkeypatch):
    save_checkpoint(tmp_path, snapshot(1))

    def fail(self: Path, target: Path) -> Path:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", fail)
        with pytest.raises(CheckpointError, match=r"cannot be written.*Input/output error"):
            save_checkpoint(tmp_path, snapshot(2))
    assert_only_the_first_remains(tmp_path)


def test_an_interrupt_during_a_save_leaves_no_staging(tmp_path: Path, monkeypatch):
    save_checkpoint(tmp_path, snapshot(1))

    def interrupt(*args: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint_files, "write_arrays", interrupt)
        with pytest.raises(KeyboardInterrupt):
            save_checkpoint(tmp_path, snapshot(2))
    assert_only_the_first_remains(tmp_path)


def test_a_read_only_place_is_one_line(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckpointError, match="cannot be written"):
        save_checkpoint(tmp_path / "file", snapshot(1))


LIMITED = """
import resource, sys
sys.path.insert(0, {root!r})
from tests.agents.runs.test_checkpoint_crashes import snapshot
from quadrivium.agents.runs.checkpoint import CheckpointError, save_checkpoint
save_checkpoint({run!r}, snapshot(1))
resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
try:
    save_checkpoint({run!r}, snapshot(2, numbers=100_000))
except CheckpointError as error:
    print("refused:", error)
save_checkpoint({run!r}, snapshot(3))
print("went on")
"""

ROOT = Path(__file__).resolve().parents[3]


def python(code: str) -> subprocess.Popen[str]:
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-c", code],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("limit", [100_000, 500_000])  # in the weights (400 kB); in the arrays (800 kB)
def test_a_write_that_really_fails_is_one_line_and_the_process_goes_on(tmp_path: Path, limit: int):
    output, errors = python(LIMITED.format(root=str(ROOT), run=str(tmp_path), limit=limit)).communicate(
        timeout=60
    )
    first, second = output.splitlines()
    assert first.startswith("refused: a file-size limit was hit: checkpoint 2 needs about 1.7 MB")
    assert second == "went on"
    assert errors == ""  # not even an exception ignored in a destructor
    assert sorted(path.name for path in (tmp_path / "checkpoints").iterdir()) == ["1", "3"]
    assert_is_of_one_step(load_checkpoint(tmp_path))


FOREVER = """
import itertools, sys
sys.path.insert(0, {root!r})
from tests.agents.runs.test_checkpoint_crashes import snapshot
from quadrivium.agents.runs.checkpoint import save_checkpoint
from quadrivium.agents.runs.directory import RunLock
with RunLock({run!r}):
    for step in itertools.count({first}):
        save_checkpoint({run!r}, snapshot(step, numbers=20_000), keep_last=2, score=-step)
        print(step, flush=True)
"""


def test_killed_at_random_moments_the_newest_finished_checkpoint_loads(tmp_path: Path):
    draw = random.Random(0)
    first = 1
    for _ in range(4):
        process = python(FOREVER.format(root=str(ROOT), run=str(tmp_path), first=first))
        assert process.stdout is not None
        assert process.stdout.readline().strip() == str(first), process.stderr and process.stderr.read()
        time.sleep(draw.uniform(0.0, 0.3))
        process.send_signal(signal.SIGKILL)
        finished = [first, *(int(line) for line in process.communicate()[0].split())]
        said: list[str] = []
        loaded = load_checkpoint(tmp_path, notify=said.append)
        assert said == []
        assert loaded.step in (
            finished[-1],
            finished[-1] + 1,
        )  # it may have died between the rename and the print
        assert_is_of_one_step(loaded)
        assert load_checkpoint(tmp_path, "best").step == 1
        assert len(list_checkpoints(tmp_path)) <= 4
        first = loaded.step + 1


@pytest.mark.parametrize("point", range(24))
def test_killed_between_any_two_operations_every_visible_checkpoint_is_whole(tmp_path: Path, point: int):
    """Dies before the `point`-th fsync, rename or removal of a save that also prunes."""
    for step in (1, 2):
        save_checkpoint(tmp_path, snapshot(step), keep_last=2)
    if os.fork() == 0:  # the child dies as by kill -9: no cleanup, no exit handlers
        _die_after(point)
        save_checkpoint(tmp_path, snapshot(3), keep_last=1)
        os._exit(0)
    os.wait()
    said: list[str] = []
    loaded = load_checkpoint(tmp_path, notify=said.append)
    assert said == []
    assert loaded.step in (2, 3)
    assert_is_of_one_step(loaded)
    save_checkpoint(tmp_path, snapshot(4), keep_last=1)
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["4"]


def _die_after(operations: int) -> None:
    left = operations

    def counted(function):
        def call(*args, **kwargs):
            nonlocal left
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            left -= 1
            return function(*args, **kwargs)

        return call

    os.fsync = counted(os.fsync)
    Path.rename = counted(Path.rename)  # type: ignore[method-assign]
    os.unlink = counted(os.unlink)
    os.rmdir = counted(os.rmdir)
