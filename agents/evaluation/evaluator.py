"""Measures a player beside an environment's baselines, all on the same scenarios."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium.vector import VectorEnv

from quadrivium.agents.evaluation.episodes import (
    Episodes,
    Player,
    agents_of,
    forget,
    join_episodes,
    play_episodes,
)
from quadrivium.agents.evaluation.players import baselines_of, make_player
from quadrivium.agents.evaluation.scalars import evaluation_scalars
from quadrivium.agents.logs.tensorboard import HEADLINE
from quadrivium.agents.training.loop import Evaluation
from quadrivium.intervals import Interval

# More lanes than this gain no speed, and cost memory in environments with large records.
MAX_LANES = 512


def baseline_players(env: VectorEnv, names: Sequence[str] | None) -> list[Player]:
    """Returns the baselines `names`, or all that `env` has; random play where it has none.

    Raises UserError for an unknown name.
    """
    if names is None:
        names = list(baselines_of(env)) or ["random"]
    plain = "random" not in baselines_of(env)
    return [
        make_player("random" if name == "random" and plain else f"baseline:{name}", env) for name in names
    ]


def play_all(players: Sequence[Player], env: VectorEnv, *, episodes: int, seed: int) -> dict[str, Episodes]:
    """Returns each player's episodes by its name; scenario k is the same for all."""
    return {player.name: play_episodes(player, env, episodes=episodes, seed=seed) for player in players}


@dataclass(frozen=True)
class Mixed:
    """Several players in one batch, each in its seats.

    Attributes:
        players: who they are.
        seats: (N,) int, which of them acts in each environment.
    """

    players: Sequence[Player]
    seats: np.ndarray
    name: str = "all together"

    def act(self, obs: Any, env: VectorEnv) -> np.ndarray:
        """Returns everyone's actions (N, ...); each sees the whole batch, as if it were all of it."""
        chosen = [np.asarray(player.act(obs, env)) for player in self.players]
        actions = chosen[0].copy()
        for k, own in enumerate(chosen):
            actions[self.seats == k] = own[self.seats == k]
        return actions

    def forget(self, lanes: np.ndarray | None = None) -> None:
        """Hears that other episodes begin in `lanes` (K,) int64; None: in all."""
        for player in self.players:
            forget(player, lanes)


def play_together(
    players: Sequence[Player], env: VectorEnv, *, episodes: int, seed: int
) -> dict[str, Episodes]:
    """Returns each player's episodes by its name, all in the same worlds, where it has some of the seats.

    The agents of a world are dealt out to the players evenly, which of them to whom by lot of its scenario;
    if there are more players than agents, they take turns.
    """
    agents, count = agents_of(env), len(players)
    seats = np.array([_dealt(agents, count, k, seed) for k in range(episodes)])  # (episodes, agents)
    lanes = env.num_envs // agents
    blocks: list[Episodes] = []
    for start in range(0, episodes, lanes):
        dealt = np.resize(seats[start : start + lanes], (lanes, agents)).reshape(-1)
        several = min(lanes, episodes - start)
        blocks.append(play_episodes(Mixed(players, dealt), env, episodes=several, seed=seed + start))
    everyone = join_episodes(blocks)
    return {player.name: everyone.of(seats.reshape(-1) == k) for k, player in enumerate(players)}


def _dealt(agents: int, players: int, scenario: int, seed: int) -> np.ndarray:
    """Returns whose each seat of a scenario is, (agents,) int."""
    random = np.random.default_rng((seed, scenario))
    return random.permutation((np.arange(agents) + scenario * agents) % players)


class Evaluator:
    """The evaluation that a run repeats while it trains. Its environments are its own.

    Args:
        make_env: returns a batch in which so many episodes of the evaluation's kind are played at once.
        episodes: how many episodes each evaluation plays.
        seed: of the first scenario.
        baselines: names, or None for all.
    """

    def __init__(
        self,
        make_env: Callable[[int], VectorEnv],
        *,
        episodes: int,
        seed: int,
        baselines: Sequence[str] | None,
    ) -> None:
        self._env = make_env(min(episodes, MAX_LANES))
        self._episodes, self._seed = episodes, seed
        self._baselines = baseline_players(self._env, baselines)
        self._summaries: dict[str, dict[str, Interval]] | None = None

    def __call__(self, player: Player) -> Evaluation:
        """Returns the scalars of an evaluation of `player`, and its mean return as the score."""
        if self._summaries is None:  # they play the same every time
            played = play_all(self._baselines, self._env, episodes=self._episodes, seed=self._seed)
            self._summaries = {name: episodes.summary() for name, episodes in played.items()}
        summary = play_episodes(player, self._env, episodes=self._episodes, seed=self._seed).summary()
        scalars = evaluation_scalars(summary, self._summaries)
        return scalars, scalars[HEADLINE]

    def close(self) -> None:
        """Closes the environments."""
        self._env.close()
