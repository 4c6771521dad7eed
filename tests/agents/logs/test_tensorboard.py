"""What a run writes is what TensorBoard shows, also after a resume that withdraws a part."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import plugin_data_pb2

from quadrivium.agents.errors import UserError
from quadrivium.agents.evaluation.scalars import evaluation_scalars
from quadrivium.agents.logs.film import encode_gif, save_film
from quadrivium.agents.logs.tensorboard import TensorBoardWriter, lines
from quadrivium.intervals import Interval


def read(run_dir):
    return EventAccumulator(str(run_dir), size_guidance={"scalars": 0, "images": 0}).Reload()


def series(run_dir, name):
    return [(event.step, round(event.value, 6)) for event in read(run_dir).Scalars(name)]


def dump(writer, step, **values):
    named = {name.replace("__", "/"): value for name, value in values.items()}
    writer.write(named, dict.fromkeys(named, ()), step)


def test_numbers_are_charted_and_all_else_is_not(tmp_path):
    writer = TensorBoardWriter(tmp_path)
    writer.write(
        {"train/loss": np.float32(0.5), "a": 1, "text": "x", "hidden": 2.0},
        {"train/loss": (), "a": (), "text": (), "hidden": ("tensorboard",)},
        step=7,
    )
    writer.close()
    assert series(tmp_path, "train/loss") == [(7, 0.5)]
    assert read(tmp_path).Tags()["scalars"] == ["train/loss", "a"]


def test_a_resumed_run_withdraws_what_was_written_after_its_checkpoint(tmp_path):
    writer = TensorBoardWriter(tmp_path, purge_step=0)
    for step in (10, 20, 30):
        dump(writer, step, x=step)
    writer.close()
    resumed = TensorBoardWriter(tmp_path, purge_step=21)
    dump(resumed, 30, x=-30)
    resumed.close()
    assert series(tmp_path, "x") == [(10, 10.0), (20, 20.0), (30, -30.0)]


def test_an_evaluation_names_its_intervals_and_baselines():
    summary = {"return": Interval(2.0, 1.0, 3.0), "reward/speed": Interval(1.0, 1.0, 1.0)}
    assert evaluation_scalars(summary, {"idle": {"return": Interval(0.5, 0.0, 1.0)}}) == {
        "evaluation/return": 2.0,
        "uncertainty/return_low": 1.0,
        "uncertainty/return_high": 3.0,
        "versus/idle/return": 0.5,
    }


def test_charts_are_laid_out_with_the_first_evaluation(tmp_path):
    writer = TensorBoardWriter(tmp_path)
    dump(writer, 0, train__loss=1.0)
    dump(writer, 0, evaluation__return=1.0, evaluation__speed=2.0)
    dump(writer, 5, evaluation__return=1.0, evaluation__speed=2.0)
    writer.close()
    accumulator = read(tmp_path)
    (event,) = accumulator.Tensors("custom_scalars__config__")
    layout = event.tensor_proto.string_val[0].decode(errors="replace")
    for part in (
        "evaluation/speed",
        "uncertainty/speed_low",
        "uncertainty/speed_high",
        "^versus/[^/]+/return$",
    ):
        assert part in layout


def test_an_agents_own_charts_stand_in_the_place_of_the_usual_ones(tmp_path):
    layouts = []
    for charts in ({}, {"charts": {"Self-play": {"game length": lines("self_play/game_length")}}}):
        directory = tmp_path / str(len(layouts))
        directory.mkdir()
        writer = TensorBoardWriter(directory, **charts)
        dump(writer, 0, evaluation__return=1.0)
        (event,) = read(directory).Tensors("custom_scalars__config__")
        layouts.append(event.tensor_proto.string_val[0].decode(errors="replace"))
    usual, own = layouts
    assert "^rollout/ep_rew_mean$" in usual
    assert "self_play" not in usual
    assert "^self_play/game_length$" in own
    assert "rollout" not in own
    assert "uncertainty/return_low" in own


def test_hyper_parameters_and_config_are_in_the_run_itself(tmp_path):
    writer = TensorBoardWriter(tmp_path)
    config = {"agent.gamma": 0.9, "agent.net.trunk": "mlp", "agent.wide": True, "name": "x"}
    writer.write_header(config, "name: x\n")
    writer.close()
    assert {path.is_file() for path in tmp_path.iterdir()} == {True}  # no directory of a further run
    content = read(tmp_path).summary_metadata["_hparams_/session_start_info"].plugin_data.content
    assert b"agent.gamma" in content
    assert b"name" not in content
    data = plugin_data_pb2.HParamsPluginData.FromString(content).session_start_info.hparams
    assert data["agent.wide"].string_value == "true"  # a bool would be shown as a number
    assert data["agent.gamma"].number_value == 0.9
    assert b"name: x" in read(tmp_path).Tensors("config/text_summary")[0].tensor_proto.string_val[0]


def moving_square(frames=12):
    film = []
    for k in range(frames):
        frame = np.full((60, 80, 3), 40, np.uint8)
        frame[20:40, 5 * k : 5 * k + 15] = (250, 200, 10)
        film.append(frame)
    return film


def test_a_film_is_an_animated_picture_of_all_frames(tmp_path):
    film = moving_square()
    writer = TensorBoardWriter(tmp_path)
    writer.write_film("evaluation/film", film, 10, step=3)
    writer.close()
    (event,) = read(tmp_path).Images("evaluation/film")
    image = Image.open(io.BytesIO(event.encoded_image_string))
    assert (event.step, event.width, event.height) == (3, 80, 60)
    assert image.n_frames == len(film)
    for k, frame in enumerate(film):
        image.seek(k)
        difference = np.asarray(image.convert("RGB")).astype(int) - frame
        assert np.abs(difference).max() <= 4  # colours survive the palette
    assert image.info["duration"] >= 1000  # the end stays in view


def test_a_large_film_is_made_smaller():
    frames = [np.zeros((200, 1280, 3), np.uint8)] * 2
    assert Image.open(io.BytesIO(encode_gif(frames, 5))).size == (640, 100)


def test_a_film_is_saved_as_mp4_or_without_ffmpeg_as_gif(tmp_path, monkeypatch):
    pytest.importorskip("imageio_ffmpeg")
    path = save_film(tmp_path / "a", moving_square(), 10)
    assert path.suffix == ".mp4"
    assert b"ftyp" in path.read_bytes()[:16]
    monkeypatch.setitem(__import__("sys").modules, "imageio_ffmpeg", None)
    path = save_film(tmp_path / "b", moving_square(), 10)
    assert path.read_bytes()[:4] == b"GIF8"


def test_a_full_disk_is_an_error_at_once_and_the_next_run_goes_on(tmp_path):
    writer = TensorBoardWriter(tmp_path)
    dump(writer, 10, x=1.0)
    whole = writer._file._path
    writer._file._path = Path("/dev/full")
    with pytest.raises(UserError, match=r"the disk is full: full needs about .*--resume"):
        dump(writer, 20, x=2.0)
    with whole.open("ab") as file:
        file.write(b"\x20\x00\x00")  # what a full disk leaves of a record
    resumed = TensorBoardWriter(tmp_path, purge_step=11)
    dump(resumed, 20, x=3.0)
    assert series(tmp_path, "x") == [(10, 1.0), (20, 3.0)]


def test_a_picture_keeps_its_colours_and_a_text_its_markdown(tmp_path):
    picture = moving_square()[3]
    writer = TensorBoardWriter(tmp_path)
    writer.write_picture("game/positions", picture, step=3)
    writer.write_text("game/moves", "**Black wins.** 1. e4", step=3)
    writer.close()
    (event,) = read(tmp_path).Images("game/positions")
    assert (event.step, event.width, event.height) == (3, 80, 60)
    shown = np.asarray(Image.open(io.BytesIO(event.encoded_image_string)).convert("RGB"))
    np.testing.assert_array_equal(shown, picture)  # three colours fit into a palette
    (text,) = read(tmp_path).Tensors("game/moves/text_summary")
    assert (text.step, text.tensor_proto.string_val[0]) == (3, b"**Black wins.** 1. e4")
