"""Hyper-parameters of AlphaZero."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

from annotated_types import Ge, Gt, Interval, Le

from quadrivium.agents.compute.devices import Bf16
from quadrivium.agents.nets import NetConfig

Fraction = Annotated[float, Interval(ge=0, le=1)]
Weight = Annotated[float, Ge(0)]
Count = Annotated[int, Ge(0)]
Positive = Annotated[int, Gt(0)]


@dataclass(frozen=True)
class RecordsConfig:
    """Games that others have played, learned from before self-play begins, and beside it.

    Attributes:
        files: paths or patterns such as games/*.sgf: PGN (chess), SGF (Go), WTHOR (.wtb, Othello), Piskvorky
            (.psq, Gomoku), a tournament's games.jsonl, or lines of moves (.txt).
        passes: so often each of their moves is learned from, on average, before self-play begins. Moves
            count as steps.
        share: of the batches that are drawn from them afterwards.
        held_out: share of the games that are not learned from, but measured at each evaluation.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    files: list[str]
    passes: Weight = 2.0
    share: Fraction = 0.0
    held_out: Annotated[float, Ge(0), Interval(lt=1)] = 0.05


def _board_net() -> NetConfig:
    return NetConfig(trunk="cnn", width=64, depth=4, normalize_inputs=False)


@dataclass(frozen=True)
class AlphaZeroConfig:
    """Hyper-parameters of self-play, search and learning.

    Attributes:
        n_steps: moves that each game makes between updates.
        simulations: of the search for a move, once the search is full.
        first_simulations: of the search at the start; doubled step by step until it is full.
        growth: share of the training after which the search is full.
        other_sizes: of boards that it plays and learns as well, in games with a `size`; they share the games
            among them, and the rules' other options.
        curriculum: share of the training in which only the other sizes are played, one after the other as
            they are listed, before the game itself is alone; 0: all sizes together, all the time.
        max_considered: actions that the root's search considers.
        c_visit: weight of the Q-values at the root: (c_visit + most visits) * c_scale * Q.
        c_scale: see c_visit; 0.1 suits rescaled values, 1.0 others.
        rescale_q: map the Q-values of a position to [0, 1] by their range there.
        full_search_share: share of the moves searched fully and learned from (playout-cap randomisation).
        fast_simulations: of the other moves' search.
        random_plies: a game begins with up to so many random moves, which are not learned from.
        random_share: share of the games that do.
        fork_share: share of the games that begin from some position of the game that ended before, by one
            such move.
        opening_temperature: those moves are drawn from the policy at this temperature; null: evenly.
        end_proven: a game ends where the search has proven how it will; of such an end nothing but the
            outcome is learned.
        surprise_share: of a game's weight, goes to its positions in proportion to how far the search departed
            from the policy there (Kullback-Leibler); the rest evenly.
        symmetries: turn the board at random in each evaluation and each sample.
        cache: positions that the evaluation cache holds; 0: none.
        cache_mib: memory that it takes at most, in MiB. A position takes 16 bytes and 4 for each legal
            move; where there are many, the cache holds fewer positions.
        batch_size: positions in a gradient step.
        reuse: how often each position is learned from, on average, once the search is full.
        first_reuse: at the start, where a search costs less; in between by the doublings of the simulations;
            null: as often.
        learning_starts: positions in the replay window before the first gradient step.
        window_min: positions in the replay window before it grows slower than the data.
        window_max: positions in the replay window at most.
        window_exponent: the window grows as a power of the data with this exponent.
        window_expand: what share of a new position the window grows by at first.
        learning_rate: of AdamW at the start.
        learning_rate_end: at the end; between them half a cosine.
        weight_decay: of matrices and filters.
        max_grad_norm: the gradient is scaled down to this norm.
        ema_decay: decay of the averaged weights, which play; 0: the newest weights play.
        gamma: discount of a single player's rewards, a step; between two players 1.
        td_lambda: of the value targets: 1 waits for the end of the game, 0 trusts the next position's search;
            see `quadrivium.agents.alphazero.play.returns.look_ahead`, and
            `quadrivium.agents.alphazero.play.episodes` for a single player.
        value_coef: weight of the value loss beside the policy's.
        root_value_share: share of what search expects in the value target, between two players its chances of
            win, draw and loss; the rest is the outcome's, or return's.
        ownership_coef: weight of the loss for who owns each cell at the end (Go, Othello, connect four);
            0: no such head.
        score_coef: likewise for the score (Go).
        disc_difference_coef: likewise for the difference in discs (Othello).
        policy_head: "conv" where actions are planes x cells and a few extra ones, "dense" where they are not;
            "auto" decides by their number; where the observation is no planes, it reads pooled features.
        head_width: channels of the policy's head, and units of the value's.
        evaluation_simulations: of the search in evaluations; 0: the policy's best move.
        ladder_games: games against each fixed anchor in an evaluation; 0, or a single player: none.
        ladder_simulations: of the search in those games.
        ladder_rollouts: the anchor that searches with random play has so many simulations.
        exam_simulations: of the search that is examined where a game has an exam by an exact solver; 0: the
            policy alone is.
        records: games of others to learn from first, or null.
        net: the backbone.
        bf16: run the networks in bfloat16 autocast; "auto": where the device has instructions for it.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    algorithm: Literal["alphazero"] = "alphazero"
    n_steps: Positive = 16
    simulations: Annotated[int, Ge(2)] = 64
    first_simulations: Annotated[int, Ge(2)] = 8
    growth: Fraction = 0.5
    other_sizes: list[Positive] = field(default_factory=list)
    curriculum: Fraction = 0.0
    max_considered: Annotated[int, Ge(2)] = 16
    c_visit: Weight = 50.0
    c_scale: Weight = 0.1
    rescale_q: bool = True
    full_search_share: Annotated[float, Gt(0), Le(1)] = 1.0
    fast_simulations: Annotated[int, Ge(2)] = 8
    random_plies: Count = 0
    random_share: Fraction = 0.5
    fork_share: Fraction = 0.0
    opening_temperature: Annotated[float, Gt(0)] | None = None
    end_proven: bool = False
    surprise_share: Fraction = 0.0
    symmetries: bool = True
    cache: Count = 200_000
    cache_mib: Positive = 512
    batch_size: Positive = 256
    reuse: Annotated[float, Gt(0)] = 4.0
    first_reuse: Annotated[float, Gt(0)] | None = None
    learning_starts: Positive = 2_000
    window_min: Positive = 20_000
    window_max: Positive = 1_000_000
    window_exponent: Annotated[float, Gt(0), Le(1)] = 0.65
    window_expand: Annotated[float, Gt(0), Le(1)] = 0.4
    learning_rate: Annotated[float, Gt(0), Le(1)] = 1e-3
    learning_rate_end: Annotated[float, Gt(0), Le(1)] = 1e-4
    weight_decay: Weight = 1e-4
    max_grad_norm: Annotated[float, Gt(0)] = 1.0
    ema_decay: Annotated[float, Ge(0), Interval(lt=1)] = 0.999
    gamma: Fraction = 1.0
    td_lambda: Fraction = 1.0
    value_coef: Weight = 1.0
    root_value_share: Fraction = 0.0
    ownership_coef: Weight = 0.0
    score_coef: Weight = 0.0
    disc_difference_coef: Weight = 0.0
    policy_head: Literal["auto", "conv", "dense"] = "auto"
    head_width: Positive = 32
    evaluation_simulations: Count = 32
    ladder_games: Count = 40
    ladder_simulations: Annotated[int, Ge(2)] = 64
    ladder_rollouts: Positive = 200
    exam_simulations: Count = 256
    records: RecordsConfig | None = None
    net: NetConfig = field(default_factory=_board_net)
    bf16: Bf16 = False

    def __post_init__(self) -> None:
        self.net.refuse_memory("alphazero", "its search sees whole positions")

    def auxiliary(self) -> dict[str, float]:
        """Returns the weights of the auxiliary losses that are on, by the name of the game's method."""
        weights = {
            "ownership": self.ownership_coef,
            "score": self.score_coef,
            "disc_difference": self.disc_difference_coef,
        }
        return {name: weight for name, weight in weights.items() if weight > 0}

    def reuse_at(self, simulations: int) -> float:
        """Returns how often a position is learned from that so many simulations have paid for."""
        if self.first_reuse is None or simulations >= self.simulations:
            return self.reuse
        first = min(self.first_simulations, self.simulations)
        share = math.log2(simulations / first) / math.log2(self.simulations / first)
        return self.first_reuse + share * (self.reuse - self.first_reuse)

    def simulations_at(self, progress: float) -> int:
        """Returns the simulations of a full search when `progress` (0 to 1) of the training is done.

        They double from `first_simulations`, each stage as long as the others, and reach `simulations` when
        `growth` is done.
        """
        first = min(self.first_simulations, self.simulations)
        stages = 0
        while first << stages < self.simulations:
            stages += 1
        if progress >= self.growth or not stages:
            return self.simulations
        return min(first << int(progress / self.growth * stages), self.simulations)
