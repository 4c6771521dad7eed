"""How a run directory begins, and how it is put back to its newest checkpoint."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from quadrivium.agents.errors import UserError, program
from quadrivium.agents.runs.checkpoint import (
    CheckpointError,
    Snapshot,
    checkpoints_dir,
    library_changes,
    list_checkpoints,
    load_checkpoint,
    set_aside_after,
)
from quadrivium.agents.runs.checkpoint_files import SCHEMA, Manifest
from quadrivium.agents.runs.directory import (
    MetricsLog,
    describe_write_error,
    fsync_directory,
    write_durably,
)

METRICS = "metrics.jsonl"
ENV_ROWS = "env_rows"
"""The entry of a snapshot's state that holds the state of the environments."""


def require_new(run_dir: Path) -> None:
    """Raises UserError where the run directory exists: a run is never overwritten."""
    if run_dir.exists():
        raise UserError(
            f"{run_dir} exists, and a run is never overwritten; continue it: {program('train')} --resume "
            f"{run_dir}, or give another name: --name NAME"
        )


def create_run_directory(run_dir: Path, config_text: str) -> None:
    """Makes `run_dir` with its config.yaml, both or neither; raises UserError where that cannot be."""
    require_new(run_dir)
    staging = run_dir.with_name(f".{run_dir.name}.{os.getpid()}.tmp")
    try:
        staging.mkdir(parents=True)
        write_durably(staging / "config.yaml", config_text.encode())
        staging.rename(run_dir)
        fsync_directory(run_dir.parent)
    except OSError as error:
        shutil.rmtree(staging, ignore_errors=True)
        parent = next(path for path in run_dir.absolute().parents if path.exists())
        raise UserError(describe_write_error(error, "a run directory", parent, len(config_text))) from error


def rewind(run_dir: Path, notify: Callable[[str], object]) -> Snapshot | None:
    """Returns the newest whole checkpoint, and withdraws what was saved and logged after it.

    None where the run was killed before its first checkpoint: it begins anew then. `notify` gets a line for
    each checkpoint that was passed over, and where the libraries have changed since.

    Raises:
        CheckpointError: there are checkpoints, but none is whole, or an earlier version wrote the newest.
    """
    directory = checkpoints_dir(run_dir)
    snapshot = None
    if directory.is_dir() and any(path.name.isdecimal() for path in directory.iterdir()):
        snapshot = load_checkpoint(run_dir, "last", notify=notify)
        (manifest,) = (m for m in list_checkpoints(run_dir) if m.step == snapshot.step)
        require_present_form(run_dir, manifest)
        if changes := library_changes(manifest):
            notify(changes)
        set_aside_after(run_dir, snapshot.step)
    MetricsLog(run_dir / METRICS).truncate_after(-1 if snapshot is None else snapshot.step)
    return snapshot


def require_present_form(run_dir: Path, manifest: Manifest) -> None:
    """Raises CheckpointError where an earlier version wrote the checkpoint: only its weights are read now."""
    if manifest.schema < SCHEMA:
        raise CheckpointError(
            f"checkpoint {manifest.step} of {run_dir} is of an earlier version (schema {manifest.schema}, "
            f"now {SCHEMA}): its weights can be evaluated, but the training cannot go on bit for bit; resume "
            f"it with that version, or begin anew: {program('train')} {run_dir / 'config.yaml'} --name OTHER"
        )


def missing_environments(snapshot: Snapshot) -> str | None:
    """One line where an agent's snapshot lacks the state of its environments: resuming is inexact then."""
    if any(name.rpartition("/")[2] == ENV_ROWS for name in snapshot.state):  # behind a world's name
        return None
    return (
        f"checkpoint {snapshot.step} lacks the state of the environments, which cannot save it: they begin "
        "new episodes, so resuming is not bit for bit"
    )
