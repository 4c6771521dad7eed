"""Checkpoints: `runs/<name>/checkpoints/<step>/`, complete or absent, verified when loaded.

A save is staged in a hidden sibling directory, every file and directory is flushed to the disk, and one
rename makes it a checkpoint; so `kill -9` or a full disk at any moment leaves the earlier ones as they were.
A load checks every hash and falls back to the newest checkpoint that is whole, saying so.

One process at a time saves into a run: hold `run_directory.RunLock`.
"""

from __future__ import annotations

import math
import os
import shutil
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from quadrivium.agents.runs.checkpoint_files import (
    WEIGHTS,
    CheckpointError,
    Damaged,
    Manifest,
    library_versions,
    read_files,
    read_manifest,
    write_files,
)
from quadrivium.agents.runs.directory import describe_write_error, fsync_directory

__all__ = [
    "CheckpointError",
    "Snapshot",
    "checkpoints_dir",
    "library_changes",
    "list_checkpoints",
    "load_checkpoint",
    "save_checkpoint",
    "set_aside_after",
]

_STAGING, _TRASH = ".staging-", ".trash-"


@dataclass
class Snapshot:
    """Everything that decides how a training goes on. It may share memory with the agent: save it at once.

    step: environment steps done, which also names the checkpoint.
    weights: parameters and buffers of the networks, by name; any dtype and device, tied or not.
    optimizer: from `run_state.optimizer_to_tensors`.
    state: arrays without objects: environment rows (records with nested arrays are fine), replay, counters.
        Text is a fixed-width string array (`np.array(["a"])`), a scalar a 0-d array.
    rng: from `run_state.capture_rng`; plain JSON values.
    weights_sha256: of the file that the weights were loaded from; "" where they were not.
    seconds: of wall-clock time that the training has taken.
    """

    step: int
    weights: dict[str, torch.Tensor]
    optimizer: dict[str, torch.Tensor] = field(default_factory=dict)
    state: dict[str, np.ndarray] = field(default_factory=dict)
    rng: dict[str, Any] = field(default_factory=dict)
    weights_sha256: str = ""
    seconds: float = 0.0


def checkpoints_dir(run_dir: Path | str) -> Path:
    """Where the checkpoints of a run are."""
    return Path(run_dir) / "checkpoints"


def save_checkpoint(
    run_dir: Path | str, snapshot: Snapshot, *, keep_last: int = 3, score: float | None = None
) -> Path:
    """Makes `snapshot` the newest checkpoint of the run, durably, and returns its directory.

    Then only the `keep_last` newest whole checkpoints remain, and the one with the highest `score` so far.
    Damaged directories and those set aside are left alone. A checkpoint of the same step is replaced.

    Args:
        run_dir: the run's directory.
        snapshot: what to save; it is only read.
        keep_last: how many of the newest to keep, at least 1.
        score: what `load_checkpoint(which="best")` goes by, higher is better; None or NaN is never best.

    Raises:
        CheckpointError: the disk is full, or the directory cannot be written. Nothing saved earlier is lost
            and nothing half-written remains; training may go on.
        ValueError: keep_last < 1 or step < 0.
        TypeError: the snapshot holds something that only pickle could save.
    """
    if keep_last < 1 or snapshot.step < 0:
        raise ValueError(
            f"keep_last={keep_last} and step={snapshot.step}; expected at least 1 and at least 0"
        )
    if score is not None:
        score = float(score) if math.isfinite(score) else None
    root = checkpoints_dir(run_dir)
    final = root / str(snapshot.step)
    staging = root / f"{_STAGING}{snapshot.step}-{os.getpid()}"
    try:
        root.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(root)
        staging.mkdir()
        write_files(
            staging,
            step=int(snapshot.step),
            score=score,
            seconds=snapshot.seconds,
            weights=snapshot.weights,
            optimizer=snapshot.optimizer,
            state=snapshot.state,
            rng=snapshot.rng,
        )
        _discard(final)
        staging.rename(final)
        fsync_directory(root)
    except OSError as error:
        shutil.rmtree(staging, ignore_errors=True)
        message = describe_write_error(error, f"checkpoint {snapshot.step}", _existing(root), _size(snapshot))
        raise CheckpointError(message) from error
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise
    _prune(root, just_saved=snapshot.step, keep_last=keep_last)
    return final


def load_checkpoint(
    run_dir: Path | str,
    which: Literal["last", "best"] | int = "last",
    *,
    notify: Callable[[str], object] = warnings.warn,
) -> Snapshot:
    """Returns a checkpoint whose every hash was verified; its tensors are on the CPU, its arrays writable.

    "last" is the newest, "best" the one with the highest score ("last" if none was scored), a number that
    very step. Where the first choice is damaged, "last" and "best" fall back to the next, and `notify` is
    called with one line that says so.

    Raises:
        CheckpointError: there is no such checkpoint, or no whole one is left.
    """
    root = checkpoints_dir(run_dir)
    steps = _steps(root)
    if not steps:
        raise CheckpointError(
            f"{root} has no checkpoint; expected at least one: check the run's name, or train it"
        )
    if isinstance(which, int):
        if which not in steps:
            known = ", ".join(str(step) for step in steps)
            raise CheckpointError(f"{root} has no checkpoint {which}; there are {known}: choose one of them")
        order = [which]
    else:
        order = _by_preference(root, steps, which)

    damage: list[str] = []
    for step in order:
        try:
            manifest = _manifest_of(root / str(step), step)
            parts = read_files(root / str(step), manifest)
            snapshot = Snapshot(step, *parts, manifest.files[WEIGHTS][1], manifest.seconds)
        except Damaged as error:
            damage.append(f"checkpoint {step} is damaged ({error})")
            continue
        for line in damage:
            notify(f"{line}; using checkpoint {step} instead")
        return snapshot
    remedy = (
        "choose another step" if isinstance(which, int) else "train the run anew, or restore it from a backup"
    )
    raise CheckpointError(f"{root}: {'; '.join(damage)}; no whole checkpoint to load: {remedy}")


