"""What self-play makes of how games turn out: between two players won or lost, with one player a return."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from quadrivium.agents.alphazero.config import AlphaZeroConfig
from quadrivium.agents.alphazero.play.counts import EpisodeStatistics, GameStatistics, Statistics
from quadrivium.agents.alphazero.play.episodes import EpisodeRecords
from quadrivium.agents.alphazero.play.records import RecordFormat, Records
from quadrivium.agents.nets.value_heads import OutcomeHead, ReturnHead
from quadrivium.agents.search.hashing import hash_records
from quadrivium.agents.search.protocols import Evaluator, Game

ValueHead = type[OutcomeHead] | type[ReturnHead]


class Outcomes(Protocol):
    """All that depends on the number of players.

    Attributes:
        records: what is kept of a position.
        value_head: what the network says of a position's value.
        discount: of rewards, a step.
    """

    records: Records
    value_head: ValueHead
    discount: float

    def statistics(self) -> Statistics:
        """Returns what counts the games that end from now on."""
        ...

    def ends(self, pool: np.ndarray, ended: np.ndarray, evaluator: Evaluator) -> dict[str, np.ndarray]:
        """Returns what the records of the games in the rows `ended` (n,) need to know of their ends, each
        (n, ...).
        """
        ...

    def to_search(self, rows: np.ndarray) -> np.ndarray:
        """Returns the positions (n,) from which a search starts that is to move in `rows` (n,)."""
        ...


class WinDrawLoss:
    """Two players: one number at the end, and the auxiliary targets that the game tells then."""

    discount = 1.0
    value_head: ValueHead = OutcomeHead

    def __init__(
        self, game: Game, auxiliary: tuple[str, ...] = (), td_lambda: float = 1.0, root_share: float = 0.0
    ) -> None:
        self._game, self._auxiliary = game, auxiliary
        self.records: Records = RecordFormat(game, auxiliary, td_lambda=td_lambda, root_share=root_share)

    def statistics(self) -> GameStatistics:
        """Returns what counts wins and losses."""
        return GameStatistics()

    def ends(self, pool: np.ndarray, ended: np.ndarray, evaluator: Evaluator) -> dict[str, np.ndarray]:
        """Returns the auxiliary targets by name."""
        return {name: getattr(self._game, name)(pool, ended) for name in self._auxiliary}

    def to_search(self, rows: np.ndarray) -> np.ndarray:
        """Returns `rows`."""
        return rows


class Returns:
    """One player: rewards on the way, and an estimate of the rest where an episode's time is up.

    Args:
        game: with one player.
        gamma: discount of rewards, a step.
        td_lambda: see `lambda_returns`.
        root_share: of search's value of a position in what it is learned to be worth.
    """

    value_head: ValueHead = ReturnHead

    def __init__(self, game: Game, gamma: float, td_lambda: float, root_share: float = 0.0) -> None:
        self._game, self.discount = game, gamma
        self.records: Records = EpisodeRecords(game, gamma, td_lambda, root_share)

    def statistics(self) -> EpisodeStatistics:
        """Returns what counts returns and the world's metrics."""
        return EpisodeStatistics(self._game)

    def ends(self, pool: np.ndarray, ended: np.ndarray, evaluator: Evaluator) -> dict[str, np.ndarray]:
        """Returns "beyond": what comes after the end is worth nothing, or what the evaluator says."""
        beyond = np.zeros(len(ended), np.float32)
        running = ~self._game.result(pool, ended).over
        if running.any():
            rows = ended[running]
            beyond[running] = evaluator(self._game.observe(pool, rows), self._game.legal(pool, rows)).values
        return {"beyond": beyond}

    def to_search(self, rows: np.ndarray) -> np.ndarray:
        """Returns the positions with other random numbers before them: a search must not foresee the world's.

        rows: of the game, or of the environments in which it is evaluated.
        """
        adopt: Any = getattr(self._game, "adopt", None)
        rows = rows.copy() if rows.dtype == self._game.state_dtype or adopt is None else adopt(rows)
        if "rng" in (rows.dtype.names or ()):
            rows["rng"] = hash_records(rows, np.arange(len(rows)))
        return rows


def outcomes_of(game: Game, config: AlphaZeroConfig, auxiliary: tuple[str, ...]) -> Outcomes:
    """Returns what the number of players asks for; raises ValueError where the config does not fit it."""
    if game.num_players == 1:
        return Returns(game, config.gamma, config.td_lambda, config.root_value_share)
    if config.gamma != 1:
        raise ValueError(f"gamma={config.gamma}, but a game for two is paid at its end only; give 1")
    return WinDrawLoss(game, auxiliary, config.td_lambda, config.root_value_share)
