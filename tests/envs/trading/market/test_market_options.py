"""Arguments of the worlds over bars that are of another kind than they should be: one line each."""

import gymnasium
import numpy as np
import pytest

import quadrivium  # noqa: F401 (registers the ids)


@pytest.mark.parametrize("name", ["quadrivium/SingleAsset-v0", "quadrivium/Portfolio-v0"])
@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("simulator", 5, r"simulator=5 is no mapping from options of `SimulatorConfig` to values, such as"),
        ("features", 5, r"features=5 is no list of names, such as \['log_return', "),
        ("features", "volume", "features='volume' is no list of names"),
        ("market", np.zeros(3), "market=ndarray is no market: use 'simulated', a path, paths, or Bars"),
        ("load", 5, "load=5 is no mapping from options of `load_bars` to their values"),
    ],
)
def test_an_argument_of_another_kind_is_named_with_what_is_expected(name, option, value, message):
    with pytest.raises(ValueError, match=message) as error:
        gymnasium.make(name, **{option: value})
    assert "\n" not in str(error.value)
