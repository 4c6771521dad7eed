"""Weights that go from one network into another: of another agent, or of another world.

A trunk is embeddings of what a world shows, and blocks behind them, which can serve any world. Agents put
their trunks in different places: names are compared from where each has its `Backbone`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from quadrivium.agents.nets.backbone import Backbone, Trunk, blocks_of
from quadrivium.agents.nets.config import NetConfig

Kind = Literal["blocks", "embeddings", "memory", "statistics", "heads"]
_MAIN = "backbone.trunk."
# What decides the blocks' shape and what they compute, by trunk, besides width and depth.
_FORM: dict[str, tuple[str, ...]] = {
    "mlp": ("activation", "normalize_layers"),
    "set": ("activation", "normalize_layers"),
    "cnn": ("activation", "normalize_layers", "block"),
    "transformer": ("heads", "activation", "pooling"),
}


@dataclass
class Transfer:
    """What a network has of another's: groups such as "blocks of backbone.trunk", and how many numbers."""

    taken: dict[str, int] = field(default_factory=dict[str, int])
    left: dict[str, int] = field(default_factory=dict[str, int])


def form_of(net: NetConfig) -> dict[str, object]:
    """Returns by their keys the settings that two trunks have in common if one's blocks fit the other."""
    keys = ("trunk", "width", "depth", *_FORM[net.trunk])
    return {key: net.chosen_activation if key == "activation" else getattr(net, key) for key in keys}


def require_form(source: NetConfig, target: NetConfig, name: str) -> None:
    """Raises ValueError where the blocks of the trunk of `source`, called `name`, do not fit `target`."""
    has, wanted = form_of(source), form_of(target)
    if has == wanted:
        return
    differs = [key for key, value in has.items() if wanted.get(key) != value]
    remedy = " ".join(f"--agent.net.{key.replace('_', '-')} {_text(has[key])}" for key in differs)
    raise ValueError(f"the trunk of {name} is {_told(has)}; this run's is {_told(wanted)}; give {remedy}")


def transfer(
    weights: Mapping[str, Tensor], network: nn.Module, kinds: frozenset[Kind] = frozenset(get_args(Kind))
) -> Transfer:
    """Copies into `network`, the networks of an agent, what of another agent's fits; returns what that is.

    Every network in it that has a backbone gets them: those that learn, their averages and targets. A
    critic's own trunk gets the other critic's, or the actor's where that has none.

    Args:
        weights: by name, of the other agent, all or those that act alone.
        network: on any device.
        kinds: what may be taken. Blocks have to fit; of anything else each group fits as a whole or is left.

    Raises:
        ValueError: the blocks do not fit, or one of the two has no trunk of ours.
    """
    known, done = _of_one_network(weights), Transfer()
    own = network.state_dict()
    groups: dict[tuple[Kind, str], dict[str, Tensor | None]] = {}
    for name, source, kind, place in _pairs(network, own, known):
        groups.setdefault((kind, place), {})[name] = known.get(source)
    for (kind, place), found in groups.items():
        fits = all(said is not None and said.shape == own[name].shape for name, said in found.items())
        if kind == "blocks" and not fits:
            raise ValueError(_misfit(own, found, place))
        taken = fits and kind in kinds
        if taken:
            _copy(own, found)
        count = sum(own[name].numel() for name in found)
        (done.taken if taken else done.left)[f"{kind} of {place}" if place else kind] = count
    return done


def share_blocks(source: nn.Module, target: nn.Module) -> None:
    """Lets the networks of another world have the blocks, and the memory, of `source` as their own: the same
    parameters, whose gradients add up.

    Raises:
        ValueError: they do not fit.
    """
    own, known = target.state_dict(), source.state_dict()
    for module in source.modules():
        if isinstance(module, Trunk):
            blocks_of(module)  # there are some
    for name, other, kind, place in _pairs(target, own, known):
        if kind not in ("blocks", "memory"):
            continue
        if other not in known or known[other].shape != own[name].shape:
            raise ValueError(_misfit(own, {name: known.get(other)}, place or kind))
        module, _, leaf = name.rpartition(".")
        setattr(target.get_submodule(module), leaf, source.get_parameter(other))


def _of_one_network(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Returns the weights of one network by the names that they have from where its backbone is.

    The first by the alphabet is the one that acts: of DQN `q_net` beside its target, of AlphaZero `average`.
    """
    places = sorted({name.partition(_MAIN)[0] for name in weights if _MAIN in name})
    if not places:
        raise ValueError(
            "there is no trunk of ours among the weights; give a run whose agent has a net section"
        )
    return {
        name.removeprefix(places[0]): rows for name, rows in weights.items() if name.startswith(places[0])
    }


def _pairs(
    network: nn.Module, own: Mapping[str, Tensor], known: Mapping[str, Tensor]
) -> Iterator[tuple[str, str, Kind, str]]:
    """Yields of each weight its name, its name in the source, its kind, and the place of its group."""
    modules = dict(network.named_modules(remove_duplicate=False))
    networks = [name.removesuffix("backbone") for name, one in modules.items() if isinstance(one, Backbone)]
    trunks = {f"{name}.": one for name, one in modules.items() if isinstance(one, Trunk)}
    for name in own:
        prefix = next((prefix for prefix in networks if name.startswith(prefix)), "")
        rest = name.removeprefix(prefix)
        place = next((place for place in trunks if name.startswith(place)), None)
        if place is not None:
            inner, there = name.removeprefix(place), place.removeprefix(prefix)
            there = there if any(key.startswith(there) for key in known) else _MAIN
            kind = "embeddings" if trunks[place].is_embedding(inner) else "blocks"
            yield name, there + inner, kind, place.removesuffix(".")
        elif rest.startswith("backbone.stem."):
            yield name, rest, "statistics", ""
        elif rest.startswith(("memory.", "critic_memory.")):
            yield name, rest, "memory", ""
        else:
            yield name, rest, "heads", ""


def _misfit(own: Mapping[str, Tensor], found: Mapping[str, Tensor | None], place: str) -> str:
    for name, said in found.items():
        if said is None or said.shape != own[name].shape:
            has = "nothing" if said is None else f"shape {tuple(said.shape)}"
            wanted = tuple(own[name].shape)
            return (
                f"the blocks of {place} do not fit: for {name}, {wanted}, the source has {has}; a cnn's "
                "fit where both see parts of the same kinds: give both such worlds, or another trunk"
            )
    raise AssertionError("all fit")


@torch.no_grad()
def _copy(own: Mapping[str, Tensor], found: Mapping[str, Tensor | None]) -> None:
    for name, said in found.items():
        assert said is not None
        own[name].copy_(said)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _told(form: Mapping[str, object]) -> str:
    return ", ".join(
        _text(value) if key == "trunk" else f"{key} {_text(value)}" for key, value in form.items()
    )
