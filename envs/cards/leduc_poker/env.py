"""The LeducPoker environment: its arguments and documentation page; the rules are in `kernel`."""

from dataclasses import dataclass
from typing import Literal

from quadrivium.envs.cards.leduc_poker.game import LeducPoker, tight
from quadrivium.envs.cards.table import CardOptions, card_setup
from quadrivium.envs.core.opponent import Opponents, Policy, require_opponent
from quadrivium.envs.core.setup import Setup
from quadrivium.envs.core.world_env import WorldEnv, WorldVectorEnv

SCRIPTS = {"tight": tight}


@dataclass(frozen=True, kw_only=True)
class LeducPokerOptions(CardOptions):
    """The arguments of the LeducPoker environments."""

    opponent: Literal["random", "tight"] | Policy | Opponents = "random"
    """"random", uniformly random legal moves played within the engine; "tight", which raises a king or a pair
    and folds a jack; or a batched policy `{"observation": (n, K), "action_mask": (n, A)} -> actions (n,)`,
    such as `quadrivium.agents.regret.TabularPolicy`"""

    def check(self) -> None:
        """The opponent is a policy or one that is known."""
        require_opponent(self.opponent, ("random", *SCRIPTS))


def leduc_poker_setup(options: LeducPokerOptions) -> Setup:
    """Returns Leduc poker as a world for one agent."""
    return card_setup(LeducPoker(), options, options.opponent, SCRIPTS)


class LeducPokerEnv(WorldEnv):
    """Six cards, two rounds of bets, a card that both share: the usual small poker (Southey et al. 2005).

    Both players put one chip into the pot and get a card of two jacks, two queens and two kings. After a
    round of bets of 2 chips a third card is opened, after one of 4 chips the hands are shown: who pairs the
    shared card wins, else the higher card; equal hands share the pot. The first player begins both rounds; a
    round has at most two raises, the bet included.

    ## Actions
    Discrete(3): fold (0), legal only against a bet; call or check (1); raise or bet (2), at most twice a
    round.

    ## Observations
    A Dict: `observation`, a vector (23,) of zeros and ones, what a player knows: the own seat, the own card,
    the shared card once it is open, all moves; and `action_mask` (3,) int8. The other's card is never seen,
    at the showdown neither.

    ## Reward
    `outcome`: the chips won, at the end: −13 to 13.

    ## Optimum
    If both play well the first player loses 0.0856 chips a game; no closed form is known. Regret minimisation
    computes it in seconds: `quadrivium.agents.regret`.

    ## Metrics
    `win`, `draw`, `loss`, `first` (each 0 or 1), `plies`.

    ## Baselines
    `tight`.
    """

    options, setup_of = LeducPokerOptions, staticmethod(leduc_poker_setup)


class LeducPokerVectorEnv(WorldVectorEnv):
    """A batch of `LeducPokerEnv`, stepped on all cores; the same arguments."""

    single = LeducPokerEnv
