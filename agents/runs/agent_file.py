"""One agent in one file: a checkpoint as a zip, without pickles, and what to say of a file with some."""

from __future__ import annotations

import os
import tempfile
import zipfile
from io import BufferedIOBase
from pathlib import Path

from quadrivium.agents.runs.checkpoint import Snapshot
from quadrivium.agents.runs.checkpoint_files import (
    FILES,
    MANIFEST,
    CheckpointError,
    Damaged,
    read_files,
    read_manifest,
    write_files,
)

Place = str | Path | BufferedIOBase
"""Where an agent is: a path, to which `.zip` is added if it has no suffix, or an open binary file."""


def write_agent_file(place: Place, snapshot: Snapshot) -> None:
    """Writes the files of a checkpoint into a zip; a file that was there is replaced when it is whole."""
    with tempfile.TemporaryDirectory() as folder:
        write_files(
            Path(folder),
            step=int(snapshot.step),
            score=None,
            seconds=snapshot.seconds,
            weights=snapshot.weights,
            optimizer=snapshot.optimizer,
            state=snapshot.state,
            rng=snapshot.rng,
        )
        if isinstance(place, BufferedIOBase):
            _pack(Path(folder), place)
            return
        path = _with_suffix(place)
        path.parent.mkdir(parents=True, exist_ok=True)
        staged = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        try:
            _pack(Path(folder), staged)
            staged.replace(path)
        finally:
            staged.unlink(missing_ok=True)


def is_agent_file(place: Place) -> bool:
    """Returns whether `write_agent_file` may have written it.

    Raises:
        CheckpointError: there is no such file.
    """
    try:
        with zipfile.ZipFile(_found(place)) as archive:
            return MANIFEST in archive.namelist()
    except zipfile.BadZipFile:
        return False


def read_agent_file(place: Place) -> Snapshot:
    """Returns what `write_agent_file` wrote, every hash verified; nothing in the file is executed.

    Raises:
        CheckpointError: the file is damaged, or holds other files than a checkpoint's.
    """
    try:
        with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(_found(place)) as archive:
            for info in archive.infolist():
                # Stored files are no larger than the archive, and only these names are ever written.
                if info.filename not in (MANIFEST, *FILES) or info.compress_type != zipfile.ZIP_STORED:
                    raise Damaged(f"it holds {info.filename[:80]!r}, which is none of a checkpoint's files")
                (Path(folder) / info.filename).write_bytes(archive.read(info))
            manifest = read_manifest(Path(folder))
            return Snapshot(manifest.step, *read_files(Path(folder), manifest), seconds=manifest.seconds)
    except (Damaged, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise CheckpointError(f"{_name(place)} is damaged ({reason}); use another copy of it") from error


def require_trust(place: Place, trust_pickle: bool) -> None:
    """Raises CheckpointError unless the user trusts a file that holds pickles."""
    if not trust_pickle:
        raise CheckpointError(
            f"{_name(place)} was not saved by quadrivium's agents: it may hold pickles, which can run any "
            "code when they are loaded; give trust_pickle=True if you know where it comes from"
        )


def _pack(folder: Path, target: Path | BufferedIOBase) -> None:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for name in (MANIFEST, *FILES):
            archive.write(folder / name, name)


def _found(place: Place) -> Path | BufferedIOBase:
    if isinstance(place, BufferedIOBase):
        place.seek(0)
        return place
    path = Path(place) if Path(place).is_file() else _with_suffix(place)
    if not path.is_file():
        raise CheckpointError(f"{path} is no file; expected one that an agent's save() wrote")
    return path


def _with_suffix(place: str | Path) -> Path:
    path = Path(place)
    return path if path.suffix else path.with_suffix(".zip")


def _name(place: Place) -> str:
    return "the file" if isinstance(place, BufferedIOBase) else str(place)
