"""One of the games that an agent plays against itself: games under way, and what came of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from quadrivium.agents.alphazero.config import AlphaZeroConfig
from quadrivium.agents.alphazero.play.counts import Statistics
from quadrivium.agents.alphazero.play.outcomes import outcomes_of
from quadrivium.agents.alphazero.play.packed import Packed
from quadrivium.agents.alphazero.play.played import PlayedGame, pack_played
from quadrivium.agents.alphazero.play.records import AUXILIARY, RecordFormat, Samples
from quadrivium.agents.alphazero.play.self_play import SelfPlay, SelfPlayConfig
from quadrivium.agents.alphazero.play.window import Replay, WindowConfig
from quadrivium.agents.runs.state import under
from quadrivium.agents.search import GumbelConfig, SearchResult, Tree, growth_of, gumbel_search
from quadrivium.agents.search.protocols import Evaluator, Game, Symmetries


class Practice:
    """Self-play of one game, or of one board size of it.

    Args:
        game: what is played.
        config: hyper-parameters.
        games: how many are played at once.
        rng: draws what is random in self-play.
        parts: of the games, searched by turns; see `gumbel_search`.
        played: games of others to learn from, as `config.records` says.

    Raises:
        ValueError: the config does not fit the game.

    Attributes:
        outcomes: what depends on the number of players: records, value head, discount.
        symmetries: of the board, where they are used; else None.
        replay: the window that is learned from.
        lessons: the positions of the games of others, all kept; None where there are none.
        studying: whether only they are learned from: self-play has not begun.
        owed: positions that came in, times `reuse`, and are not yet learned from: what is left of a batch.
    """

    def __init__(
        self,
        game: Game,
        config: AlphaZeroConfig,
        games: int,
        rng: np.random.Generator,
        parts: int = 1,
        played: Sequence[PlayedGame] = (),
    ) -> None:
        self.game, self.games, self._config, self._rng, self._parts = game, games, config, rng, parts
        self.outcomes = outcomes_of(game, config, auxiliary_of(config, game))
        symmetries: Symmetries | None = getattr(game, "symmetries", None) if config.symmetries else None
        self.symmetries = symmetries if symmetries is not None and len(symmetries) > 1 else None
        self.replay = Replay(
            self.outcomes.records.empty,
            WindowConfig(config.window_min, config.window_max, config.window_exponent, config.window_expand),
        )
        self.lessons = self._lessons(played) if played else None
        self.studying = False
        self.owed = 0.0
        self._tree: Tree | None = None
        self._self_play = SelfPlay(
            game,
            self.outcomes,
            self._search,
            SelfPlayConfig(
                full_search_share=config.full_search_share,
                fast_simulations=config.fast_simulations,
                random_plies=config.random_plies,
                random_share=config.random_share,
                fork_share=config.fork_share,
                opening_temperature=config.opening_temperature,
                end_proven=config.end_proven,
                surprise_share=config.surprise_share,
            ),
            games,
            rng,
        )

    def packed(self, played: Sequence[PlayedGame]) -> Packed:
        """Returns the positions of games that others have played."""
        form = self.outcomes.records
        if not isinstance(form, RecordFormat):
            raise ValueError("records are of games between two players; this world has one")
        return pack_played(self.game, form, played, auxiliary_of(self._config, self.game))

    def _lessons(self, played: Sequence[PlayedGame]) -> Replay:
        packed = self.packed(played)
        everything = len(packed.records)
        lessons = Replay(self.outcomes.records.empty, WindowConfig(everything, everything, 1.0, 1.0))
        lessons.add(packed)
        return lessons

    @property
    def ready(self) -> bool:
        """Whether there are positions enough to learn from."""
        return self.studying or self.replay.size >= self._config.learning_starts

    def sample(self, count: int, rng: np.random.Generator) -> Samples:
        """Returns positions (count,) to learn from, drawn with replacement."""
        source, records = self.replay, self._config.records
        share = 1.0 if self.studying else 0.0 if records is None else records.share
        if self.lessons is not None and (share == 1 or (share > 0 and rng.random() < share)):
            source = self.lessons
        return self.outcomes.records.unpack(source.sample(count, rng))

    def play(self, evaluator: Evaluator, simulations: int) -> tuple[Packed, Statistics]:
        """Plays `n_steps` moves of every game; returns the positions of those that ended, and statistics."""
        statistics = self._self_play.statistics = self.outcomes.statistics()
        return self._self_play.play(self._config.n_steps, evaluator, simulations), statistics

    def take(self, packed: Packed, simulations: int) -> None:
        """Takes the positions of games, searched with so many simulations, into the window."""
        self.replay.add(packed)
        self.owed += len(packed.records) * self._config.reuse_at(simulations)

    def _search(
        self, roots: np.ndarray, evaluator: Evaluator, simulations: int, rng: np.random.Generator
    ) -> SearchResult:
        # The arrays of the trees are used again while nothing changes: asking for memory takes time.
        nodes = growth_of(self.game) * simulations + 1
        if self._tree is None or not self._tree.fits(self.game, len(roots), nodes):
            self._tree = Tree(self.game, len(roots), nodes)
        roots = self.outcomes.to_search(roots)
        config = self._gumbel(simulations)
        return gumbel_search(self.game, roots, evaluator, config, rng, self._tree, self._parts)

    def _gumbel(self, simulations: int) -> GumbelConfig:
        return GumbelConfig(
            simulations=simulations,
            max_considered=self._config.max_considered,
            c_visit=self._config.c_visit,
            c_scale=self._config.c_scale,
            rescale=self._config.rescale_q,
            discount=self.outcomes.discount,
        )

    # ---- exact resume

    def state(self) -> dict[str, np.ndarray]:
        """Returns the games and the window as they stand; random numbers are the caller's `rng`."""
        state = {f"self_play/{key}": array for key, array in self._self_play.state().items()}
        state |= {f"replay/{key}": array for key, array in self.replay.state().items()}
        return state | {"owed": np.array(self.owed)}

    def load_state(self, state: dict[str, np.ndarray]) -> None:
        """Takes over what `state` returned; raises ValueError or KeyError if it is of other games."""
        self._self_play.load_state(under("self_play/", state))
        self.replay.load_state(under("replay/", state))
        self.owed = float(state["owed"])


def auxiliary_of(config: AlphaZeroConfig, game: Game) -> tuple[str, ...]:
    """Returns the names of the auxiliary heads; raises ValueError for one that the game knows nothing of."""
    names = tuple(config.auxiliary())
    for name in names:
        if not hasattr(game, name):
            title = getattr(game, "title", type(game).__name__)
            known = [f"{other}_coef" for other in AUXILIARY if hasattr(game, other)]
            remedy = f"it has {' and '.join(known)}" if known else "no auxiliary head is possible"
            raise ValueError(f"{name}_coef is above 0, but {title} has no {name}; give 0 ({remedy})")
    return names
