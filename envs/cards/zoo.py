"""Card games in PettingZoo: what the modules `quadrivium.envs.cards.<game>_v0` are made from."""

from collections.abc import Callable
from functools import partial

from pettingzoo.utils.wrappers import OrderEnforcingWrapper

from quadrivium.envs.cards.card_game import CardGame
from quadrivium.envs.core.setup import drawn_by
from quadrivium.envs.core.zoo_env import GameAECEnv


def constructors(
    game_class: Callable[[], CardGame], name: str
) -> tuple[Callable[..., OrderEnforcingWrapper], Callable[..., GameAECEnv]]:
    """Returns the functions `env` and `raw_env` of a PettingZoo module for a card game.

    Both take `render_mode`: "human", "ansi", "rgb_array" or None.
    name: what PettingZoo calls the environment, with its version.
    """

    def raw_env(*, render_mode: str | None = None) -> GameAECEnv:
        game = game_class()
        renderer = drawn_by("quadrivium.envs.cards.render:CardRenderer", game)
        return GameAECEnv(game, name, ansi=game.text, renderer=renderer, render_mode=render_mode)

    return partial(_in_order, raw_env), raw_env


def _in_order(raw_env: Callable[..., GameAECEnv], *, render_mode: str | None = None) -> OrderEnforcingWrapper:
    return OrderEnforcingWrapper(raw_env(render_mode=render_mode))
