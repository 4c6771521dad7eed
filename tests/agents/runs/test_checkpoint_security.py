"""A run directory is data from outside: whatever is planted in it, loading it runs nothing."""

import hashlib
import io
import json
import os
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from quadrivium.agents.runs.checkpoint import CheckpointError, Snapshot, load_checkpoint, save_checkpoint
from quadrivium.agents.runs.directory import MetricsLog, RunLock


class Bomb:
    """Unpickling an instance creates the file `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch '{self.path}'",)


def run_with_two_checkpoints(run_dir: Path) -> Path:
    for step in (1, 2):
        state = {"rows": np.arange(3), "step": np.array(step)}
        save_checkpoint(run_dir, Snapshot(step, weights={"w": torch.full((2,), float(step))}, state=state))
    return run_dir / "checkpoints" / "2"


def forge(checkpoint: Path, name: str, data: bytes) -> None:
    """Replaces a file and corrects the manifest, as an attacker would."""
    (checkpoint / name).write_bytes(data)
    manifest = json.loads((checkpoint / "manifest.json").read_text())
    manifest["files"][name] = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    (checkpoint / "manifest.json").write_text(json.dumps(manifest))


def test_the_bomb_itself_works(tmp_path: Path):
    pickle.loads(pickle.dumps(Bomb(tmp_path / "boom")))
    assert (tmp_path / "boom").exists()


def test_planted_pickles_beside_the_files_are_never_opened(tmp_path: Path):
    checkpoint = run_with_two_checkpoints(tmp_path)
    bomb = pickle.dumps(Bomb(tmp_path / "boom"))
    for directory in (tmp_path, tmp_path / "checkpoints", checkpoint):
        for name in ("weights.pt", "weights.pth", "state.pkl", "model.zip", "data.pickle", "extra.npy"):
            (directory / name).write_bytes(bomb)
    (tmp_path / "metrics.jsonl").write_bytes(bomb)
    with RunLock(tmp_path):
        assert load_checkpoint(tmp_path).step == 2
        assert list(MetricsLog(tmp_path / "metrics.jsonl").rows()) == []
        save_checkpoint(tmp_path, Snapshot(3, weights={}))
    assert not (tmp_path / "boom").exists()


def torch_pickle(bomb: Bomb) -> bytes:
    file = io.BytesIO()
    torch.save({"w": bomb}, file)
    return file.getvalue()


def object_npz(bomb: Bomb) -> bytes:
    file = io.BytesIO()
    np.savez(file, rows=np.array([bomb], dtype=object))
    return file.getvalue()


def object_field_npz(bomb: Bomb) -> bytes:
    rows = np.zeros(1, np.dtype([("seed", "u8"), ("bomb", "O")]))
    rows["bomb"] = bomb
    file = io.BytesIO()
    np.savez(file, rows=rows)
    return file.getvalue()


def pickle_in_npz(bomb: Bomb) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("rows.npy", pickle.dumps(bomb))
        archive.writestr("../../escape.npy", pickle.dumps(bomb))
    return file.getvalue()


@pytest.mark.parametrize("name", ["weights.safetensors", "optimizer.safetensors", "state.npz", "rng.json"])
@pytest.mark.parametrize("make", [pickle.dumps, torch_pickle, object_npz, object_field_npz, pickle_in_npz])
def test_a_forged_file_with_a_correct_hash_runs_nothing_and_falls_back(tmp_path: Path, name: str, make):
    checkpoint = run_with_two_checkpoints(tmp_path)
    forge(checkpoint, name, make(Bomb(tmp_path / "boom")))
    said: list[str] = []
    assert load_checkpoint(tmp_path, notify=said.append).step == 1
    assert name in said[0]
    assert "\n" not in said[0]
    assert not (tmp_path / "boom").exists()


@pytest.mark.parametrize("name", ["../outside.bin", "/etc/hostname", "sub/file", "..", "weights.pt", ""])
def test_a_manifest_that_names_other_files_is_refused(tmp_path: Path, name: str):
    checkpoint = run_with_two_checkpoints(tmp_path)
    manifest = json.loads((checkpoint / "manifest.json").read_text())
    for files in (
        manifest["files"] | {name: manifest["files"]["rng.json"]},
        {name if key == "rng.json" else key: value for key, value in manifest["files"].items()},
    ):
        (checkpoint / "manifest.json").write_text(json.dumps(manifest | {"files": files}))
        said: list[str] = []
        assert load_checkpoint(tmp_path, notify=said.append).step == 1
        assert "must name exactly" in said[0]


@pytest.mark.parametrize("name", ["weights.safetensors", "manifest.json"])
def test_a_link_in_place_of_a_file_is_refused(tmp_path: Path, name: str):
    checkpoint = run_with_two_checkpoints(tmp_path)
    (checkpoint / name).rename(tmp_path / "elsewhere")
    (checkpoint / name).symlink_to(tmp_path / "elsewhere")
    assert load_checkpoint(tmp_path, notify=lambda line: None).step == 1


def test_a_link_in_place_of_a_checkpoint_is_not_followed(tmp_path: Path):
    checkpoint = run_with_two_checkpoints(tmp_path / "run")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/precious").write_text("keep")
    (tmp_path / "run/checkpoints/9").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "run/checkpoints/.trash-1-1").symlink_to(tmp_path / "elsewhere")
    save_checkpoint(tmp_path / "run", Snapshot(3, weights={}), keep_last=1)
    assert load_checkpoint(tmp_path / "run").step == 3
    assert (tmp_path / "elsewhere/precious").read_text() == "keep"
    assert not checkpoint.exists()


MALFORMED = [
    b"[]",
    b"null",
    b"{}",
    b"\xff\xfe",
    b"[" * 200_000,
    b'{"schema": true, "step": 2, "files": {}}',
    b'{"schema": 2, "step": "2", "score": null, "created": "", "versions": {}, "files": {}}',
    b'{"schema": 1, "step": -1, "score": null, "created": "", "versions": {}, "files": {}}',
    b'{"schema": 1, "step": 2, "score": {}, "created": "", "versions": {}, "files": {}}',
    b'{"schema": 1, "step": 2, "score": null, "seconds": -1, "created": "", "versions": {}, "files": {}}',
    b'{"schema": 1, "step": 2, "score": null, "seconds": NaN, "created": "", "versions": {}, "files": {}}',
    b'{"schema": 1, "step": 2, "score": null, "created": "", "versions": [], "files": []}',
    b'{"schema": 1, "step": 2, "score": null, "created": "", "versions": {}, "files": {"rng.json": 3}}',
    b'{"schema": 1, "step": 2, "score": 1' + b"0" * 5000 + b', "created": "", "versions": {}, "files": {}}',
]


@pytest.mark.parametrize("data", MALFORMED, ids=range(len(MALFORMED)))
def test_a_malformed_manifest_is_damage(tmp_path: Path, data: bytes):
    checkpoint = run_with_two_checkpoints(tmp_path)
    (checkpoint / "manifest.json").write_bytes(data)
    said: list[str] = []
    assert load_checkpoint(tmp_path, notify=said.append).step == 1
    assert len(said) == 1
    assert "\n" not in said[0]


def claims(shape: tuple[int, ...], compression: int) -> bytes:
    """An .npz with one array of float64 whose header claims `shape` over 1 MB of zeros."""
    header = io.BytesIO()
    np.lib.format.write_array_header_2_0(header, {"descr": "<f8", "fortran_order": False, "shape": shape})
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        archive.writestr("rows.npy", header.getvalue() + bytes(1_000_000))
    return file.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        claims((1 << 47,), zipfile.ZIP_STORED),  # a petabyte
        claims((1 << 31,), zipfile.ZIP_STORED),  # 16 GiB, which would be allocated
        claims((125_000,), zipfile.ZIP_DEFLATED),  # a bomb: small in the file, large in memory
        claims((-1,), zipfile.ZIP_STORED),
    ],
    ids=["petabyte", "16 GiB", "compressed", "negative"],
)
def test_an_array_that_claims_more_than_the_file_holds_is_damage(tmp_path: Path, data: bytes):
    forge(run_with_two_checkpoints(tmp_path), "state.npz", data)
    said: list[str] = []
    assert load_checkpoint(tmp_path, notify=said.append).step == 1
    assert "state.npz cannot be read" in said[0]


def test_all_forged_ends_in_one_line(tmp_path: Path):
    run_with_two_checkpoints(tmp_path)
    for step in (1, 2):
        forge(tmp_path / f"checkpoints/{step}", "state.npz", object_npz(Bomb(tmp_path / "boom")))
    with pytest.raises(CheckpointError) as error:
        load_checkpoint(tmp_path, notify=lambda line: None)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "boom").exists()
