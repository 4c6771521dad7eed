"""Board games in PettingZoo: what the modules `quadrivium.envs.board.<game>_v0` are made from."""

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

from pettingzoo.utils.wrappers import OrderEnforcingWrapper

from quadrivium.envs.board.board_game import BoardGame
from quadrivium.envs.board.registry import GAMES
from quadrivium.envs.core.setup import Renderer
from quadrivium.envs.core.validation import require_keyword
from quadrivium.envs.core.zoo_env import GameAECEnv


def constructors(
    game_name: str, name: str
) -> tuple[Callable[..., OrderEnforcingWrapper], Callable[..., GameAECEnv]]:
    """Returns the functions `env` and `raw_env` of a PettingZoo module for a game of the registry.

    Both take the game's own options as keywords, and `render_mode`: "human", "ansi", "rgb_array" or None.
    name: what PettingZoo calls the environment, with its version.
    """

    def raw_env(*, render_mode: str | None = None, **options: Any) -> GameAECEnv:
        own = inspect.signature(GAMES[game_name]).parameters
        for option in options:
            require_keyword(option, [*own, "render_mode"])
        game = GAMES[game_name](**options)
        return GameAECEnv(
            game,
            name,
            observation_range=game.observation_range,
            parse_position=game.parse_position,
            ansi=partial(_ansi, game),
            renderer=partial(_renderer, game),
            render_mode=render_mode,
        )

    # Not in TerminateIllegalWrapper, as PettingZoo's own games are: it makes an illegal move a lost game and
    # so hides the caller's mistake in a result. Here such a move raises ValueError and changes nothing.
    def env(*, render_mode: str | None = None, **options: Any) -> OrderEnforcingWrapper:
        return OrderEnforcingWrapper(raw_env(render_mode=render_mode, **options))

    return env, raw_env


# Drawing is imported when something is drawn.


def _ansi(game: BoardGame, row: Any) -> str:
    from quadrivium.envs.board.ansi import ansi

    return ansi(game, row)


def _renderer(game: BoardGame) -> Renderer:
    from quadrivium.envs.board.render import BoardRenderer

    return BoardRenderer(game)
