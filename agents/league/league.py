"""A league: the opponents of an agent within its environments, and how they grow with it.

In each episode of each environment the agent meets itself as it is now, or a member of the pool: a fixed
player, or an earlier copy of itself. Members are drawn by how the agent does against them: prioritised
fictitious self-play (Vinyals et al. 2019, "Grandmaster level in StarCraft II using multi-agent reinforcement
learning", methods). What the agent learns from is its own seat.

All that decides how a league goes on is arrays, and a generator of its own: a snapshot of the agent holds
them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any, Protocol

import numpy as np
import torch

from quadrivium.agents.arena.players import TablePlayer
from quadrivium.agents.league.config import LeagueConfig
from quadrivium.agents.league.standings import Standings
from quadrivium.agents.runs.state import under
from quadrivium.agents.search.protocols import Game

NOBODY, LATEST = -2, -1
"""Who sits where no member does: it is to be drawn; the agent as it is now."""

_WEIGHTS = {
    "hard": lambda p: (1 - p) ** 2,
    "even": lambda p: p * (1 - p),
    "uniform": np.ones_like,
}
_LEAST = 1e-3  # of a member's weight: even who always loses is met again


class Learner(Protocol):
    """What a league needs of the agent."""

    policy: Any

    def preferences(self, policy: Any, obs: dict[str, np.ndarray]) -> np.ndarray:
        """Returns (n, A), the logarithms of the chances, up to a constant, with which `policy` would act."""
        ...


class League:
    """The opponents of an agent in `num_envs` environments of a game.

    Args:
        config: who they are.
        num_envs: N.
        fixed: the players that `config.members` names.
        seed: of everything that is drawn.

    Attributes:
        generator: of everything that is drawn.
        seated: (N,) int64, who plays against the agent in each environment: a member, LATEST or NOBODY.
        copies: the agent as it was, the members after the fixed ones.
        standings: of the members and the agent.
    """

    def __init__(self, config: LeagueConfig, num_envs: int, fixed: Sequence[TablePlayer], seed: int) -> None:
        self.config, self.fixed = config, list(fixed)
        self.generator = np.random.default_rng([seed, 1])  # other numbers than the agent's own
        self._learner: Learner | None = None
        self._clear(num_envs)

    def _clear(self, num_envs: int) -> None:
        self.seated = np.full(num_envs, NOBODY)
        self.copies: list[torch.nn.Module] = []
        self.standings = Standings(len(self.fixed) + self.config.size)
        self._unrated = 0  # games since the ratings were made
        self._since = np.zeros((2, 2))  # against LATEST, members: games and points since the last log line

    @property
    def present(self) -> np.ndarray:
        """The numbers of the members that there are."""
        return np.arange(len(self.fixed) + len(self.copies))

    # ---- growing with the agent

    def follow(self, learner: Learner) -> None:
        """Is the league of that agent from now on."""
        self._learner = learner

    def begin(self) -> None:
        """Begins anew, with the agent as it is now."""
        self._clear(len(self.seated))
        self._join()

    def grow(self, before: int, now: int) -> None:
        """Lets the agent as it is now join where that is due between two numbers of steps."""
        if now // self.config.snapshot_every > before // self.config.snapshot_every:
            self._join()

    def _join(self) -> None:
        """Puts a copy of the agent into the pool; where it is full, in the place of the lowest rated one.

        Who was playing against that one goes on against the newcomer, which is the agent as it is now.
        """
        if not self.config.size:
            return
        copy = deepcopy(self._agent.policy).requires_grad_(False).train(False)
        fixed, place = len(self.fixed), len(self.copies)
        if place < self.config.size:
            self.copies.append(copy)
        else:
            place = int(self.standings.ratings[fixed:-1].argmin())
            self.copies[place] = copy
            self.seated[self.seated == fixed + place] = LATEST
        self.standings.replace(fixed + place)
        self.standings.rate(self.present)

    @property
    def _agent(self) -> Learner:
        assert self._learner is not None, "a league is told first whose it is: `follow`"
        return self._learner

    # ---- playing, as `Opponents` of the environments

    def play(self, game: Game, states: np.ndarray, lanes: np.ndarray) -> np.ndarray:
        """Returns actions (n,) int64 of whoever sits in lanes (n,); each is asked once, for all of its own.

        states: (n,) copies of the records, in which they are to move.
        """
        new = lanes[self.seated[lanes] == NOBODY]
        self.seated[new] = self._draw(len(new))
        seated, actions = self.seated[lanes], np.zeros(len(lanes), np.int64)
        for player in np.unique(seated):
            own = np.flatnonzero(seated == player)
            actions[own] = self._act(int(player), game, states[own])
        return actions

    def _draw(self, count: int) -> np.ndarray:
        """Returns who plays in so many new episodes."""
        latest = self.generator.random(count) < self.config.share_latest
        members = self.present
        if not len(members):
            return np.full(count, LATEST)
        weights = _WEIGHTS[self.config.sampling](self.standings.scores[members]).clip(_LEAST)
        drawn = self.generator.choice(members, count, p=weights / weights.sum())
        return np.where(latest, LATEST, drawn)

    def _act(self, player: int, game: Game, states: np.ndarray) -> np.ndarray:
        rows = np.arange(len(states))
        if 0 <= player < len(self.fixed):
            # Each move as if a game began there: no tree is kept that a snapshot would have to hold.
            member, seeds = (
                self.fixed[player],
                self.generator.integers(1 << 63, size=len(rows), dtype=np.uint64),
            )
            member.begin(rows, states["to_move"], seeds)
            return member.act(states, rows, rows)
        policy = self._agent.policy if player == LATEST else self.copies[player - len(self.fixed)]
        seen = {"observation": game.observe(states, rows), "action_mask": game.legal(states, rows)}
        # Gumbel's noise: the greatest is then drawn with these chances, by numbers of the league's own.
        chances = self._agent.preferences(policy, seen)
        return (chances + self.generator.gumbel(size=chances.shape)).argmax(1)

    def ended(self, lanes: np.ndarray, outcomes: np.ndarray, began: np.ndarray) -> None:
        """Counts the games that have ended in lanes (n,), and leaves their seats.

        outcomes: (n,) int64, 1, 0 or -1 of the agent. began: (n,) bool, whether the agent moved first.
        """
        who = self.seated[lanes]
        for row, played in enumerate((who == LATEST, who >= 0)):
            self._since[row] += played.sum(), (1 + outcomes[played]).sum() / 2
        members = who >= 0
        self.standings.count(who[members], outcomes[members], began[members])
        self.seated[lanes] = NOBODY
        self._unrated += int(members.sum())
        if self._unrated >= len(self.seated):
            self.standings.rate(self.present)
            self._unrated = 0

    # ---- the log, and exact resume

    def summary(self) -> dict[str, float]:
        """Returns what a log line says, of all since the last call."""
        entries = {
            "league/rating": float(self.standings.ratings[-1]),
            "league/members": float(len(self.present)),
        }
        for name, (games, points) in zip(("latest", "pool"), self._since, strict=True):
            if games:
                entries[f"league/score_{name}"] = points / games
        self._since[:] = 0.0
        return entries

    def state(self) -> dict[str, np.ndarray]:
        """Returns what `load_state` needs, but the generator; its arrays share memory with the league."""
        standings = self.standings
        state = {"seated": self.seated, "since": self._since, "unrated": np.array(self._unrated)}
        state |= {"games": standings.games, "ratings": standings.ratings, "scores": standings.scores}
        for place, copy in enumerate(self.copies):
            for name, tensor in copy.state_dict().items():
                state[f"copies/{place}/{name}"] = tensor.detach().cpu().numpy()
        return state

    def load_state(self, state: Mapping[str, np.ndarray]) -> None:
        """Continues from what `state` returned.

        Of another number of environments, whose episodes cannot go on, everyone's seat is drawn anew.
        """
        self._clear(len(self.seated))
        if len(state["seated"]) == len(self.seated):
            self.seated[:] = state["seated"]
        self._since[:], self._unrated = state["since"], int(state["unrated"])
        for name in ("games", "ratings", "scores"):
            getattr(self.standings, name)[:] = state[name]
        while weights := under(f"copies/{len(self.copies)}/", state):
            copy = deepcopy(self._agent.policy).requires_grad_(False).train(False)
            copy.load_state_dict({name: torch.from_numpy(array.copy()) for name, array in weights.items()})
            self.copies.append(copy)
