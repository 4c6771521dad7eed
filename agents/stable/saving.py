"""`save` and `load` of Stable-Baselines3's agents without pickles."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, ClassVar, Self

import numpy as np
import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.utils import ConstantSchedule, FloatSchedule, LinearSchedule
from torch import nn

from quadrivium.agents.batches.space_data import space_from_data, space_to_data
from quadrivium.agents.compute.adam import LeanAdam
from quadrivium.agents.nets import NetConfig
from quadrivium.agents.runs.agent_file import (
    Place,
    is_agent_file,
    read_agent_file,
    require_trust,
    write_agent_file,
)
from quadrivium.agents.runs.checkpoint import Snapshot
from quadrivium.agents.runs.checkpoint_files import CheckpointError
from quadrivium.agents.runs.state import optimizer_from_tensors, optimizer_to_tensors

_SETTINGS = "settings"  # key of the state that holds JSON
_CLASSES: dict[str, type] = {
    kind.__name__: kind
    for kind in (
        *(LeanAdam, torch.optim.Adam, torch.optim.AdamW, torch.optim.SGD, torch.optim.RMSprop),
        *(nn.Tanh, nn.ReLU, nn.LeakyReLU, nn.ELU, nn.SiLU, nn.GELU, nn.Sigmoid, nn.Identity),
    )
}


class SavesWithoutPickle(BaseAlgorithm):
    """Replaces how Stable-Baselines3's algorithms are saved and loaded; put it before the algorithm.

    A file holds the networks, the optimizer, how far the training is, and what the agent was made of; as in
    Stable-Baselines3 neither a replay memory nor the state of environments. (Runs have all of it in their
    checkpoints, and go on exactly.)

    Attributes:
        saved_settings: arguments of the constructor that are attributes of the same name.
        saved_progress: attributes that count.
    """

    saved_settings: ClassVar[tuple[str, ...]] = ()
    saved_progress: ClassVar[tuple[str, ...]] = ()

    def settings(self) -> dict[str, Any]:
        """Returns the arguments that make such an agent, but for policy, environment and device."""
        settings = {name: getattr(self, name) for name in self.saved_settings}
        return settings | {"stats_window_size": self._stats_window_size}

    def save(self, path: Place) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Writes the agent to a file that `load` reads; `.zip` is added to a path without suffix.

        Raises:
            ValueError: a setting is no data (a function, a class of your own).
        """
        names = {kind: name for name, kind in self.policy_aliases.items()}
        if self.policy_class not in names:
            raise _no_data("policy", self.policy_class)
        data = {
            "algorithm": type(self).__name__,
            "policy": names[self.policy_class],
            "n_envs": self.n_envs,
            "observation_space": space_to_data(self.observation_space),
            "action_space": space_to_data(self.action_space),
            "settings": {name: _to_data(name, value) for name, value in self.settings().items()},
            "progress": {name: getattr(self, name) for name in self.saved_progress},
        }
        text = np.frombuffer(json.dumps(data).encode(), np.uint8)
        weights, optimizer = self.policy.state_dict(), optimizer_to_tensors(self.policy.optimizer)
        write_agent_file(path, Snapshot(self.num_timesteps, weights, optimizer, {_SETTINGS: text}))

    @classmethod
    def load(  # pyright: ignore[reportIncompatibleMethodOverride]
        cls,
        path: Place,
        env: Any = None,
        device: torch.device | str = "auto",
        *,
        trust_pickle: bool = False,
        **changes: Any,
    ) -> Self:
        """Returns the agent in a file; nothing in one that `save` wrote is executed.

        Args:
            path: what `save` was given.
            env: to train in, of the spaces that the agent knows; None: only to act.
            device: as for the constructor.
            trust_pickle: also load a file of Stable-Baselines3 itself, whose pickles can run any code.
            changes: arguments of the constructor that are to differ. Of a file of Stable-Baselines3: what its
                own `load` takes.

        Raises:
            CheckpointError: the file is missing, damaged, of another algorithm or of other spaces; or it is
                not ours and `trust_pickle` is False.
        """
        if not is_agent_file(path):
            require_trust(path, trust_pickle)
            return super().load(path, env, device, **changes)
        snapshot = read_agent_file(path)
        try:
            data = json.loads(snapshot.state[_SETTINGS].tobytes())
            if data["algorithm"] != cls.__name__:
                raise CheckpointError(
                    f"{path} holds a {data['algorithm']}; load it by {data['algorithm']}.load"
                )
            policy, n_envs = str(data["policy"]), int(data["n_envs"])
            settings = {name: _from_data(value) for name, value in data["settings"].items()}
            trained = [space_from_data(data[f"{kind}_space"]) for kind in ("observation", "action")]
            progress = {name: data["progress"][name] for name in cls.saved_progress}
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise CheckpointError(f"{path} is no saved agent ({error}); use another copy of it") from error
        agent = cls(policy, env, device=device, _init_setup_model=False, **(settings | changes))  # pyright: ignore
        if env is None:
            agent.n_envs = n_envs
            agent.observation_space, agent.action_space = trained
        for kind, known in zip(("observation", "action"), trained, strict=True):
            given = getattr(agent, f"{kind}_space")
            if given != known:
                raise CheckpointError(f"{path} knows {kind}s {known}, but env has {given}; give another env")
        agent._setup_model()
        agent.policy.load_state_dict(snapshot.weights)
        optimizer_from_tensors(agent.policy.optimizer, snapshot.optimizer)
        for name, value in progress.items():
            setattr(agent, name, value)
        return agent


def _to_data(name: str, value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, FloatSchedule):
        return _to_data(name, value.value_schedule)
    if isinstance(value, ConstantSchedule):
        return value.val
    if isinstance(value, LinearSchedule):
        return {"linear": [value.start, value.end, value.end_fraction]}
    if isinstance(value, NetConfig):
        return {"net": asdict(value)}
    if isinstance(value, list):
        return [_to_data(name, item) for item in value]
    if isinstance(value, tuple):
        return {"tuple": [_to_data(name, item) for item in value]}
    if isinstance(value, Mapping):
        return {"dict": {key: _to_data(f"{name}.{key}", item) for key, item in value.items()}}
    if isinstance(value, type) and _CLASSES.get(value.__name__) is value:
        return {"class": value.__name__}
    raise _no_data(name, value)


def _from_data(data: Any) -> Any:
    if isinstance(data, list):
        return [_from_data(item) for item in data]
    if not isinstance(data, dict):
        return data
    ((kind, value),) = data.items()
    if kind == "linear":
        return LinearSchedule(*value)
    if kind == "net":
        return NetConfig(**value)
    if kind == "tuple":
        return tuple(_from_data(item) for item in value)
    if kind == "dict":
        return {key: _from_data(item) for key, item in value.items()}
    if kind == "class":
        return _CLASSES[value]
    raise ValueError(f"a value of kind {kind!r}")


def _no_data(name: str, value: Any) -> ValueError:
    return ValueError(
        f"{name}={value!r} could only be pickled; expected numbers, texts, Stable-Baselines3's schedules, "
        "layers of torch, and policies that the agent knows by name: make such an agent by code of your own, "
        "and keep its state by save_checkpoint(directory, agent.snapshot())"
    )
