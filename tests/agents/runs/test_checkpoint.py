"""Checkpoints round-trip exactly, are kept and pruned as promised, and damage falls back with one line."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from quadrivium.agents.runs.checkpoint import (
    CheckpointError,
    Snapshot,
    library_changes,
    list_checkpoints,
    load_checkpoint,
    save_checkpoint,
    set_aside_after,
)

RECORD = np.dtype(
    [("seed", "u8"), ("flag", "u1"), ("position_m", "f4", (3, 2)), ("inner", [("a", "i2"), ("b", "f8")])],
    align=True,
)


def snapshot(step: int = 1, fill: float = 0.0) -> Snapshot:
    return Snapshot(step, weights={"w": torch.full((2, 3), fill)}, state={"n": np.array(step)})


def steps(run_dir: Path) -> list[int]:
    return [manifest.step for manifest in list_checkpoints(run_dir)]


def test_every_kind_of_tensor_comes_back_bit_for_bit(tmp_path: Path):
    base = torch.randn(4, 6)
    weights = {
        "bfloat16": torch.randn(5).to(torch.bfloat16),
        "half": torch.randn(5).to(torch.float16),
        "bool": torch.tensor([True, False]),
        "int64": torch.tensor(-(2**60)),
        "nan": torch.tensor([float("nan"), float("-inf"), -0.0]),
        "empty": torch.zeros(0, 3),
        "transposed": base.T,
        "slice": base[1::2, ::3],
        "expanded": torch.ones(1, 3).expand(4, 3),
        "tied": base,
        "parameter": torch.nn.Parameter(torch.randn(2, 2)),
    }
    save_checkpoint(tmp_path, Snapshot(7, weights=weights, optimizer={"0.step": torch.tensor(3.0)}))
    loaded = load_checkpoint(tmp_path)
    assert loaded.weights.keys() == weights.keys()
    for name, tensor in weights.items():
        back = loaded.weights[name]
        assert back.dtype == tensor.dtype
        assert back.shape == tensor.shape
        assert (
            back.numpy(force=True).tobytes() == tensor.detach().contiguous().numpy().tobytes()
            if (tensor.dtype != torch.bfloat16)
            else torch.equal(back, tensor)
        )
    assert loaded.optimizer["0.step"].item() == 3.0


def test_environment_records_come_back_with_nested_arrays_and_alignment(tmp_path: Path):
    rows = np.zeros(5, RECORD)
    rows["seed"] = 2**64 - 1 - np.arange(5, dtype=np.uint64)
    rows["position_m"] = np.random.default_rng(0).normal(size=(5, 3, 2))
    rows["inner"]["b"] = np.pi
    state = {
        "rows": rows,
        "replay/obs": np.arange(24, dtype=np.float32).reshape(2, 3, 4).transpose(2, 0, 1),
        "names": np.array(["idle", "IDM+MOBIL", "é"]),
        "scalar": np.array(1 << 40),
        "empty": np.zeros((0, 4), np.int8),
    }
    save_checkpoint(tmp_path, Snapshot(1, weights={}, state=state))
    loaded = load_checkpoint(tmp_path).state
    assert loaded.keys() == state.keys()
    for name, array in state.items():
        assert loaded[name].dtype == array.dtype
        np.testing.assert_array_equal(loaded[name], array)
    assert loaded["rows"].dtype.isalignedstruct  # else Numba would compile the kernels again for another type
    loaded["rows"]["seed"][0] = 1  # writable


def test_rng_json_keeps_128_bit_integers_and_exact_floats(tmp_path: Path):
    rng = {"state": 2**127 + 1, "gauss": 0.1 + 0.2, "none": None, "words": [0, 2**64 - 1]}
    save_checkpoint(tmp_path, Snapshot(1, weights={}, rng=rng))
    assert load_checkpoint(tmp_path).rng == rng


def test_keep_last_two_and_the_best_remain(tmp_path: Path):
    for step, score in [(10, 1.0), (20, 9.0), (30, 3.0), (40, None), (50, float("nan")), (60, 2.0)]:
        save_checkpoint(tmp_path, snapshot(step), keep_last=2, score=score)
    assert steps(tmp_path) == [20, 50, 60]
    assert load_checkpoint(tmp_path, "last").step == 60
    assert load_checkpoint(tmp_path, "best").step == 20
    assert load_checkpoint(tmp_path, 50).step == 50
    assert sorted(path.name for path in (tmp_path / "checkpoints").iterdir()) == ["20", "50", "60"]


def test_best_of_unscored_checkpoints_is_the_last(tmp_path: Path):
    for step in (1, 2):
        save_checkpoint(tmp_path, snapshot(step))
    assert load_checkpoint(tmp_path, "best").step == 2


def test_equal_scores_prefer_the_newer(tmp_path: Path):
    for step in (1, 2, 3):
        save_checkpoint(tmp_path, snapshot(step), keep_last=1, score=5.0 if step < 3 else 0.0)
    assert load_checkpoint(tmp_path, "best").step == 2


def test_saving_a_step_again_replaces_it(tmp_path: Path):
    save_checkpoint(tmp_path, snapshot(5, fill=1.0))
    save_checkpoint(tmp_path, snapshot(5, fill=2.0))
    assert load_checkpoint(tmp_path).weights["w"][0, 0] == 2.0
    assert steps(tmp_path) == [5]


def test_leftovers_of_a_killed_save_are_removed_by_the_next(tmp_path: Path):
    for name in (".staging-3-999", ".trash-1-999"):
        (tmp_path / "checkpoints" / name).mkdir(parents=True)
        (tmp_path / "checkpoints" / name / "weights.safetensors").write_bytes(b"half")
    save_checkpoint(tmp_path, snapshot(4))
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["4"]


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def flip_a_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(bytes(data))


FILES = ["weights.safetensors", "optimizer.safetensors", "state.npz", "rng.json", "manifest.json"]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("damage", [truncate, flip_a_bit, Path.unlink, lambda path: path.write_bytes(b"")])
def test_damage_to_any_file_falls_back_to_the_previous_and_says_so_in_one_line(
    tmp_path: Path, name: str, damage
):
    for step in (100, 200):
        save_checkpoint(tmp_path, snapshot(step, fill=step))
    path = tmp_path / "checkpoints" / "200" / name
    if name == "manifest.json" and damage in (truncate, flip_a_bit):
        path.write_text(path.read_text().rstrip()[:-2])  # the last byte is a newline: harm must be harm
    else:
        damage(path)
    said: list[str] = []
    loaded = load_checkpoint(tmp_path, notify=said.append)
    assert loaded.step == 100
    assert loaded.weights["w"][0, 0] == 100
    (line,) = said
    assert line.startswith("checkpoint 200 is damaged (")
    assert line.endswith("; using checkpoint 100 instead")
    assert name in line
    assert "\n" not in line


def test_the_default_notice_is_a_warning(tmp_path: Path):
    for step in (1, 2):
        save_checkpoint(tmp_path, snapshot(step))
    truncate(tmp_path / "checkpoints/2/rng.json")
    with pytest.warns(UserWarning, match="checkpoint 2 is damaged"):
        load_checkpoint(tmp_path)


def test_a_damaged_best_falls_back_to_the_second_best(tmp_path: Path):
    for step, score in [(1, 5.0), (2, 7.0), (3, 1.0)]:
        save_checkpoint(tmp_path, snapshot(step), score=score)
    flip_a_bit(tmp_path / "checkpoints/2/weights.safetensors")
    said: list[str] = []
    assert load_checkpoint(tmp_path, "best", notify=said.append).step == 1
    assert len(said) == 1


def test_no_whole_checkpoint_left_is_one_line_with_a_remedy(tmp_path: Path):
    for step in (1, 2):
        save_checkpoint(tmp_path, snapshot(step))
        truncate(tmp_path / f"checkpoints/{step}/state.npz")
    with pytest.raises(
        CheckpointError, match=r"checkpoint 2 is damaged.*checkpoint 1 is damaged.*train the run anew"
    ) as error:
        load_checkpoint(tmp_path, notify=lambda line: None)
    assert "\n" not in str(error.value)


def test_a_step_asked_for_by_number_never_falls_back(tmp_path: Path):
    for step in (1, 2):
        save_checkpoint(tmp_path, snapshot(step))
    truncate(tmp_path / "checkpoints/2/state.npz")
    with pytest.raises(CheckpointError, match="checkpoint 2 is damaged"):
        load_checkpoint(tmp_path, 2)
    with pytest.raises(CheckpointError, match="no checkpoint 3; there are 2, 1"):
        load_checkpoint(tmp_path, 3)


def test_a_run_without_checkpoints_is_one_line(tmp_path: Path):
    with pytest.raises(CheckpointError, match="has no checkpoint"):
        load_checkpoint(tmp_path)
    with pytest.raises(CheckpointError, match="has no checkpoint"):
        load_checkpoint(tmp_path / "missing")


def test_an_unknown_choice_is_one_line(tmp_path: Path):
    save_checkpoint(tmp_path, snapshot())
    with pytest.raises(CheckpointError, match="'latest'; expected 'last', 'best' or a step number"):
        load_checkpoint(tmp_path, "latest")  # type: ignore[arg-type]


def test_a_checkpoint_moved_to_another_step_is_damaged(tmp_path: Path):
    save_checkpoint(tmp_path, snapshot(1))
    shutil.copytree(tmp_path / "checkpoints/1", tmp_path / "checkpoints/9")
    said: list[str] = []
    assert load_checkpoint(tmp_path, notify=said.append).step == 1
    assert "says step 1" in said[0]


def test_a_newer_format_is_refused_not_skipped(tmp_path: Path):
    for step in (1, 2):
        save_checkpoint(tmp_path, snapshot(step))
    path = tmp_path / "checkpoints/2/manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"schema": 4}))
    with pytest.raises(CheckpointError, match="schema 4, expected at most 3: update quadrivium"):
        load_checkpoint(tmp_path)


def test_damaged_checkpoints_do_not_count_as_kept_and_are_not_deleted(tmp_path: Path):
    for step in (1, 2, 3):
        save_checkpoint(tmp_path, snapshot(step), keep_last=3)
    truncate(tmp_path / "checkpoints/3/weights.safetensors")
    save_checkpoint(tmp_path, snapshot(4), keep_last=2)
    assert steps(tmp_path) == [2, 4]
    assert (tmp_path / "checkpoints/3").is_dir()


def test_a_future_that_is_given_up_is_set_aside_and_pushes_nothing_out(tmp_path: Path):
    for step in (10, 20, 30):
        save_checkpoint(tmp_path, snapshot(step), keep_last=3)
    assert load_checkpoint(tmp_path, 10).step == 10
    assert [path.name for path in set_aside_after(tmp_path, 10)] == ["30.set-aside", "20.set-aside"]
    save_checkpoint(tmp_path, snapshot(15), keep_last=2)
    assert steps(tmp_path) == [10, 15]
    save_checkpoint(tmp_path, snapshot(20))
    assert [path.name for path in set_aside_after(tmp_path, 15)] == ["20.set-aside-2"]
    assert (tmp_path / "checkpoints/30.set-aside/weights.safetensors").exists()


def test_the_checkpoint_just_saved_is_never_pruned(tmp_path: Path):
    for step in (30, 20):
        save_checkpoint(tmp_path, snapshot(step), keep_last=1)
    assert 20 in steps(tmp_path)


def test_the_manifest_tells_versions_commit_and_hashes(tmp_path: Path):
    save_checkpoint(tmp_path, replace(snapshot(1), seconds=61.5), score=2.5)
    manifest = json.loads((tmp_path / "checkpoints/1/manifest.json").read_text())
    told = {"schema", "step", "score", "seconds", "created", "git_commit", "versions", "files"}
    assert manifest.keys() == told
    assert load_checkpoint(tmp_path).seconds == manifest["seconds"] == 61.5
    assert manifest["versions"]["torch"] == torch.__version__
    assert manifest["score"] == 2.5
    (loaded,) = list_checkpoints(tmp_path)
    assert library_changes(loaded) is None
    loaded.versions["numpy"] = "1.0"
    assert f"numpy 1.0 -> {np.__version__}" in str(library_changes(loaded))


def test_objects_are_refused_at_the_save_and_nothing_remains(tmp_path: Path):
    with pytest.raises(TypeError, match=r"state\['bad'\].*without objects"):
        save_checkpoint(tmp_path, Snapshot(1, weights={}, state={"bad": np.array([{}], dtype=object)}))
    with pytest.raises(TypeError, match="JSON"):
        save_checkpoint(tmp_path, Snapshot(1, weights={}, rng={"bad": object()}))
    assert list((tmp_path / "checkpoints").iterdir()) == []


@pytest.mark.parametrize(("step", "keep_last"), [(-1, 1), (1, 0)])
def test_a_negative_step_and_keeping_none_are_refused(tmp_path: Path, step: int, keep_last: int):
    with pytest.raises(ValueError, match="expected at least"):
        save_checkpoint(tmp_path, snapshot(step), keep_last=keep_last)
