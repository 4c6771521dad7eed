"""A run knows the files its world is made from, of whatever kind they are, and says which have changed."""

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from quadrivium.agents.batches.environments import make_vector_env
from quadrivium.commands import kept_files
from quadrivium.commands.kept_files import keep_files, tell_changed_files
from quadrivium.configs.schema import load_config
from tests.commands.running import run_evaluate, run_train

CONFIGS = Path(__file__).parents[2] / "configs"
SMALL = """
name: home
seed: 1
total_timesteps: 64
device: cpu
env: {id: quadrivium/PointNav-v0, num_envs: 4, kwargs: {maps: home.yaml}}
agent: {algorithm: ppo, n_steps: 8, batch_size: 32, n_epochs: 1, net: {width: 8, depth: 1}}
checkpoint: {every_steps: 64, keep_last: 1}
evaluation: {every_steps: null, episodes: 4, final_episodes: null}
logging: {interval: 1, video_every_steps: null}
"""


def room(folder: Path, columns: int) -> Path:
    """Writes an empty room of so many columns of 0.1 m as home.yaml; returns its image."""
    image = folder / "home.png"
    Image.fromarray(np.full((30, columns), 254, np.uint8)).save(image)
    (folder / "home.yaml").write_text(
        "image: home.png\nresolution: 0.1\norigin: [0, 0, 0]\n"
        "occupied_thresh: 0.65\nfree_thresh: 0.196\nnegate: 0\n"
    )
    return image


def test_the_image_of_a_map_that_has_changed_is_told_at_evaluation_and_resume(tmp_path, capsys):
    image = room(tmp_path, 40)
    (tmp_path / "home_run.yaml").write_text(SMALL)
    assert run_train(tmp_path, "home_run.yaml") == 0
    kept = json.loads((tmp_path / "runs" / "home" / "files.json").read_text())
    assert list(kept) == ["home.yaml", "home.png"]
    assert kept["home.png"] == hashlib.sha256(image.read_bytes()).hexdigest()
    capsys.readouterr()
    line = "home.png has changed since runs/home began, whose agent knows it as it was then"
    evaluate, resume = (
        lambda: run_evaluate(tmp_path, "run", "runs/home", "--episodes", 4),
        lambda: run_train(tmp_path, "--resume", "runs/home", "--total-timesteps", 128),
    )
    assert evaluate() == 0
    assert "has changed" not in "".join(capsys.readouterr())
    room(tmp_path, 41)
    for command in (evaluate, resume):
        assert command() == 0
        assert line in " ".join("".join(capsys.readouterr()).split())


def test_of_several_drivers_and_of_foreign_environments_too_a_run_can_begin(tmp_path, monkeypatch):
    town = CONFIGS / "driving" / "example.xodr"
    several = {"env.kwargs.maps": str(town), "env.kwargs.drivers": "2"}
    keep_files(tmp_path, load_config(CONFIGS / "driving" / "roads_ppo.yaml", several))
    assert list(json.loads((tmp_path / "files.json").read_text())) == [str(town)]
    monkeypatch.setattr(kept_files, "make_worlds", None)  # it would be called
    keep_files(tmp_path, load_config(CONFIGS / "cartpole" / "ppo.yaml", {}))


@pytest.mark.parametrize(
    ("config", "argument", "source"),
    [
        ("driving/roads_ppo.yaml", "maps", CONFIGS / "driving" / "example.xodr"),
        ("trading/single_asset_ppo.yaml", "market", CONFIGS / "trading" / "example.csv"),
    ],
)
def test_every_kind_of_file_is_kept(tmp_path, config, argument, source):
    file = tmp_path / source.name
    shutil.copy(source, file)
    extra = {"env.kwargs.symbol": "ACME"} if argument == "market" else {}
    chosen = load_config(CONFIGS / config, {f"env.kwargs.{argument}": str(file), **extra})
    keep_files(tmp_path, chosen)
    kept = json.loads((tmp_path / "files.json").read_text())
    assert kept == {str(file): hashlib.sha256(source.read_bytes()).hexdigest()}
    told: list[str] = []
    tell_changed_files(tmp_path, make_vector_env(chosen.env.id, 1, chosen.env.kwargs), told.append)
    assert told == []
    file.write_bytes(file.read_bytes() + b"\n")
    tell_changed_files(tmp_path, make_vector_env(chosen.env.id, 1, chosen.env.kwargs), told.append)
    assert told == [f"{file} has changed since {tmp_path} began, whose agent knows it as it was then"]
