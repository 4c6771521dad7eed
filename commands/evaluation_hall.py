"""Players measured on the workers of a cluster: each has the worlds, and all players, and plays blocks of
episodes.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gymnasium.vector import VectorEnv

from quadrivium.agents.cluster.connection import Cluster
from quadrivium.agents.cluster.workforce import Workforce, spread
from quadrivium.agents.evaluation.episodes import (
    Episodes,
    Player,
    agents_of,
    block_starts,
    join_episodes,
    play_block,
)
from quadrivium.agents.evaluation.players import identities
from quadrivium.commands.build import make_worlds, use_threads
from quadrivium.commands.workplace import enter, hide_accelerators, named, require_same_players

Notify = Callable[[str], object]
Seat = Callable[[VectorEnv, Notify], Sequence[Player]]
"""Makes the players of a measurement, to play in the environments; a function that other processes find."""


@dataclass(frozen=True)
class Measurement:
    """Players on the same scenarios.

    Attributes:
        env_id: of the environments.
        kwargs: of the environments.
        episodes: of each player.
        seed: of the first scenario.
        seat: makes the players.
    """

    env_id: str
    kwargs: Mapping[str, Any]
    episodes: int
    seed: int
    seat: Seat

    def make_worlds(self) -> VectorEnv:
        """Returns the batch in which they play."""
        return make_worlds(self.env_id, self.episodes, dict(self.kwargs))


@dataclass(frozen=True)
class Opened:
    """A measurement with its environments and players, in this process."""

    measurement: Measurement
    env: VectorEnv
    players: Sequence[Player]


@dataclass(frozen=True)
class Block:
    """Episodes that are played together: of a player of a measurement, by their numbers, from `start` on."""

    measurement: int
    player: int
    start: int


class Stage:
    """What a worker holds: the measurements, of which one at a time has its environments and players.

    known: of each measurement, which players they are, by name; a worker's must be the same.

    Raises:
        UserError: the folder, a run or a file is not on this machine, or is another.
    """

    def __init__(
        self, measurements: Sequence[Measurement], known: Sequence[Mapping[str, str]], folder: Path
    ) -> None:
        with named():
            enter(folder)
        hide_accelerators()
        use_threads(1)
        self._measurements, self._known = measurements, known
        self._opened: Opened | None = None

    def play(self, block: Block) -> Episodes:
        """Returns the episodes of a block."""
        measurement = self._measurements[block.measurement]
        if self._opened is None or self._opened.measurement is not measurement:
            if self._opened is not None:
                self._opened.env.close()
            with named():
                env = measurement.make_worlds()
                players = measurement.seat(env, lambda line: None)
                require_same_players(players, self._known[block.measurement])
            self._opened = Opened(measurement, env, players)
        opened = self._opened
        return play_block(opened.players[block.player], opened.env, measurement.seed + block.start)


def play_on_cluster(
    cluster: Cluster, opened: Sequence[Opened], notify: Notify
) -> Generator[dict[str, Episodes]]:
    """Yields of each measurement, in their order, every player's episodes by its name, as `play_all` does."""
    blocks = [
        Block(number, player, start)
        for number, one in enumerate(opened)
        for player in range(len(one.players))
        for start in block_starts(one.env, one.measurement.episodes)
    ]
    arguments = [one.measurement for one in opened], [identities(one.players) for one in opened], Path.cwd()
    workforce = Workforce(cluster, lambda number: (Stage, arguments), notify=notify)
    done: dict[int, dict[Block, Episodes]] = defaultdict(dict)
    sizes, left = Counter(block.measurement for block in blocks), list(range(len(opened)))
    for block, episodes in spread(cluster, workforce, blocks, "play"):
        done[block.measurement][block] = episodes
        while left and len(done[left[0]]) == sizes[left[0]]:
            number = left.pop(0)
            yield _joined(opened[number], done.pop(number))


def _joined(opened: Opened, blocks: Mapping[Block, Episodes]) -> dict[str, Episodes]:
    """Returns every player's episodes, in the order of the players and of the scenarios."""
    count = opened.measurement.episodes * agents_of(opened.env)
    found: dict[str, Episodes] = {}
    for number, player in enumerate(opened.players):
        own = sorted((one for one in blocks if one.player == number), key=lambda one: one.start)
        found[player.name] = join_episodes([blocks[one] for one in own], count)
    return found
