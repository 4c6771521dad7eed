"""One agent at a table with an opponent: the arguments and the setup that the card games' worlds share."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
from gymnasium.spaces import Box, Discrete

from quadrivium.envs.cards.card_game import CardGame
from quadrivium.envs.core.opponent import SEATS, Opponents, OutsideOpponent, Policy, Script
from quadrivium.envs.core.options import Options
from quadrivium.envs.core.setup import Batch, Setup, drawn_by
from quadrivium.envs.core.versus import OUTSIDE, RANDOM_INSIDE, versus


@dataclass(frozen=True, kw_only=True)
class CardOptions(Options):
    """The arguments of all card games, beside the `opponent`."""

    seat: Literal["first", "second", "random"] = "random"
    """whether the agent is the "first" player, the "second", or a "random" one in each episode"""
    illegal: Literal["error", "lose"] = "error"
    """what an illegal action does: "error" raises ValueError and changes nothing, "lose" loses what one has
    paid, for agents that do not read masks"""


def card_setup(
    game: CardGame, options: CardOptions, opponent: str | Policy | Opponents, scripts: Mapping[str, Script]
) -> Setup:
    """Returns a card game as a world for one agent.

    scripts: its scripted players by name: they are the baselines, and the opponents beside "random".
    """
    inside = opponent == "random"
    params = game.params._replace(
        split=options.index("split"),
        seat=SEATS[options.seat],
        opponent=RANDOM_INSIDE if inside else OUTSIDE,
    )
    return Setup(
        world=versus(game.rules),
        params=params,
        state_dtype=game.state_dtype,
        observation_space=Box(0.0, 1.0, game.observation_shape, np.float32),
        action_space=Discrete(game.num_actions),
        renderer=drawn_by("quadrivium.envs.cards.render:CardRenderer", game),
        text=game.text,
        render_fps=2,
        baselines={name: partial(_played, script) for name, script in scripts.items()},
        others=None if inside else OutsideOpponent(game, opponent, scripts),
        illegal_message=game.illegal_action_message,
        illegal_passes=options.illegal == "lose",
        columns={"observation": game.columns},
    )


def _played(script: Script, batch: Batch) -> np.ndarray:
    return script(batch.states)
