"""The KuhnPoker environment: its arguments and documentation page; the rules are in `kernel`."""

from dataclasses import dataclass
from functools import partial
from typing import Literal

from quadrivium.envs.cards.kuhn_poker.game import KuhnPoker, equilibrium
from quadrivium.envs.cards.table import CardOptions, card_setup
from quadrivium.envs.core.opponent import Opponents, Policy, require_opponent
from quadrivium.envs.core.options import number
from quadrivium.envs.core.setup import Setup
from quadrivium.envs.core.world_env import WorldEnv, WorldVectorEnv


@dataclass(frozen=True, kw_only=True)
class KuhnPokerOptions(CardOptions):
    """The arguments of the KuhnPoker environments."""

    opponent: Literal["random", "equilibrium"] | Policy | Opponents = "random"
    """"random", uniformly random legal moves played within the engine; "equilibrium"; or a batched policy
    `{"observation": (n, K), "action_mask": (n, A)} -> actions (n,)`"""
    alpha: float = number(0.2, 0.0, 1 / 3)
    """which of the first player's equilibria "equilibrium" plays: how often it bets a jack"""

    def check(self) -> None:
        """The opponent is a policy or one that is known."""
        require_opponent(self.opponent, ("random", "equilibrium"))


def kuhn_poker_setup(options: KuhnPokerOptions) -> Setup:
    """Returns Kuhn poker as a world for one agent."""
    scripts = {"equilibrium": partial(equilibrium, alpha=options.alpha)}
    return card_setup(KuhnPoker(), options, options.opponent, scripts)


class KuhnPokerEnv(WorldEnv):
    """The smallest poker: three cards, one bet; to bluff is right, and how often is known (Kuhn 1950).

    Both players put one chip into the pot and get a card of jack, queen and king. The first one checks or
    bets a chip; who faces a bet folds, and loses the ante, or calls; after a check the second one may bet.
    Otherwise the higher card takes the pot.

    ## Actions
    Discrete(2): pass (0), which is to check, or to fold to a bet; bet (1), which is to call a bet.

    ## Observations
    A Dict: `observation`, a vector (10,) of zeros and ones, what a player knows: the own seat, the own card,
    all moves; and `action_mask` (2,) int8. The other's card is never seen, at the showdown neither: the
    reward tells it.

    ## Reward
    `outcome`: the chips won, at the end: −2 to 2.

    ## Optimum
    If both play well the first player loses 1/18 of a chip a game. The first player's equilibria are a
    family: a jack bets with α in [0, 1/3], a king with 3α, and a queen that has checked calls with α + 1/3.
    The second player's is one: a jack bets, and a queen calls, a third of the time. The baseline
    `equilibrium` plays it.

    ## Metrics
    `win`, `draw`, `loss`, `first` (each 0 or 1), `plies`.

    ## Baselines
    `equilibrium`.
    """

    options, setup_of = KuhnPokerOptions, staticmethod(kuhn_poker_setup)


class KuhnPokerVectorEnv(WorldVectorEnv):
    """A batch of `KuhnPokerEnv`, stepped on all cores; the same arguments."""

    single = KuhnPokerEnv
