"""Who meets whom: round-robin, gauntlet, Swiss. Players are numbered in the order they were named."""

from collections.abc import Collection, Sequence
from typing import NamedTuple


class Pairing(NamedTuple):
    """Two players who meet: a < b in number. Half of their games a begins, half b."""

    a: int
    b: int


def round_robin(players: int) -> list[Pairing]:
    """Returns every pair once, ordered so that all players have met about equally many at any time.

    The circle method: one player stays, the others go round the table.
    """
    seats = list(range(players)) + ([-1] if players % 2 else [])
    pairings: list[Pairing] = []
    for _ in range(len(seats) - 1):
        half = len(seats) // 2
        for a, b in zip(seats[:half], reversed(seats[half:]), strict=True):
            if a >= 0 and b >= 0:
                pairings.append(_pairing(a, b))
        seats = [seats[0], seats[-1], *seats[1:-1]]
    return pairings


def gauntlet(players: int, challengers: int = 1) -> list[Pairing]:
    """Returns the pairs of each of the first `challengers` players with each of the others."""
    return [Pairing(a, b) for b in range(challengers, players) for a in range(challengers)]


def most_swiss_rounds(players: int) -> int:
    """Returns how many Swiss rounds are certain to be possible without anyone meeting an opponent twice.

    With an even number n and r rounds played everyone has n − 1 − r opponents left; from n/2 on a perfect
    matching exists (Dirac 1952). With an odd number the bye counts as a player.
    """
    return (players + 1) // 2


def swiss_round(scores: Sequence[float], met: Collection[Pairing], byes: Collection[int]) -> list[Pairing]:
    """Returns the next round: neighbours in the standings meet, nobody an opponent twice.

    With an odd number of players the last in the standings who had none yet has a bye. Among equal scores
    the lower number stands higher.

    Args:
        scores: of each player, byes included.
        met: the pairings of all earlier rounds.
        byes: who had one.
    """
    order = sorted(range(len(scores)), key=lambda player: (-scores[player], player))
    if len(order) % 2 == 0:
        pairs = _match(order, set(met))
        return _require(pairs, len(scores))
    for resting in reversed(order):
        if resting not in byes:
            pairs = _match([player for player in order if player != resting], set(met))
            if pairs is not None:
                return pairs
    return _require(None, len(scores))


def _match(order: Sequence[int], met: set[Pairing]) -> list[Pairing] | None:
    """Returns a perfect matching that gives each from the top the nearest possible opponent, or None."""
    if not order:
        return []
    top, *others = order
    for other in others:
        if _pairing(top, other) in met:
            continue
        rest = _match([player for player in others if player != other], met)
        if rest is not None:
            return [_pairing(top, other), *rest]
    return None


def _require(pairs: list[Pairing] | None, players: int) -> list[Pairing]:
    if pairs is None:
        raise ValueError(
            f"no round is left in which {players} players meet nobody twice; play at most "
            f"{most_swiss_rounds(players)} rounds"
        )
    return pairs


def _pairing(a: int, b: int) -> Pairing:
    return Pairing(min(a, b), max(a, b))
