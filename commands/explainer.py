"""An agent's decisions, explained one by one or many at once: for `evaluate.py explain` and `watch`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
import torch
from gymnasium.vector import VectorEnv
from torch import Tensor

from quadrivium.agents.alphazero.agent import AlphaZero
from quadrivium.agents.batches.observations import ObsArray, batch_size, rows_of, to_tensors
from quadrivium.agents.errors import UserError
from quadrivium.agents.explain.attention import Attention, attention_of
from quadrivium.agents.explain.integrated import Attributions, integrate, require_captum
from quadrivium.agents.explain.marks import PartView
from quadrivium.agents.export.acting import Acting
from quadrivium.commands.build import (
    Actor,
    RunText,
    open_run,
    read_model_text,
    read_run_text,
    require_networks_of_ours,
)
from quadrivium.commands.explain_names import Names
from quadrivium.configs.schema import RunConfig

NO_SEARCH = "explained is the network, which also plays: the search is not in it"
_CHUNK = 64  # observations that are explained at once


def require_explainable(player: str) -> tuple[RunText, RunConfig]:
    """Returns the run or model that a player's text names, and its config.

    Raises:
        UserError: captum is missing, the player is no network of ours, or it remembers.
    """
    require_captum()
    kind, _, argument = player.partition(":")
    if kind not in ("run", "model") or not argument:
        raise UserError(f"player {player!r} has no network to explain; write run:runs/NAME or model:NAME")
    text = (read_run_text if kind == "run" else read_model_text)(argument)
    config = open_run(text.run_dir)
    require_networks_of_ours(config, player, "explain")
    if config.agent.net.memory is not None:
        raise UserError(
            f"player {player!r} remembers (net.memory={config.agent.net.memory}), and single observations "
            "are explained; explain an agent with net.memory: null"
        )
    return text, config


@dataclass(frozen=True)
class Explanation:
    """What B decisions of an agent rest on.

    Attributes:
        obs: what was observed, (B, …).
        found: what each number of it did.
        attention: what was looked at in each decision; None where the trunk is no transformer.
        names: of all these.
    """

    obs: ObsArray
    found: Attributions
    attention: list[Attention | None]
    names: Names

    @property
    def weights(self) -> Mapping[str, np.ndarray]:
        """What each number did, by part, (T, B, …)."""
        return {name: tensor.numpy() for name, tensor in self.found.parts.items()}

    def views(self, k: int) -> list[PartView]:
        """Returns the parts of the k-th observation."""
        weights = {name: array[:, k] for name, array in self.weights.items()}
        return self.names.views(rows_of(self.obs, np.array([k])), weights)

    def looked(self, k: int) -> dict[str, Any]:
        """Returns what `Moment` shows of the attention in the k-th decision; nothing where there is none."""
        return self.names.attention(self.views(k), self.attention[k])


class Explainer:
    """Explains an agent's decisions in one environment.

    Args:
        agent: whose networks `require_explainable` lets pass.
        env: in which it acts: its world names what is observed.

    Attributes:
        names: of what is observed.
        note: what is not explained of this agent, in a line; "" where all is.
    """

    def __init__(self, agent: Actor, env: gymnasium.Env | VectorEnv) -> None:
        self._acting = Acting(agent.policy.cpu(), agent.observation_space, agent.action_space).eval()
        self.names = Names(env, self._acting.network.backbone.stem, agent.observation_space)
        self.note = NO_SEARCH if isinstance(agent, AlphaZero) else ""

    def explain(self, obs: ObsArray) -> Explanation:
        """Returns what the decisions after observations (B, …) rest on."""
        found: list[Attributions] = []
        attention: list[Attention | None] = []
        backbone = self._acting.network.backbone
        for start in range(0, batch_size(obs), _CHUNK):
            rows = np.arange(start, min(start + _CHUNK, batch_size(obs)))
            named = self._named(rows_of(obs, rows))
            found.append(integrate(self._acting, self._inputs(named)))
            for k in range(len(rows)):
                row = {name: tensor[k : k + 1] for name, tensor in named.items()}
                seen = row if backbone.stem.composed else row["observation"]
                attention.append(attention_of(backbone, seen))
        return Explanation(obs, _joined(found), attention, self.names)

    @torch.no_grad()
    def action(self, obs: ObsArray) -> np.ndarray:
        """Returns the network's own choice after one observation (1, …)."""
        actions, _, _ = self._acting(*self._inputs(self._named(obs)))
        return actions[0].numpy()

    def _named(self, obs: ObsArray) -> dict[str, Tensor]:
        tensors = to_tensors(obs, torch.device("cpu"))
        return tensors if isinstance(tensors, dict) else {"observation": tensors}

    def _inputs(self, named: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
        return tuple(named[name] for name in self._acting.inputs)


def _joined(found: list[Attributions]) -> Attributions:
    parts = {name: torch.cat([one.parts[name] for one in found], 1) for name in found[0].parts}
    rest = (
        torch.cat([getattr(one, name) for one in found], 1) for name in ("outputs", "baselines", "errors")
    )
    return Attributions(found[0].targets, parts, *rest)
