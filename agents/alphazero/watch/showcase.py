"""A game of the network against itself, as a picture of what it thinks and as text, for people."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol, cast

import numpy as np

from quadrivium.agents.alphazero.learn.judge import NetworkEvaluator
from quadrivium.agents.search import MatchSearch, PuctConfig
from quadrivium.agents.search.protocols import Game, Notation

MAX_MOVES = 500  # a longer game is shown as far as that
PICTURES = 12
NO_ACTION = -1
_ROW = np.arange(1)


class Study(NamedTuple):
    """A position, what is thought of it, and the move that is then played; at the end there is none."""

    row: np.void  # a record of a pool
    policy: np.ndarray  # (A,) float32, the network's; sums to 1; at the end 0
    search: np.ndarray  # (A,) float32, search's share of visits; likewise
    action: int  # or NO_ACTION
    value: float  # the first player's expected outcome by search, -1 to 1; at the end the outcome


class Illustrator(Protocol):
    """Draws positions of one game, with policies on the squares."""

    def __call__(self, studies: Sequence[Study], /) -> np.ndarray:
        """Returns one picture (H, W, 3) uint8 of all `studies`."""
        ...


class Showcase(NamedTuple):
    """What is shown of one game."""

    picture: np.ndarray | None  # (H, W, 3) uint8; None where nobody draws
    text: str  # Markdown


def show_game(
    game: Game, network: NetworkEvaluator, simulations: int, illustrate: Illustrator | None
) -> Showcase | None:
    """Lets the network play a game against itself with search, and returns what there is to see of it.

    Nothing is drawn at random: the same network always plays the same game. There is nothing to show, None,
    of a game for one player, of one whose moves have no names, and without simulations.
    """
    if game.num_players != 2 or not hasattr(game, "move_name") or not simulations:
        return None
    studies = play_studied(game, network, simulations)
    picture = None if illustrate is None else illustrate(evenly_spread(studies, PICTURES))
    return Showcase(picture, describe(game, studies, simulations))


def play_studied(
    game: Game, network: NetworkEvaluator, simulations: int, limit: int = MAX_MOVES
) -> list[Study]:
    """Returns every position of the game with what was thought of it; the last is its end.

    Both sides are one search, which keeps its tree from move to move.
    """
    pool, studies = game.pool(1), list[Study]()
    search = MatchSearch(game, network, PuctConfig(simulations))
    while len(studies) < limit and not (before := game.result(pool, _ROW)).over[0]:
        found = search.search(pool)
        value = float(found.values[0]) * (1 if before.to_move[0] == 0 else -1)
        policy = network_policy(game, network, pool)
        studies.append(Study(pool[0].copy(), policy, found.policy[0], int(found.actions[0]), value))
        game.step(pool, _ROW, found.actions)
        search.advance(_ROW, found.actions)
    nothing, outcome = np.zeros(game.num_actions, np.float32), float(game.result(pool, _ROW).returns[0, 0])
    return [*studies, Study(pool[0].copy(), nothing, nothing, NO_ACTION, outcome)]


def network_policy(game: Game, network: NetworkEvaluator, pool: np.ndarray) -> np.ndarray:
    """Returns the network's policy (A,) in the position `pool` (1,), over the legal actions."""
    legal = game.legal(pool, _ROW)
    logits = np.where(legal != 0, network(game.observe(pool, _ROW), legal).logits, -np.inf)[0]
    weights = np.exp(logits - logits.max())
    return (weights / weights.sum()).astype(np.float32)


def evenly_spread(studies: Sequence[Study], count: int) -> list[Study]:
    """Returns at most `count` of the studies, from the first to the last."""
    return [studies[i] for i in np.unique(np.linspace(0, len(studies) - 1, count).round().astype(int))]


def describe(game: Game, studies: Sequence[Study], simulations: int) -> str:
    """Returns, as Markdown, how the game ended, its moves, and a table of what was thought of each."""
    notation = cast(Notation, game)
    name: Callable[[np.void, int], str] = getattr(game, "san", notation.move_name)  # chess: as in PGN
    played = [study for study in studies if study.action != NO_ACTION]
    moves = [name(study.row, study.action) for study in played]
    seats = [int(study.row["to_move"]) for study in played]
    # A turn of the first player begins where the other moved before.
    begins = [seat == 0 and before != 0 for seat, before in zip(seats, [1, *seats], strict=False)]
    turns = np.cumsum(begins)
    numbered = " ".join(
        f"{turn}. {move}" if first else move for turn, first, move in zip(turns, begins, moves, strict=True)
    )
    lines = [
        f"**{_ending(game, notation, studies[-1])}** {len(moves)} moves, {simulations} simulations for each.",
        "",
        "```",
        *textwrap.wrap(numbered, 79, break_on_hyphens=False),
        "```",
        "",
        f"| | | played | search | network | value for {notation.players[0]} |",
        "|---:|:---|:---|---:|---:|---:|",
    ]
    for k, (study, seat, move) in enumerate(zip(played, seats, moves, strict=True)):
        shares = f"{study.search[study.action]:.0%} | {study.policy[study.action]:.0%}"
        value = round(study.value, 2) + 0.0  # never -0.00
        lines.append(f"| {k + 1} | {notation.players[seat]} | {move} | {shares} | {value:+.2f} |")
    return "\n".join(lines)


def _ending(game: Game, notation: Notation, end: Study) -> str:
    if not game.result(np.array([end.row]), _ROW).over[0]:
        return "Not ended."
    if end.value == 0:
        return "A draw."
    return f"{notation.players[0 if end.value > 0 else 1].capitalize()} wins."
