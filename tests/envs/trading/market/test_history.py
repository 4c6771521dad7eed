"""Histories of files: parts and scaler that stay, own columns as features, options that contradict "
"each other."""

import warnings

import numpy as np
import pytest

from quadrivium.envs.core.file_hashes import digest
from quadrivium.envs.trading.market.history import history_bank
from quadrivium.envs.trading.market.load import load_bars
from quadrivium.envs.trading.portfolio.env import PortfolioOptions
from quadrivium.envs.trading.single_asset.env import SingleAssetOptions
from tests.envs.trading.market.test_plausible import walk

PARTS = {"test_share": 0.3, "purge": 1, "folds": 1, "fold": 0}
NAMES = ("log_return", "volume")


def bank(path, split="train", names=NAMES, trained_on=None, load=None, symbols=None):
    return history_bank(path, symbols, load, names, split, PARTS, trained_on)


@pytest.fixture
def path(tmp_path):
    """A file of 200 bars."""
    walk(300).iloc[:200].to_csv(tmp_path / "x.csv", index_label="date")
    return tmp_path / "x.csv"


def test_a_file_that_grows_keeps_its_parts_and_scaler_and_says_so(path):
    before = [bank(str(path), split) for split in ("train", "test")]
    calm = walk(300)
    calm.iloc[200:, :4] *= np.exp(np.linspace(0, 1, 100))[:, None]
    calm.to_csv(path, index_label="date")
    with pytest.warns(UserWarning, match=r"x\.csv has changed since this program read it first") as told:
        after = [bank(str(path), split) for split in ("train", "test")]
    assert "\n" not in str(told[0].message)
    for one, two in zip(before, after, strict=True):
        np.testing.assert_array_equal(one.times, two.times)
        np.testing.assert_array_equal(one.features, two.features)
    assert after[0].files == {str(path): digest(path)} != before[0].files


def test_another_file_in_the_same_place_is_read_anew(path):
    bank(str(path))
    walk(200, start="1999-01-04", seed=3).to_csv(path, index_label="date")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again = bank(str(path))
    assert str(again.times[0]).startswith("1999")
    np.testing.assert_allclose(again.features.mean(axis=(0, 1, 2)), 0.0, atol=1e-3)


def test_what_was_kept_is_what_is_evaluated(path, tmp_path):
    kept = bank(str(path)).kept
    walk(300).to_csv(tmp_path / "longer.csv", index_label="date")
    longer = str(tmp_path / "longer.csv")
    for split in ("train", "test"):
        before, after = bank(str(path), split), bank(longer, split, trained_on=kept)
        np.testing.assert_array_equal(before.features, after.features)
    everything = bank(longer, "test", trained_on={**kept, "test": None})
    assert everything.features.shape[1] == 280
    np.testing.assert_array_equal(everything.features[:, :10], bank(str(path)).features[:, :10])
    with pytest.raises(ValueError, match=r"hold nothing of the test part that was kept"):
        bank(longer, "test", trained_on=kept, load={"stop": "2023-06-01"})
    with pytest.raises(ValueError, match=r"trained_on='no.json' cannot be read .*market.json"):
        bank(longer, trained_on="no.json")
    with pytest.raises(ValueError, match=r"features=\['gap'\] are not those that are kept"):
        bank(longer, names=("gap",), trained_on=kept)


def test_own_columns_are_features_that_know_no_future_and_are_scaled_by_the_training_part(tmp_path):
    rng = np.random.default_rng(0)
    frame = walk(200).assign(mood=rng.normal(50.0, 7.0, 200))
    path = tmp_path / "x.csv"
    frame.to_csv(path, index_label="date")
    train, test = (bank(str(path), split, ("log_return", "mood")) for split in ("train", "test"))
    rows = frame["mood"].to_numpy()[20:]  # as many as the features made of prices need
    count = train.features.shape[1]
    mean, std = rows[:count].mean(), rows[:count].std()
    np.testing.assert_allclose(train.features[0, :, 0, 1], (rows[:count] - mean) / std, atol=1e-4)
    np.testing.assert_allclose(test.features[0, :, 0, 1], (rows[count + 1 :] - mean) / std, atol=1e-4)
    kept = train.kept
    frame.iloc[150:, frame.columns.get_loc("mood")] = 1e6
    frame.to_csv(tmp_path / "other.csv", index_label="date")
    other = bank(str(tmp_path / "other.csv"), "train", ("log_return", "mood"), trained_on=kept)
    np.testing.assert_array_equal(other.features[0, :120], train.features[0, :120])


