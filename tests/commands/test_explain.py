"""`evaluate.py explain`: pictures, and numbers that sum to what they explain, by the world's own names."""

import json
import sys

import numpy as np
import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tests.commands.running import run_evaluate, run_train, write_config
from tests.commands.test_evaluate import refused

TRANSFORMER = ["--agent.net.trunk", "transformer", "--agent.net.token-mask-feature", 0]


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    """A directory with a small run of a transformer, explained."""
    directory = tmp_path_factory.mktemp("explained")
    final = ["--evaluation.final-episodes", "null", "--evaluation.every-steps", "null"]
    assert run_train(directory, write_config(directory), *TRANSFORMER, *final) == 0
    assert run_evaluate(directory, "explain", "run:runs/small", "--steps", 2, "--episodes", 2) == 0
    return directory


def test_the_attributions_of_a_moment_sum_to_what_they_explain(directory):
    told = json.loads((directory / "runs" / "small" / "explanation" / "explanation.json").read_text())
    assert told["environment"] == "quadrivium/Highway-v0"
    assert [moment["scenario"] - told["seed"] for moment in told["moments"]] in ([0, 0, 1, 1], [0, 0, 1])
    for moment in told["moments"]:
        assert list(moment["targets"]) == ["action", "value"]
        for target in moment["targets"].values():
            cars = target["attributions"]["observation"]
            assert next(iter(cars)) == "ego"
            assert list(cars["ego"]) == ["sum", "presence", "x", "y", "vx", "vy"]
            total = sum(car["sum"] for car in cars.values())
            explained = target["output"] - target["baseline_output"]
            assert total == pytest.approx(explained, abs=2e-3 + 0.02 * abs(explained))
        attention = moment["attention"]["observation"]
        assert list(attention) == list(cars)
        assert sum(attention.values()) == pytest.approx(1, abs=1e-3)


def test_pictures_are_in_the_run_and_in_tensorboard(directory):
    run = directory / "runs" / "small"
    told = json.loads((run / "explanation" / "explanation.json").read_text())
    events = EventAccumulator(str(run), size_guidance={"images": 0})
    events.Reload()
    for moment in told["moments"]:
        picture = np.asarray(Image.open(run / "explanation" / moment["picture"]).convert("RGB"))
        assert picture.shape[1] == 1100
        assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 50
        (shown,) = events.Images(f"explanation/{moment['picture'].removesuffix('.png')}")
        assert (shown.step, shown.width) == (told["step"], 1100)
    assert (run / "explanation" / "overall.png").is_file()


def test_what_cannot_be_explained_is_refused_in_a_line(directory, capsys, monkeypatch):
    def line(*arguments):
        return refused(capsys, run_evaluate(directory, "explain", *arguments))

    assert "player 'random' has no network to explain; write run:runs/NAME" in line("random")
    other = ["--env-kwargs", "observed_vehicles=3"]
    assert "the weights do not fit the network of config.yaml" in line("run:runs/small", *other)
    monkeypatch.setitem(sys.modules, "captum", None)
    assert "explanations need captum, which is not installed; pip install 'quadrivium[explain]'" in line(
        "run:runs/small"
    )
