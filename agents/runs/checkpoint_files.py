"""The files inside one checkpoint directory: written durably, described by a manifest, verified when read.

    manifest.json           schema, step, created, score, seconds, versions, commit; hash and bytes of files
    weights.safetensors     network parameters and buffers
    optimizer.safetensors   see run_state.optimizer_to_tensors
    state.npz               arrays without objects: environment rows, replay, counters
    rng.json                see run_state.capture_rng

Nothing here is pickled, and no reader used here can run code from a file: safetensors, JSON, and .npy with
`allow_pickle=False`. Files that the manifest does not name are never opened.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import json
import math
import os
import platform
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.torch
import torch

from quadrivium.agents.errors import UserError
from quadrivium.agents.runs.array_files import read_arrays, write_arrays
from quadrivium.agents.runs.directory import fsync_directory, write_durably

SCHEMA = 3
"""Of what a checkpoint holds. Of earlier ones only the weights are read: the rest meant something else."""
MANIFEST = "manifest.json"
WEIGHTS, OPTIMIZER, STATE, RNG = "weights.safetensors", "optimizer.safetensors", "state.npz", "rng.json"
FILES = (WEIGHTS, OPTIMIZER, STATE, RNG)

_MAX_JSON_BYTES = 64 << 20  # a planted file of gigabytes must not be parsed
_LIBRARIES = ("quadrivium", "torch", "numpy", "numba", "gymnasium", "stable-baselines3", "safetensors")


class CheckpointError(UserError):
    """A checkpoint cannot be saved or loaded. One line, with the remedy."""


class Damaged(Exception):
    """A checkpoint directory is not what its manifest says, or has no manifest. Says why."""


@dataclass(frozen=True)
class Manifest:
    """What manifest.json says. `score` is the value that `best` goes by, higher is better, or None.

    seconds: of the training so far; 0 where an earlier version, which did not count, wrote the checkpoint.
    """

    schema: int
    step: int
    score: float | None
    seconds: float
    created: str
    versions: dict[str, str]
    files: dict[str, tuple[int, str]]  # name -> (bytes, sha256)


# ---- writing


def write_files(
    directory: Path,
    *,
    step: int,
    score: float | None,
    seconds: float,
    weights: Mapping[str, torch.Tensor],
    optimizer: Mapping[str, torch.Tensor],
    state: Mapping[str, np.ndarray],
    rng: Mapping[str, Any],
) -> None:
    """Fills the empty `directory` with a checkpoint's files; all of it is on the disk afterwards."""
    write_durably(directory / WEIGHTS, safetensors.torch.save(owned(weights)))
    write_durably(directory / OPTIMIZER, safetensors.torch.save(owned(optimizer)))
    with (directory / STATE).open("wb") as file:
        write_arrays(file, state)
        file.flush()
        os.fsync(file.fileno())
    write_durably(directory / RNG, json.dumps(rng).encode())
    manifest = {
        "schema": SCHEMA,
        "step": step,
        "score": score,
        "seconds": round(seconds, 3),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "git_commit": git_commit(),
        "versions": library_versions(),
        "files": {
            name: {"bytes": (directory / name).stat().st_size, "sha256": sha256(directory / name)}
            for name in FILES
        },
    }
    write_durably(directory / MANIFEST, (json.dumps(manifest, indent=2) + "\n").encode())
    fsync_directory(directory)