def test_a_feature_that_nobody_knows_is_told_with_the_nearest_name(path):
    with pytest.raises(ValueError, match=r"no column for the feature 'volatilty'.*volatility"):
        bank(str(path), names=("volatilty",))


def test_a_blank_cell_of_an_own_column_is_refused_or_repeats_the_value_before(tmp_path):
    frame = walk(60).assign(mood=1.5)
    frame.iloc[30, frame.columns.get_loc("mood")] = np.nan
    path = tmp_path / "x.csv"
    frame.to_csv(path, index_label="date")
    with pytest.raises(ValueError, match=r"x.csv:32: mood is missing; write a number, or gaps='fill'"):
        load_bars(path, own=["mood"])
    assert load_bars(path, own=["mood"], gaps="fill").own["mood"][30, 0] == 1.5


@pytest.mark.parametrize(
    ("options", "given", "message"),
    [
        (PortfolioOptions, {"weights": "shorts", "leverage": 5}, "leverage=5 can never be held"),
        (PortfolioOptions, {"weights": "shorts", "leverage": 4}, "use leverage=3.2, or maintenance=0.2"),
        (PortfolioOptions, {"commission_fixed": float("inf")}, "commission_fixed=inf is out of range"),
        (PortfolioOptions, {"commission_minimum": float("inf")}, "commission_minimum=inf is out of range"),
        (PortfolioOptions, {"load": {"sort": True}}, r"load=.* is about files, and market='simulated'"),
        (PortfolioOptions, {"symbols": ["A"]}, r"symbols=\['A'\] is about files"),
        (PortfolioOptions, {"test_share": 0.5}, "test_share=0.5 is about files"),
        (PortfolioOptions, {"fold": 1}, "fold=1 is about files"),
        (SingleAssetOptions, {"symbol": "A"}, "symbol='A' is about files"),
        (SingleAssetOptions, {"market": "x", "load": {"gap": "fill"}}, "of load='gap' is unknown.*'gaps'"),
        (SingleAssetOptions, {"market": "x", "load": {"own": ["a"]}}, r"give features=\[\.\.\.\]"),
        (SingleAssetOptions, {"features": ["gap", "gap"]}, "name 'gap' twice"),
    ],
)
def test_options_that_contradict_each_other_or_are_read_by_nobody_are_refused(options, given, message):
    with pytest.raises(ValueError, match=message) as error:
        options.of(given)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("remedy", [{"leverage": 3.2}, {"maintenance": 0.16}])
def test_what_is_proposed_for_leverage_is_taken(remedy):
    PortfolioOptions.of({"weights": "shorts", "leverage": 5, **remedy})


def test_a_part_in_which_nothing_can_be_traded_is_refused_and_the_remedy_works(tmp_path):
    frame = walk(200)
    frame.iloc[140:, frame.columns.get_loc("volume")] = 0.0
    path = tmp_path / "x.csv"
    frame.to_csv(path, index_label="date")
    given = {"market": str(path), "split": "test", "episode_bars": 10}
    with pytest.raises(ValueError, match=r"is 0 in every bar of the test part of x.*participation=None"):
        SingleAssetOptions.of(given).bank(1, None)
    assert SingleAssetOptions.of(given | {"participation": None}).bank(1, None).symbols == ("x",)


def test_a_file_too_short_for_an_episode_says_what_fits(path):
    options = SingleAssetOptions.of({"market": str(path), "window": 4, "episode_bars": 126})
    found = options.bank(1, None)
    with pytest.raises(ValueError, match=r"use episode_bars=121 or less") as error:
        options.derived(found)
    assert "\n" not in str(error.value)
    fitting = SingleAssetOptions.of({"market": str(path), "window": 4, "episode_bars": 121})
    assert fitting.derived(found)["steps"] == 121
