"""What search, self-play and the arena need of a game, of its notation, and of whoever evaluates positions.

A pool is a structured array of game states, one record a row; copying a row clones a game. The batched
functions take `rows` (n,) int64, the indices to work on.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple, Protocol

import numpy as np

CHANCE = 2
"""What `GameResult.to_move` is more than the seat while chance is to decide."""


class GameResult(Protocol):
    """How games stand after their last step."""

    @property
    def over(self) -> np.ndarray:
        """(n,) bool, whether the game has ended."""
        ...

    @property
    def truncated(self) -> np.ndarray:
        """(n,) bool, whether its time is up although it has not ended; it can be stepped on."""
        ...

    @property
    def to_move(self) -> np.ndarray:
        """(n,) integers, the seat to move; in an ended game the one that would be next.

        `CHANCE` more where chance is to decide first; see `Game`.
        """
        ...

    @property
    def returns(self) -> np.ndarray:
        """(n, num_players) float32, what the last step paid each seat.

        In a board game the outcome, 1, 0 or -1, at the end only; with a single player the step's reward.
        """
        ...


class Game(Protocol):
    """A world with its parameters chosen, over the rows of a state pool.

    Attributes:
        num_players: 1 or 2; what one of two players wins, the other loses.
        num_actions: A.
        observation_shape: (C, H, W) of the planes, or any other shape for a single player; where its
            environments show several parts, (K,): the parts one after another, each flattened.
        state_dtype: of a pool. A field `rng` (u8), if there is one, is the row's random stream; a copy that
            is to draw other numbers gets another value there.

    A game may have a method `branch(pool, sources, targets, actions)` that does what `copy`, `step` without
    `check`, and `result` do one after another; and a method `check_rows(pool)` that raises ValueError for
    rows of a checkpoint from which it cannot go on.

    Where chance decides as a game runs, it may have an attribute `num_outcomes`, C, greater than 0. Then
    `branch` plays an action only up to where chance is to decide, if it is, and from such a row `actions` are
    outcomes, 0 to C - 1; and a method `chances(pool, rows)` returns their probabilities (n, C) float32.
    Behind every outcome a player decides, or the game is over. `step` does both halves at once, and draws the
    outcome from the row's stream. A game without that attribute is searched as if a row knew its future.

    A game may have an attribute `has_estimate` that is True and a method `estimate(pool, rows)` that returns
    by a rule of thumb what running games are worth (n,) float32 to the player to move.

    A single player's game may have three methods more: `within(setup)` returns the game by the rules of the
    environments in which it is evaluated, such as their maps; `adopt(states)` returns their records as a
    pool; `metrics(pool, rows)` returns measures (n,) of episodes that have just ended, by name. And an
    attribute `single_observation_space`, what its environments show, if it is no board's.
    """

    @property
    def num_players(self) -> int: ...  # noqa: D102 - said above
    @property
    def num_actions(self) -> int: ...  # noqa: D102
    @property
    def observation_shape(self) -> tuple[int, ...]: ...  # noqa: D102
    @property
    def state_dtype(self) -> np.dtype[Any]: ...  # noqa: D102

    def pool(self, size: int, seed: int = 0) -> np.ndarray:
        """Returns a new pool (size,) of games at their start; row i draws from the stream of seed + i."""
        ...

    def copy(self, pool: np.ndarray, sources: np.ndarray, targets: np.ndarray) -> None:
        """Copies row sources[k] over row targets[k]; no row is both, a source may be named twice."""
        ...

    def step(self, pool: np.ndarray, rows: np.ndarray, actions: np.ndarray, *, check: bool = True) -> None:
        """Plays actions (n,) of the players to move; `check` raises ValueError for an illegal one."""
        ...

    def legal(self, pool: np.ndarray, rows: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        """Returns the mask (n, A) int8, 1 where an action is legal; all 0 once a game is over."""
        ...

    def observe(
        self,
        pool: np.ndarray,
        rows: np.ndarray,
        players: np.ndarray | None = None,
        out: np.ndarray | None = None,
    ) -> np.ndarray:
        """Returns (n, *observation_shape) float32 as the player to move, or `players` (n,), see them."""
        ...

    def result(self, pool: np.ndarray, rows: np.ndarray) -> GameResult:
        """Returns who is to move, whether the games are over, and what the last step paid."""
        ...

    def random_actions(self, pool: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Returns a uniformly drawn legal action (n,) int64 for each; ValueError if a game is over."""
        ...

    def play_random(
        self, pool: np.ndarray, rows: np.ndarray, moves: int | None = None, *, restart: bool = False
    ) -> None:
        """Plays uniformly random moves: to the end, or `moves` of them; `restart` begins ended games anew."""
        ...


