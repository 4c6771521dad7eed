"""Trading from the outside: a history in a file, folds of it, and what an evaluation writes."""

import hashlib
import json
import shutil
from pathlib import Path

import gymnasium
import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from quadrivium.agents.batches.environments import make_vector_env
from quadrivium.commands.build import make_evaluation_env
from quadrivium.commands.kept_files import tell_changed_files
from quadrivium.commands.trading.kept_market import (
    bank_of,
    kept_kwargs,
    told_kwargs,
    training_bank,
    with_kept_market,
)
from quadrivium.configs.schema import load_config
from tests.commands.running import run_evaluate, run_train
from tests.commands.test_evaluate import refused

EXAMPLE = Path(__file__).parents[2] / "configs" / "trading" / "example.csv"
PUBLISHED = EXAMPLE.with_name("portfolio_ppo.yaml")
SINGLE = EXAMPLE.with_name("single_asset_ppo.yaml")
CONFIG = """
name: fold0
seed: 1
total_timesteps: 512
device: cpu
env:
  id: quadrivium/Portfolio-v0
  num_envs: 8
  kwargs: {market: MARKET, folds: 2, fold: 0, episode_bars: 20, window: 2}
agent: {algorithm: ppo, n_steps: 16, batch_size: 64, n_epochs: 1, net: {width: 8, depth: 1}}
checkpoint: {every_steps: 512, keep_last: 1}
evaluation:
  {every_steps: 512, episodes: 4, final_episodes: 8, baselines: [cash, momentum], kwargs: {split: test}}
logging: {interval: 1, video_every_steps: null}
"""


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    """A directory with runs of two folds of the example's history, runs/fold0 and runs/fold1."""
    directory = tmp_path_factory.mktemp("trading")
    (directory / "small.yaml").write_text(CONFIG.replace("MARKET", str(EXAMPLE)))
    assert run_train(directory, "small.yaml") == 0
    assert run_train(directory, "small.yaml", "--name", "fold1", "--env.kwargs.fold", 1) == 0
    return directory


def test_training_ends_with_regret_costs_history_and_pictures(directory):
    written = directory / "runs" / "fold0" / "evaluation"
    found = json.loads((written / "trading.json").read_text())
    hindsight = found["hindsight"]["best in hindsight"]["mean"]
    assert hindsight > found["hindsight"]["fold0"]["mean"]
    assert list(found["costs"]) == list(found["test_part"]) == ["fold0", "cash", "momentum"]
    assert {row["mean"] for row in found["costs"]["cash"]["log_growth"]} == {0.0}
    growth = [row["mean"] for row in found["costs"]["momentum"]["log_growth"]]
    assert growth == sorted(growth, reverse=True)
    assert found["test_part"]["momentum"]["turnover"]["mean"] > 0
    for name in ("costs.png", "episode.png", "measures.png"):
        assert (written / name).read_bytes()[:4] == b"\x89PNG"


def test_tensorboard_shows_an_episode_at_every_evaluation(directory):
    events = EventAccumulator(str(directory / "runs" / "fold0")).Reload()
    assert [image.step for image in events.Images("evaluation/episode")] == [0, 512]


def test_walk_forward_follows_the_folds_in_order_and_chains_them(directory, capsys):
    assert run_evaluate(directory, "walk-forward", "runs/fold1", "runs/fold0", "--output", "out") == 0
    output = capsys.readouterr().out
    assert output.index("fold 0, runs/fold0") < output.index("fold 1, runs/fold1") < output.index("all folds")
    found = json.loads((directory / "out" / "walk_forward.json").read_text())
    folds, whole = [found[f"fold {k}"] for k in range(2)], found["all folds"]
    for name in ("agent", "momentum"):
        one, two = (1 + fold[name]["total_return"]["value"] for fold in folds)
        assert 1 + whole[name]["total_return"]["value"] == pytest.approx(one * two)
    assert whole["cash"]["total_return"] == {"value": 0.0, "low": 0.0, "high": 0.0}
    assert (directory / "out" / "walk_forward.png").exists()


def test_a_fold_that_is_missing_or_given_twice_is_named(directory, capsys):
    error = refused(capsys, run_evaluate(directory, "walk-forward", "runs/fold0"))
    assert error == "error: folds [0] of 2 are given; train and give all of them: --env.kwargs.fold 0, 1, ..."
    error = refused(capsys, run_evaluate(directory, "walk-forward", "runs/fold0", "runs/fold0"))
    assert error == "error: runs/fold0 and runs/fold0 are both fold 0; give each fold once"


