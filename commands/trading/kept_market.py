"""What a run keeps of its market: the scaler, and the dates of its parts."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium.vector import VectorEnv

from quadrivium.agents.batches.environments import make_vector_env
from quadrivium.agents.errors import UserError
from quadrivium.agents.runs.directory import write_atomically
from quadrivium.configs.schema import RunConfig
from quadrivium.envs.trading.market.bank import Bank

MARKET = "market.json"
_PARTS = ("test_share", "purge", "folds", "fold", "load", "features")


def bank_of(env: VectorEnv) -> Bank | None:
    """Returns the history of files that an environment plays in, None of others."""
    source = getattr(getattr(env.unwrapped, "setup", None), "source", None)
    return source if isinstance(source, Bank) and source.times is not None else None


def training_bank(config: RunConfig) -> Bank | None:
    """Returns the history that a run trains in, None where it trains in no files."""
    if config.env.kwargs.get("market", "simulated") == "simulated":
        return None
    env = make_vector_env(config.env.id, 1, config.env.kwargs)
    env.close()
    return bank_of(env)


def require_apart(config: RunConfig, evaluation_env: VectorEnv, notify: Callable[[str], object]) -> None:
    """Raises UserError where the evaluation plays bars that are trained on, or sees them scaled otherwise.

    Who asks for `split: train` is told so by `notify`.
    """
    trained, played = training_bank(config), bank_of(evaluation_env)
    if trained is None or played is None or trained.files != played.files:
        return
    assert trained.times is not None
    assert played.times is not None
    other = [f"evaluation.kwargs.{name}" for name in _PARTS if name in config.evaluation.kwargs]
    if config.evaluation_kwargs().get("split", "train") == "train":
        notify("the evaluation plays the bars that are trained on; evaluation.kwargs.split=test plays others")
        return
    both = np.intersect1d(trained.times, played.times)
    if len(both):
        raise UserError(
            f"{len(both)} of the {len(played.times)} bars of the evaluation, {both[0]:.10} to "
            f"{both[-1]:.10}, are "
            f"trained on: {', '.join(other) or 'its kwargs'} overlaps the training; leave it out"
        )
    if played.kept["scaler"] != trained.kept["scaler"]:
        raise UserError(
            f"{', '.join(other) or 'evaluation.kwargs'} lets the evaluation see its inputs scaled by "
            "other bars than "
            "those trained on; leave it out"
        )


def keep_market(run_dir: Path, config: RunConfig) -> None:
    """Writes RUN/market.json, if the run trains in files."""
    bank = training_bank(config)
    if bank is not None:
        data = {**bank.kept, "symbols": list(bank.symbols)}
        write_atomically(run_dir / MARKET, (json.dumps(data, indent=2) + "\n").encode())


def kept_kwargs(
    run_dir: Path, config: RunConfig, kwargs: Mapping[str, Any], notify: Callable[[str], object]
) -> dict[str, Any]:
    """Returns what the arguments need beside `kwargs` to be those of the run: its scaler and its dates.

    In another market than the run's own all bars are played that come after the training, or all of other
    assets.
    """
    market, path = kwargs.get("market", "simulated"), run_dir / MARKET
    if market == "simulated":
        return {}
    if market != config.env.kwargs.get("market", "simulated"):
        kept = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else _kept_of(config)
        return _as_trained(config, kwargs, kept, str(run_dir), notify)
    return {"trained_on": str(path)} if path.is_file() else {}


def with_kept_market(config: RunConfig, notify: Callable[[str], object]) -> RunConfig:
    """Returns the config of a run in whose evaluation another market is scaled as that of the training is."""
    kwargs = config.evaluation_kwargs()
    market = kwargs.get("market", "simulated")
    if market in ("simulated", config.env.kwargs.get("market")) or "trained_on" in config.evaluation.kwargs:
        return config
    kept = _as_trained(config, kwargs, _kept_of(config), "this run", notify)
    evaluation = config.evaluation.model_copy(update={"kwargs": config.evaluation.kwargs | kept})
    return config.model_copy(update={"evaluation": evaluation})


def told_kwargs(config: RunConfig) -> dict[str, Any]:
    """Returns the environment's arguments in evaluation as reports tell them."""
    return {name: value for name, value in config.evaluation_kwargs().items() if name != "trained_on"}


def _kept_of(config: RunConfig) -> dict[str, Any]:
    """Returns what a run keeps of its market, in files or simulated."""
    env = make_vector_env(config.env.id, 1, config.env.kwargs)
    env.close()
    bank = env.unwrapped.setup.source  # pyright: ignore[reportAttributeAccessIssue]
    return {**bank.kept, "symbols": list(bank.symbols) if bank.times is not None else []}


def _as_trained(
    config: RunConfig,
    kwargs: Mapping[str, Any],
    kept: dict[str, Any],
    run: str,
    notify: Callable[[str], object],
) -> dict[str, Any]:
    """Returns the arguments by which another market is scaled as was kept, and what of it is played."""
    kept = {**kept, "train": kept.get("train"), "test": None}
    kept.pop("files", None)
    bank = bank_of(make_vector_env(config.env.id, 1, {**kwargs, "split": "test", "trained_on": kept}))
    assert bank is not None
    assert bank.times is not None
    if kept["train"] is not None and set(bank.symbols) & set(kept["symbols"]):
        end = np.datetime64(kept["train"][1])
        later = bank.times[bank.times > end]
        if not len(later):
            raise UserError(
                f"market {kwargs['market']} has no bar after {end:.10}, up to which {run} was trained"
            )
        if len(later) < len(bank.times):
            kept["test"] = [str(later[0]), str(later[-1])]
    first, last = kept["test"] or [str(bank.times[0]), str(bank.times[-1])]
    notify(f"played are all bars of {kwargs['market']} from {first:.10} to {last:.10}, scaled as in {run}")
    return {"trained_on": kept, "split": "test"}