class Symmetries(Protocol):
    """The K ways to turn a board that its rules do not notice; the first leaves it as it is.

    A turned observation is `planes.reshape(C, -1)[:, cells[k]]`, a turned policy `policy[actions[k]]`.
    """

    @property
    def cells(self) -> np.ndarray:
        """(K, H*W) int64, the cell that comes to stand at each place."""
        ...

    @property
    def actions(self) -> np.ndarray:
        """(K, A) int64, likewise for actions."""
        ...

    def __len__(self) -> int:
        """Returns K."""
        ...


class BoardGame(Game, Protocol):
    """A board game: a game whose board may be turned."""

    @property
    def symmetries(self) -> Symmetries:
        """Of the planes and the actions, in the frame of the player to move."""
        ...


class Notation(Protocol):
    """How a game's moves and positions are written. A `row` is one record of a pool.

    Attributes:
        title: the game's name for people.
        players: names of the two seats, lower case.
    """

    @property
    def title(self) -> str: ...  # noqa: D102 - said above
    @property
    def players(self) -> tuple[str, str]: ...  # noqa: D102
    @property
    def formats(self) -> Mapping[str, tuple[Callable[[np.void], str], Callable[[str], np.ndarray]]]:
        """The position formats by name, each a writer and a reader, the game's own first."""
        ...

    def move_name(self, row: np.void, action: int) -> str:
        """Returns an action of the player to move in the game's own notation."""
        ...

    def parse_move(self, row: np.void, text: str) -> int:
        """Returns the action that `text` names; ValueError if it names none. It need not be legal."""
        ...

    def position_text(self, row: np.void, form: str | None = None) -> str:
        """Returns the position as text in one of `formats`, by default the game's own."""
        ...

    def parse_position(self, text: str, form: str | None = None) -> np.ndarray:
        """Returns a pool (1,) with the position that `text` describes; ValueError says what is wrong."""
        ...


def outcomes_of(game: Game) -> int:
    """Returns the most outcomes that chance can have to choose from as a game runs; 0: it has no part."""
    return int(getattr(game, "num_outcomes", 0))


class Evaluation(NamedTuple):
    """What an evaluator says of n positions."""

    logits: np.ndarray  # (n, A) float32, the policy before its softmax; those of illegal actions are ignored
    values: np.ndarray  # (n,) float32, expected return of the player to move; in two-player games in [-1, 1]
    draws: np.ndarray | None = None  # (n,) float32, chances of a draw, at most 1 - |value|; None: all are 0


class Evaluator(Protocol):
    """Judges positions for search.

    An evaluator may have a method `ask(obs, legal)` that begins the evaluation, say on another device, and
    returns a function that waits for it and returns it; `obs` and `legal` stay as they are until then. A
    search in several parts then has as many evaluations under way. And it may carry either of two attributes:
        wants_rows: True: it is called as `evaluator(pool, rows)` instead, and observes what it wants itself.
        wants_observations: False: it ignores observations; `obs` is then an empty (n, 0) array and search
            saves the time to compute them.
    """

    def __call__(self, obs: np.ndarray, legal: np.ndarray, /) -> Evaluation:
        """Evaluates n running games; obs (n, *observation_shape) float32, legal (n, A) int8.

        Both arrays are search's, to be read during the call only; what is returned search reads at once.
        """
        ...


def ask(evaluator: Evaluator, obs: np.ndarray, legal: np.ndarray) -> Callable[[], Evaluation]:
    """Asks an evaluator ahead if it can be, and returns what gives its answer; see `Evaluator`."""
    ahead = getattr(evaluator, "ask", None)
    return partial(evaluator, obs, legal) if ahead is None else ahead(obs, legal)


class RowEvaluator(Protocol):
    """Judges positions for search by their rows; has the attribute `wants_rows = True`."""

    wants_rows: bool

    def __call__(self, pool: np.ndarray, rows: np.ndarray, /) -> Evaluation:
        """Evaluates the running games in `rows` (n,) of a pool, which it must leave as it is."""
        ...


class Line(NamedTuple):
    """A move that was tried at the root.

    Attributes:
        actions: it, and what most simulations went on with.
        visits: simulations that went this way.
        value: their mean, for the player to move.
        prior: the policy's probability.
    """

    actions: list[int]
    visits: int
    value: float
    prior: float


class Thought(NamedTuple):
    """What a search thinks of its root.

    Attributes:
        visits: simulations.
        value: their mean, -1 to 1 for the player to move.
        lines: the moves tried, the most visited first.
        outcome: for the player to move, 1, 0 or -1, where the search has proven it; a proven root is searched
            no further, so its visits tell little.
    """

    visits: int
    value: float
    lines: list[Line]
    outcome: int | None = None


def always(done: int) -> bool:
    """Returns True, whether a search goes on after so many simulations: it makes all of them."""
    return True