def list_checkpoints(run_dir: Path | str) -> list[Manifest]:
    """Returns the manifests of the checkpoints that look whole (their sizes agree), oldest first."""
    manifests: list[Manifest] = []
    root = checkpoints_dir(run_dir)
    for step in reversed(_steps(root)):
        try:
            manifests.append(_manifest_of(root / str(step), step))
        except (Damaged, CheckpointError):
            continue
    return manifests


def set_aside_after(run_dir: Path | str, step: int) -> list[Path]:
    """Renames every checkpoint newer than `step` to `<its step>.set-aside`; returns the new names.

    Called when a training resumes at `step`: what is newer is damaged, or a future that is given up, and must
    not outlive (nor push out, by `keep_last`) what is about to be saved. Nothing is deleted.
    """
    root = checkpoints_dir(run_dir)
    renamed: list[Path] = []
    for newer in (other for other in _steps(root) if other > step):
        target, count = root / f"{newer}.set-aside", 1
        while target.exists():
            count += 1
            target = root / f"{newer}.set-aside-{count}"
        renamed.append((root / str(newer)).rename(target))
    if renamed:
        fsync_directory(root)
    return renamed


def library_changes(manifest: Manifest) -> str | None:
    """One line when other libraries wrote the checkpoint: equality bit for bit is then moot."""
    now = library_versions()
    changed = [
        f"{name} {old} -> {now[name]}" for name, old in manifest.versions.items() if now.get(name, old) != old
    ]
    if not changed:
        return None
    changes = ", ".join(changed)
    return (
        f"checkpoint {manifest.step} was written by other versions ({changes}): resuming is not bit for bit"
    )


def _steps(root: Path) -> list[int]:
    """Step numbers that have a directory, newest first. `007` is not a name that we write."""
    if not root.is_dir():
        return []
    names = (entry.name for entry in root.iterdir() if entry.is_dir() and not entry.is_symlink())
    return sorted((int(name) for name in names if name.isdecimal() and str(int(name)) == name), reverse=True)


def _manifest_of(directory: Path, step: int) -> Manifest:
    manifest = read_manifest(directory)
    if manifest.step != step:
        raise Damaged(f"its manifest says step {manifest.step}")
    return manifest


def _by_preference(root: Path, steps: list[int], which: str) -> list[int]:
    if which == "last":
        return steps
    if which != "best":
        raise CheckpointError(
            f"checkpoint {which!r}; expected 'last', 'best' or a step number: choose one of them"
        )
    scores: dict[int, float] = {}
    for step in steps:
        try:
            score = _manifest_of(root / str(step), step).score
        except Damaged:
            score = None
        scores[step] = -math.inf if score is None else score
    return sorted(
        steps, key=lambda step: scores[step], reverse=True
    )  # stable: ties and unscored, newest first


def _prune(root: Path, *, just_saved: int, keep_last: int) -> None:
    """Deletes whole checkpoints that are neither among the newest nor the best; damaged ones are evidence."""
    whole = {manifest.step: manifest for manifest in list_checkpoints(root.parent)}
    keep = {just_saved, *sorted(whole, reverse=True)[:keep_last]}
    scored = [(manifest.score, step) for step, manifest in whole.items() if manifest.score is not None]
    if scored:
        keep.add(max(scored)[1])
    for step in whole.keys() - keep:
        try:
            _discard(root / str(step))
        except OSError:
            continue  # an old checkpoint too many harms nobody; the next save tries again


def _discard(directory: Path) -> None:
    """Removes a checkpoint: by a rename first, so that no half-deleted directory has a checkpoint's name."""
    if directory.exists():
        trash = directory.with_name(f"{_TRASH}{directory.name}-{os.getpid()}")
        shutil.rmtree(trash, ignore_errors=True)
        shutil.rmtree(directory.rename(trash), ignore_errors=True)


def _remove_leftovers(root: Path) -> None:
    """Removes what a killed process left half written or half deleted."""
    for entry in root.iterdir():
        if entry.name.startswith((_STAGING, _TRASH)) and not entry.is_symlink():
            shutil.rmtree(entry, ignore_errors=True)


def _existing(path: Path) -> Path:
    while not path.exists():
        path = path.parent
    return path


def _size(snapshot: Snapshot) -> int:
    tensors = [*snapshot.weights.values(), *snapshot.optimizer.values()]
    arrays = sum(array.nbytes for array in snapshot.state.values())
    return sum(tensor.nbytes for tensor in tensors) + arrays + (64 << 10)  # headers, rng.json, manifest.json
