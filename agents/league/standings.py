"""How strong an agent is beside the members of its league: games counted, and the arena's ratings of them.

The agent changes, so of its games against a member only the newest count, as many as `WINDOW` in each seat:
older ones fade. A copy that joins inherits the agent's games, since it has played them.
"""

import numpy as np

from quadrivium.agents.arena.ratings import (
    DRAW,
    ELO,
    LOSS,
    WIN,
    WITHOUT_DRAWS,
    Cells,
    maximum_likelihood,
    probabilities,
)

WINDOW = 100.0
"""Games of the agent that count against each member, in each seat."""


class Standings:
    """Games and ratings of the members 0 to M - 1 and, as number M, of the agent.

    Attributes:
        games: (M + 1, M + 1, 3) float64, games that the row's player began against the column's: won, drawn,
            lost by the row's.
        ratings: (M + 1,) float64, in points; 0 is where the league began.
        scores: (M,) float64, what the ratings expect the agent to score against each member, 0 to 1.
    """

    def __init__(self, members: int) -> None:
        self.games = np.zeros((members + 1, members + 1, 3))
        self.ratings = np.zeros(members + 1)
        self.scores = np.full(members, 0.5)

    @property
    def agent(self) -> int:
        """The agent's number."""
        return len(self.scores)

    def count(self, members: np.ndarray, outcomes: np.ndarray, began: np.ndarray) -> None:
        """Counts games (n,) of the agent: against whom, 1, 0 or -1 as it did, and whether it began."""
        agent, games = self.agent, self.games
        np.add.at(games[agent], (members[began], 1 - outcomes[began]), 1.0)
        np.add.at(games[:, agent], (members[~began], 1 + outcomes[~began]), 1.0)
        for played in (games[agent, :agent], games[:agent, agent]):  # views
            played *= np.minimum(1.0, WINDOW / played.sum(1, keepdims=True).clip(1.0))

    def replace(self, member: int) -> None:
        """Makes a member the agent as it is now."""
        games, agent = self.games, self.agent
        games[member], games[:, member] = games[agent], games[:, agent]
        games[member, [member, agent]] = games[agent, member] = 0.0
        self.ratings[member] = self.ratings[agent]

    def rate(self, present: np.ndarray) -> None:
        """Rates the members `present` (n,) and the agent by their games.

        The mean of the members' ratings stays what it was: the scale goes on while members come and go.
        """
        players = np.append(present, self.agent)
        met = self.games[np.ix_(players, players)].sum(2)
        first, second = np.nonzero(met + met.T)  # both cells of every pair that has met
        if not len(first):
            return
        counts = self.games[players[first], players[second]]
        fit = maximum_likelihood(len(players), Cells(first, second, counts))
        shift = (self.ratings[present] - fit.ratings[:-1]).mean()
        self.ratings[players] = fit.ratings + shift
        lead = (self.ratings[self.agent] - self.ratings[present]) / ELO
        nu = 2 * fit.draws / (1 - fit.draws)  # Davidson's: the share of draws between equals is nu / (2 + nu)
        log_nu = np.log(nu) if nu > 0 else np.array(WITHOUT_DRAWS)
        begins = probabilities(lead + fit.advantage / ELO, log_nu)  # (n, 3), of the agent
        follows = probabilities(fit.advantage / ELO - lead, log_nu)  # of the member that begins
        won, drawn = begins[:, WIN] + follows[:, LOSS], begins[:, DRAW] + follows[:, DRAW]
        self.scores[present] = won / 2 + drawn / 4
