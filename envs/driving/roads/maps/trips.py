"""Ways through a network: who is to go where, and how traffic wanders."""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from quadrivium.envs.driving.roads.network import NOWHERE, Network

START_M = 5.0
"""Where an ego begins, along its first road."""
_LEAST_ROAD = 20.0  # m, of roads on which ways begin or end

Leg = tuple[int, int]  # a road, and the number of the lane that goes on, or NOWHERE


@dataclass(frozen=True)
class Trip:
    """A way to be driven.

    Attributes:
        legs: from road to road.
        goal_s: m along the last one, where it ends.
        length: m, all of it.
    """

    legs: tuple[Leg, ...]
    goal_s: float
    length: float


class Ways:
    """The ways of a network (one alone) from road to road.

    Args:
        network: whose lanes are joined where they touch.
    """

    def __init__(self, network: Network) -> None:
        self._lanes, self._roads = network.lanes, network.roads
        self._links = network.links
        self.lengths: list[float] = network.lanes["length"][network.roads["first"]].tolist()
        self._ahead: list[set[int]] = []
        for lane in network.lanes:
            links = network.links[lane["first_link"] : lane["end_link"]]
            self._ahead.append({int(link["lane"]) for link in links[1:] if link["offset"] > 0})
        road_of = network.lanes["road"].tolist()
        self.after: list[list[int]] = []
        for road in network.roads:
            own = range(int(road["first"]), int(road["first"] + road["count"]))
            self.after.append(sorted({road_of[k] for lane in own for k in self._ahead[lane]}))

    @cached_property
    def part(self) -> np.ndarray:
        """The roads on which ways are drawn, ascending: the largest set in which all lead to all.

        Where that is less than half of the network, as on a crossing alone, it is all of it.
        """
        from scipy.sparse import csr_matrix
        from scipy.sparse.csgraph import connected_components

        pairs = [(a, b) for a, others in enumerate(self.after) for b in others]
        rows, columns = np.array(pairs, np.int64).reshape(-1, 2).T
        graph = csr_matrix((np.ones(len(rows)), (rows, columns)), (len(self.after), len(self.after)))
        _, parts = connected_components(graph, directed=True, connection="strong")
        metres = np.bincount(parts, self.lengths)
        if metres.max() < metres.sum() / 2:
            return np.arange(len(self.after))
        return np.flatnonzero(parts == metres.argmax())

    @cached_property
    def ends(self) -> np.ndarray:
        """Those of `part` on which a way may begin or end, the longest one at least.

        They are long enough, and not where roads part or meet.
        """
        leaving = np.bincount(self._roads["start"], minlength=2 * len(self._roads))
        coming = np.bincount(self._roads["end"], minlength=2 * len(self._roads))
        street = (leaving[self._roads["start"]] == 1) & (coming[self._roads["end"]] == 1)
        lengths = np.array(self.lengths)[self.part]
        found = self.part[(lengths >= _LEAST_ROAD) & street[self.part]]
        return found if len(found) else self.part[[lengths.argmax()]]

    @cached_property
    def _onward(self) -> list[list[int]]:
        """Which roads of `part` come after each one."""
        inside = set(self.part.tolist())
        return [[road for road in after if road in inside] for after in self.after]

    def from_road(self, start: int) -> tuple[dict[int, float], dict[int, int]]:
        """Returns how far it is from the end of a road to the start of others (m), and the roads before them.

        The road itself is reached too, round a block.
        """
        away: dict[int, float] = {}
        before: dict[int, int] = {}
        queue = [(0.0, after, start) for after in self.after[start]]
        heapq.heapify(queue)
        while queue:
            metres, road, last = heapq.heappop(queue)
            if road in away:
                continue
            away[road], before[road] = metres, last
            for after in self.after[road]:
                if after not in away:
                    heapq.heappush(queue, (metres + self.lengths[road], after, road))
        return away, before

    def legs(self, roads: Sequence[int]) -> tuple[Leg, ...]:
        """Returns a way as legs: where some lanes of a road only go on, the number of one that does."""
        numbers = [NOWHERE] * len(roads)
        for at in range(len(roads) - 1):
            numbers[at] = self._number(roads[at], roads[at + 1])
        if numbers[0] == NOWHERE:
            numbers[0] = 0
        return tuple(zip(roads, numbers, strict=True))

    def _number(self, road: int, after: int) -> int:
        """Returns the number of the first lane of a road that goes on into another one; NOWHERE: all do."""
        first, count = int(self._roads[road]["first"]), int(self._roads[road]["count"])
        if count == 1:
            return NOWHERE
        begin, end = (
            int(self._roads[after]["first"]),
            int(self._roads[after]["first"] + self._roads[after]["count"]),
        )
        leads = [any(begin <= k < end for k in self._ahead[first + n]) for n in range(count)]
        return NOWHERE if all(leads) or not any(leads) else leads.index(True)

    def draw_trip(self, rng: np.random.Generator, shortest: float, longest: float) -> Trip | None:
        """Draws a trip of such a length, m; None where there seems to be none."""
        ends = self.ends
        for _ in range(20):
            start = int(ends[rng.integers(len(ends))])
            away, before = self.from_road(start)
            rest = self.lengths[start] - START_M
            there = [
                (goal, rest + away[goal] + self.goal_s(goal))
                for goal in ends.tolist()
                if goal != start and goal in away
            ]
            there = [(goal, metres) for goal, metres in there if shortest <= metres <= longest]
            if there:
                goal, metres = there[int(rng.integers(len(there)))]
                roads = [goal]
                while roads[-1] != start:
                    roads.append(before[roads[-1]])
                return Trip(self.legs(roads[::-1]), self.goal_s(goal), metres)
        return None

    def draw_trips(
        self, rng: np.random.Generator, shortest: float, longest: float, tries: int, apart: bool
    ) -> list[Trip]:
        """Returns as many trips as such a number of tries finds; apart: no two begin on one road."""
        drawn = (self.draw_trip(rng, shortest, longest) for _ in range(tries))
        trips = [trip for trip in drawn if trip is not None]
        return list({trip.legs[0][0]: trip for trip in reversed(trips)}.values())[::-1] if apart else trips

    def longest_trip(self, rng: np.random.Generator) -> float:
        """Returns the length of the longest trip from some roads, m; 0 where there is none."""
        ends = self.ends
        longest = 0.0
        for start in rng.choice(ends, min(len(ends), 20), replace=False).tolist():
            away, _ = self.from_road(start)
            rest = self.lengths[start] - START_M
            reached = [rest + away[goal] + self.goal_s(goal) for goal in ends.tolist() if goal in away]
            longest = max([longest, *reached])
        return longest

    def goal_s(self, road: int) -> float:
        """Returns how far along a road a trip ends, m."""
        return min(self.lengths[road] / 2, 30.0)

    def draw_walk(self, rng: np.random.Generator, least: float, most: int) -> tuple[Leg, ...]:
        """Draws a way of at least so many metres, and at most so many roads, without turning back."""
        roads = [int(self.ends[rng.integers(len(self.ends))])]
        metres = self.lengths[roads[0]]
        while metres < least and len(roads) < most:
            after = self._onward[roads[-1]]
            if not after:
                break
            roads.append(after[int(rng.integers(len(after)))])
            metres += self.lengths[roads[-1]]
        return self.legs(roads)
