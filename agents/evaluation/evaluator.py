"""Measures a player beside an environment's baselines, all on the same scenarios."""

from collections.abc import Callable, Sequence

from gymnasium.vector import VectorEnv

from quadrivium.agents.evaluation.episodes import Episodes, Player, play_episodes
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


class Evaluator:
    """The evaluation that a run repeats while it trains. Its environments are its own.

    Args:
        make_env: returns a batch of so many environments of the evaluation's kind.
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
