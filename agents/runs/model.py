"""A model: what of a run can act, in a directory of its own: its config, its weights, and a card.

    config.yaml           the run's complete configuration
    weights.safetensors   parameters and buffers of the networks that act
    card.json             where the weights come from, their hash, and what they reached

Wherever a run directory is named to act, a model may stand instead. As with a checkpoint, nothing here is
pickled, and the hash is verified before the weights are read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save

from quadrivium.agents.runs.checkpoint import Snapshot
from quadrivium.agents.runs.checkpoint_files import (
    WEIGHTS,
    CheckpointError,
    Damaged,
    owned,
    read_json,
    read_tensors,
    sha256,
)
from quadrivium.agents.runs.directory import write_durably

CARD, CONFIG = "card.json", "config.yaml"
_SIGNATURE = "signature"  # what a checkpoint of AlphaZero says of its game


def is_model(directory: Path) -> bool:
    """Returns whether the directory is a model, and no run."""
    return (directory / CARD).is_file() and (directory / WEIGHTS).is_file()


def write_model(
    directory: Path,
    config: str,
    weights: Mapping[str, torch.Tensor],
    snapshot: Snapshot,
    facts: Mapping[str, Any],
) -> dict[str, Any]:
    """Makes the directory a model; a model that was there is replaced. Returns the card.

    config: the text of the run's config.yaml. weights: of the networks that act, from `snapshot`. facts: what
    else the card says, plain JSON values.
    """
    directory.mkdir(parents=True, exist_ok=True)
    (directory / CARD).unlink(missing_ok=True)  # without it, half a model is none
    write_durably(directory / CONFIG, config.encode())
    write_durably(directory / WEIGHTS, save(owned(weights)))
    card = dict(facts) | {
        "steps": snapshot.step,
        "minutes": round(snapshot.seconds / 60, 1),
        "weights": {
            "parameters": sum(tensor.numel() for tensor in weights.values()),
            "bytes": (directory / WEIGHTS).stat().st_size,
            "sha256": sha256(directory / WEIGHTS),
        },
    }
    if _SIGNATURE in snapshot.state:
        card[_SIGNATURE] = str(snapshot.state[_SIGNATURE][0])
    write_durably(directory / CARD, (json.dumps(card, indent=2) + "\n").encode())
    return card


def read_card(directory: Path) -> dict[str, Any]:
    """Returns the card; raises CheckpointError where there is none that can be read."""
    try:
        card = read_json(directory / CARD)
        if type(card.get("steps")) is not int or not isinstance(card.get("weights"), dict):
            raise Damaged("it says nothing of steps or weights")
    except Damaged as error:
        raise CheckpointError(
            f"{directory / CARD} is no model's card ({error}); fetch the model again"
        ) from error
    return card


def read_model(directory: Path) -> Snapshot:
    """Returns the weights and what the card says of them, after the hash was verified.

    Raises:
        CheckpointError: a file is missing or damaged.
    """
    card = read_card(directory)
    expected = card["weights"].get("sha256")
    try:
        found = sha256(directory / WEIGHTS)
        if found != expected:
            raise Damaged(f"the sha256 of {WEIGHTS} is {found[:12]}…, the card says {str(expected)[:12]}…")
        weights = read_tensors(directory / WEIGHTS)
    except (Damaged, OSError) as error:
        raise CheckpointError(f"{directory} is damaged ({error}); fetch the model again") from error
    state = {_SIGNATURE: np.array([card[_SIGNATURE]])} if _SIGNATURE in card else {}
    return Snapshot(card["steps"], weights, state=state, weights_sha256=found)