def owned(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Copies on the CPU, contiguous, none sharing memory with another: safetensors refuses tied tensors."""
    return {name: tensor.detach().to("cpu", copy=True).contiguous() for name, tensor in tensors.items()}


# ---- reading


def read_manifest(directory: Path) -> Manifest:
    """Reads and validates manifest.json; the sizes of the files agree with it, their contents are not hashed.

    Raises:
        Damaged: it is missing, is not one of ours, names a file outside the directory, or a size differs.
        CheckpointError: it was written by a newer version of the format.
    """
    raw = read_json(directory / MANIFEST)
    schema = raw.get("schema")
    if type(schema) is int and schema > SCHEMA:
        raise CheckpointError(
            f"{directory} has schema {schema}, expected at most {SCHEMA}: update quadrivium to read it"
        )
    try:
        if type(schema) is not int or schema < 1 or type(raw["step"]) is not int or raw["step"] < 0:
            raise ValueError(f"schema {schema!r} and step {raw.get('step')!r}")
        score = None if raw["score"] is None else float(raw["score"])
        files = {
            str(name): (int(entry["bytes"]), str(entry["sha256"])) for name, entry in raw["files"].items()
        }
        versions = {str(name): str(version) for name, version in raw["versions"].items()}
        seconds = float(raw.get("seconds", 0.0))
        if not 0.0 <= seconds < math.inf:
            raise ValueError(f"seconds {seconds}")
        manifest = Manifest(schema, raw["step"], score, seconds, str(raw["created"]), versions, files)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise Damaged(f"{MANIFEST} is malformed ({_one_line(error)})") from error
    if sorted(files) != sorted(
        FILES
    ):  # also refuses "../x" and "/etc/x": only the four names are ever opened
        strange = sorted(set(files) ^ set(FILES))
        raise Damaged(
            f"{MANIFEST} must name exactly {', '.join(FILES)}; differs in {', '.join(strange)[:200]!r}"
        )
    for name, (size, digest) in files.items():
        path = directory / name
        if path.is_symlink() or not path.is_file():
            raise Damaged(f"{name} is missing or not a regular file")
        if path.stat().st_size != size:
            raise Damaged(f"{name} has {path.stat().st_size} bytes, {MANIFEST} says {size}")
        if re.fullmatch("[0-9a-f]{64}", digest) is None:
            raise Damaged(f"{MANIFEST} has no sha256 for {name}")
    return manifest


def read_files(
    directory: Path, manifest: Manifest
) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor], dict[str, np.ndarray], dict[str, Any]]:
    """Returns (weights, optimizer, state, rng) after every file's hash agreed with the manifest.

    Raises:
        Damaged: a hash differs or a file cannot be parsed.
    """
    for name, (_, digest) in manifest.files.items():
        if sha256(directory / name) != digest:
            raise Damaged(f"the sha256 of {name} differs from {MANIFEST}'s")
    weights, optimizer = (read_tensors(directory / name) for name in (WEIGHTS, OPTIMIZER))
    return weights, optimizer, _read_state(directory / STATE), read_json(directory / RNG)


def _read_state(path: Path) -> dict[str, np.ndarray]:
    try:
        return read_arrays(path)
    except (OSError, ValueError, TypeError, LookupError, EOFError, MemoryError, RuntimeError) as error:
        raise Damaged(f"{path.name} cannot be read ({_one_line(error)})") from error


def read_tensors(path: Path) -> dict[str, torch.Tensor]:
    """Returns the tensors of a safetensors file; raises Damaged where it is none."""
    try:
        return safetensors.torch.load(path.read_bytes())
    except (OSError, ValueError, TypeError, KeyError, RuntimeError, safetensors.SafetensorError) as error:
        raise Damaged(f"{path.name} cannot be read ({_one_line(error)})") from error


def read_json(path: Path) -> dict[str, Any]:
    """Returns the object that a JSON file holds; raises Damaged where it holds none, or is too large."""
    try:
        if path.is_symlink() or path.stat().st_size > _MAX_JSON_BYTES:
            raise ValueError("a link, or too large")
        value = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise Damaged(f"{path.name} is missing") from error
    except (OSError, ValueError, RecursionError) as error:
        raise Damaged(f"{path.name} cannot be read ({_one_line(error)})") from error
    if not isinstance(value, dict):
        raise Damaged(f"{path.name} is not a JSON object")
    return value


def sha256(path: Path) -> str:
    """Returns the hash of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _one_line(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:200]


# ---- where it was written


@functools.cache
def library_versions() -> dict[str, str]:
    """Versions of the libraries that a bit-for-bit continuation depends on."""
    versions = {"python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:  # run from a checkout that was not installed
            versions[name] = "not installed"
    return versions


@functools.cache
def git_commit() -> str | None:
    """The commit of the checkout that this file is in (`-dirty` when edited), or None outside a checkout."""
    root = Path(__file__).resolve().parents[2]

    def git(*arguments: str) -> str:
        command = ["git", "--no-optional-locks", "-C", str(root), *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout.strip()

    try:
        if Path(git("rev-parse", "--show-toplevel")).resolve() != root:
            return None  # installed inside somebody else's repository
        return git("rev-parse", "HEAD") + ("-dirty" if git("status", "--porcelain", "-uno") else "")
    except (OSError, subprocess.SubprocessError):
        return None
