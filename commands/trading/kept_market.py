"""What a run keeps of its market: the hash of each file, the scaler, and the dates of its parts."""

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
from quadrivium.envs.trading.bank import Bank
from quadrivium.envs.trading.history import digest

MARKET = "market.json"
_PARTS = ("test_share", "purge", "folds", "fold", "load", "features")


def bank_of(env: VectorEnv) -> Bank | None:
    """Returns the history of files that an environment plays in, None of others."""
    source = getattr(getattr(env.unwrapped, "setup", None), "source", None)
    return source if isinstance(source, Bank) and source.kept is not None else None


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
    assert trained.kept is not None
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
    if played.kept is None or played.kept["scaler"] != trained.kept["scaler"]:
        raise UserError(
            f"{', '.join(other) or 'evaluation.kwargs'} lets the evaluation see its inputs scaled by "
            "other bars than "
            "those trained on; leave it out"
        )


def keep_market(run_dir: Path, config: RunConfig) -> None:
    """Writes RUN/market.json, if the run trains in files."""
    bank = training_bank(config)
    if bank is not None:
        data = {**(bank.kept or {}), "symbols": list(bank.symbols), "files": dict(bank.files)}
        write_atomically(run_dir / MARKET, (json.dumps(data, indent=2) + "\n").encode())


def kept_kwargs(
    run_dir: Path, config: RunConfig, kwargs: Mapping[str, Any], notify: Callable[[str], object]
) -> dict[str, Any]:
    """Returns what the arguments need beside `kwargs` to be those of the run: its scaler and its dates.

    A line says where a file has changed since. In another market than the run's own all bars are played that
    come after the training, or all of other assets.
    """
    path = run_dir / MARKET
    if not path.is_file() or kwargs.get("market", "simulated") == "simulated":
        return {}
    kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    files = kept.pop("files")
    own = config.env.kwargs.get("market")
    if kwargs.get("market") == own:
        for name, before in files.items():
            if Path(name).is_file() and digest(Path(name)) != before:
                notify(
                    f"{name} has changed since {run_dir} began; its scaler and the dates of its parts "
                    "stay as then"
                )
        return {"trained_on": str(path)}
    kept["test"] = None
    bank = bank_of(make_vector_env(config.env.id, 1, {**kwargs, "split": "test", "trained_on": kept}))
    end = np.datetime64(kept["train"][1])
    if bank is not None and bank.times is not None and set(bank.symbols) & set(kept["symbols"]):
        later = bank.times[bank.times > end]
        if not len(later):
            raise UserError(
                f"market {kwargs['market']} has no bar after {end:.10}, up to which {run_dir} was trained"
            )
        if len(later) < len(bank.times):
            kept["test"] = [str(later[0]), str(later[-1])]
    times = (
        kept["test"] or [str(bank.times[0]), str(bank.times[-1])]
        if bank is not None and bank.times is not None
        else []
    )
    if times:
        notify(
            f"played are all bars of {kwargs['market']} from {times[0]:.10} to {times[1]:.10}, scaled "
            f"as in {run_dir}"
        )
    return {"trained_on": kept}
