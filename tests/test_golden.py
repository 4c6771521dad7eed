"""Each versioned id does today what it did when its trace was kept."""

import json

import numpy as np
import pytest

from tests.golden.trace import FOLDER, configurations, path_of, trace
from tests.registry import IDS

# Between processors and C libraries the last bit of sin and exp differs; 25 steps carry it no further.
TOLERANCE = {"rtol": 1e-4, "atol": 1e-4}


@pytest.mark.parametrize("name", IDS)
def test_every_id_has_a_trace_in_each_configuration(name):
    assert path_of(name).exists(), "write it with: python -m tests.golden.trace"
    kept = [one["kwargs"] for one in json.loads(path_of(name).read_text())]
    assert kept == configurations(name)


def test_no_trace_is_left_of_an_id_that_is_gone():
    assert {path.name for path in FOLDER.glob("*.json")} == {path_of(name).name for name in IDS}


CASES = [(name, index) for name in IDS for index in range(len(configurations(name)))]


@pytest.mark.parametrize(("name", "index"), CASES)
def test_the_id_does_what_its_trace_says_within_1e_minus_4(name, index):
    kept = json.loads(path_of(name).read_text())[index]
    now = trace(name, kept["kwargs"])
    advice = "; a change of dynamics, reward, observation or random order needs a new version of the id"
    assert now["ends"] == kept["ends"], f"episodes end elsewhere{advice}"
    assert now["random_state"] == kept["random_state"], f"other random numbers were drawn{advice}"
    for key in ("rewards", "obs_means"):
        np.testing.assert_allclose(now[key], kept[key], **TOLERANCE, err_msg=f"{key}{advice}")
    assert now["metrics"].keys() == kept["metrics"].keys()
    for key, values in kept["metrics"].items():
        np.testing.assert_allclose(now["metrics"][key], values, **TOLERANCE, err_msg=f"{key}{advice}")