def test_a_fold_that_the_split_has_not_is_refused_before_training(directory, capsys):
    code = run_train(directory, "small.yaml", "--name", "fold2", "--env.kwargs.fold", 2)
    assert "fold=2 is out of range: use an integer in [0, 1]" in refused(capsys, code)
    code = run_train(directory, "small.yaml", "--name", "none", "--env.kwargs.market", "simulated")
    assert "folds=2 splits the history in files; a simulated market has none" in refused(capsys, code)


def test_a_run_keeps_the_hashes_scaler_and_dates_of_its_market(directory):
    run = directory / "runs" / "fold0"
    files = json.loads((run / "files.json").read_text())
    assert files == {str(EXAMPLE): hashlib.sha256(EXAMPLE.read_bytes()).hexdigest()}
    kept = json.loads((run / "market.json").read_text())
    assert kept["symbols"] == ["ACME", "BOLT", "CASK"]
    assert kept["train"][1] < kept["test"][0]
    assert len(kept["scaler"]["mean"]) == len(kept["features"]) == 4


def test_a_run_is_evaluated_by_the_scaler_and_dates_that_it_kept(directory):
    run = directory / "runs" / "fold0"
    config = load_config(run / "config.yaml")
    kwargs = config.evaluation_kwargs()
    assert kept_kwargs(run, config, kwargs, print) == {"trained_on": str(run / "market.json")}
    assert kept_kwargs(directory, config, kwargs, print) == {}


def test_a_changed_file_is_told_of_a_run_that_kept_its_hashes_beside_the_scaler_too(tmp_path):
    market = tmp_path / "prices.csv"
    shutil.copy(EXAMPLE, market)
    (tmp_path / "market.json").write_text(json.dumps({"files": {str(market): "0" * 64}}))
    env = make_vector_env("quadrivium/Portfolio-v0", 1, {"market": str(market)})
    told: list[str] = []
    tell_changed_files(tmp_path, env, told.append)
    assert told == [f"{market} has changed since {tmp_path} began, whose agent knows it as it was then"]


def test_an_evaluation_on_bars_that_are_trained_on_is_refused_in_one_line(directory, capsys):
    options = [
        "--env.kwargs.fold",
        1,
        "--evaluation.kwargs.fold",
        0,
    ]  # whose test comes before the later fold's
    error = refused(capsys, run_train(directory, "small.yaml", "--name", "mixed", *options))
    assert "bars of the evaluation" in error
    assert "are trained on: evaluation.kwargs.fold overlaps the training; leave it out" in error
    assert not (directory / "runs" / "mixed").exists()


def other_market(path, symbol, begin="2022-12-01"):
    """Writes 200 days of an asset whose prices move much more than those of the example."""
    lines = ["Date,Ticker,Open,High,Low,Close,Volume"]
    for day, date in enumerate(np.datetime64(begin) + np.arange(200)):
        price = 100 * 1.2 ** (day % 2)
        lines.append(f"{date},{symbol},{price},{price},{price},{price},{1000 + 900 * (day % 2)}")
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize("trained", ["simulated", "file"])
def test_an_evaluation_in_another_market_sees_it_scaled_as_the_training_sees_its_own(tmp_path, trained):
    other = str(other_market(tmp_path / "other.csv", "ACME"))
    own = {"env.kwargs.market": str(EXAMPLE)} if trained == "file" else {}
    small = {"env.kwargs.scenarios": "4", "env.kwargs.episode_bars": "20", "env.kwargs.window": "2"}
    data = {**own, **small, "env.kwargs.symbol": "null", "evaluation.kwargs.market": other}
    if trained == "file":
        data["env.kwargs.symbol"] = "ACME"
        del data["env.kwargs.scenarios"]
    config = load_config(SINGLE, data)
    told: list[str] = []
    bank = bank_of(make_evaluation_env(with_kept_market(config, told.append))(1))
    alone = bank_of(make_evaluation_env(config)(1))
    if trained == "file":
        kept = training_bank(config).kept
        # of the asset that is trained on, only what comes after the training is played
        assert bank.times[0] > np.datetime64(kept["train"][1])
        assert len(told) == 1
        assert told[0].startswith(f"played are all bars of {other} from 2023-0")
    else:
        kept = gymnasium.make(config.env.id, **config.env.kwargs).unwrapped.setup.source.kept
        assert len(bank.times) > 150  # all of it
    assert bank.kept["scaler"] == kept["scaler"] != alone.kept["scaler"]
    assert "trained_on" not in told_kwargs(with_kept_market(config, told.append))


def test_an_evaluation_in_the_market_of_the_training_is_left_as_it_is():
    config = load_config(PUBLISHED, {"env.kwargs.market": str(EXAMPLE)})
    assert with_kept_market(config, print) is config
    simulated = load_config(PUBLISHED)
    assert with_kept_market(simulated, print) is simulated
