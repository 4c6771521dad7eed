"""Quadrivium's environments. Importing this registers their ids and nothing heavy.

An id is a pair of strings until it is made.

Gymnasium dropped its plug-in entry point in 1.0, so a program says `import quadrivium`, or lets Gymnasium do
it: `gymnasium.make("quadrivium:quadrivium/Highway-v0")`.
"""

if __name__ == "envs":  # found in the folder of a checkout
    raise ImportError("there is no package envs: write quadrivium.envs")

import importlib
from typing import TYPE_CHECKING

import gymnasium

if TYPE_CHECKING:
    from quadrivium.envs.core.options import Options

# Every world by the name in its id, with the module of its classes `<Name>Env` and `<Name>VectorEnv`.
WORLDS = {
    "Highway": "quadrivium.envs.driving.highway.env",
    "SingleAsset": "quadrivium.envs.trading.single_asset.env",
    "Portfolio": "quadrivium.envs.trading.portfolio.env",
    "SignChain": "quadrivium.envs.trading.sign_chain.env",
    "Execution": "quadrivium.envs.trading.execution.env",
    "MarketMaking": "quadrivium.envs.trading.market_making.env",
    "OptimalStopping": "quadrivium.envs.trading.optimal_stopping.env",
    "LimitOrderBook": "quadrivium.envs.trading.limit_order_book.env",
    "CrowdNav": "quadrivium.envs.navigation.crowd_nav.env",
    "PointNav": "quadrivium.envs.navigation.point_nav.env",
    "Explore": "quadrivium.envs.navigation.explore.env",
}

# The names in `quadrivium.envs.board.GAMES`, which would load Numba; one class serves all.
BOARD_GAMES = ("Breakthrough", "Chess", "ConnectFour", "Go", "Gomoku", "Hex", "Othello", "TicTacToe")


def register_environments() -> None:
    """Registers every environment id."""
    for name, module in WORLDS.items():
        gymnasium.register(
            id=f"quadrivium/{name}-v0",
            entry_point=f"{module}:{name}Env",
            vector_entry_point=f"{module}:{name}VectorEnv",
        )
    for game in BOARD_GAMES:
        gymnasium.register(
            id=f"quadrivium/{game}-v0",
            entry_point="quadrivium.envs.board.env:BoardEnv",
            vector_entry_point="quadrivium.envs.board.env:BoardVectorEnv",
            kwargs={"name": game},
        )


def options_of(env_id: str) -> "type[Options] | None":
    """Returns the class that declares the arguments of an id of ours; None for any other id."""
    name = env_id.removeprefix("quadrivium/").removesuffix("-v0")
    if env_id != f"quadrivium/{name}-v0":
        return None
    if name in BOARD_GAMES:
        return importlib.import_module("quadrivium.envs.board.env").options_of(name)
    if name in WORLDS:
        return getattr(importlib.import_module(WORLDS[name]), f"{name}Env").options
    return None


register_environments()
