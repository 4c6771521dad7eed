"""Quadrivium's environments. Importing this registers their ids and nothing heavy.

An id is a pair of strings until it is made.

Gymnasium dropped its plug-in entry point in 1.0, so a program says `import envs`, or lets Gymnasium do it:
`gymnasium.make("envs:quadrivium/Highway-v0")`.
"""

import contextlib
import ctypes
import os

import gymnasium

# Idle OpenMP threads spin before they sleep, by default so long that on a busy machine, where the core they
# burn is what the working thread waits for, a small parallel step takes 10 ms instead of 1.
os.environ.setdefault("GOMP_SPINCOUNT", "10000")

# Numba's threads come from the system's OpenMP and torch brings its own copy, unless one is loaded already.
# Two pools that spin against each other cost milliseconds a step on a busy machine; one costs microseconds.
with contextlib.suppress(OSError):
    ctypes.CDLL("libgomp.so.1")

# The names in `envs.board.GAMES`, which would load Numba.
BOARD_GAMES = ("Breakthrough", "Chess", "ConnectFour", "Go", "Gomoku", "Hex", "Othello", "TicTacToe")

# The trading worlds whose optimum is known, and their folders.
KNOWN_OPTIMA = {
    "SignChain": "sign_chain",
    "Execution": "execution",
    "MarketMaking": "market_making",
    "OptimalStopping": "optimal_stopping",
}


def register_environments() -> None:
    """Registers every environment id."""
    gymnasium.register(
        id="quadrivium/Highway-v0",
        entry_point="envs.driving.highway.env:HighwayEnv",
        vector_entry_point="envs.driving.highway.env:HighwayVectorEnv",
    )
    gymnasium.register(
        id="quadrivium/SingleAsset-v0",
        entry_point="envs.trading.single_asset.env:SingleAssetEnv",
        vector_entry_point="envs.trading.single_asset.env:SingleAssetVectorEnv",
    )
    gymnasium.register(
        id="quadrivium/Portfolio-v0",
        entry_point="envs.trading.portfolio.env:PortfolioEnv",
        vector_entry_point="envs.trading.portfolio.env:PortfolioVectorEnv",
    )
    for name, folder in KNOWN_OPTIMA.items():
        gymnasium.register(
            id=f"quadrivium/{name}-v0",
            entry_point=f"envs.trading.{folder}.env:{name}Env",
            vector_entry_point=f"envs.trading.{folder}.env:{name}VectorEnv",
        )
    gymnasium.register(
        id="quadrivium/LimitOrderBook-v0",
        entry_point="envs.trading.limit_order_book.env:LimitOrderBookEnv",
        vector_entry_point="envs.trading.limit_order_book.env:LimitOrderBookVectorEnv",
    )
    gymnasium.register(
        id="quadrivium/CrowdNav-v0",
        entry_point="envs.navigation.crowd_nav.env:CrowdNavEnv",
        vector_entry_point="envs.navigation.crowd_nav.env:CrowdNavVectorEnv",
    )
    gymnasium.register(
        id="quadrivium/PointNav-v0",
        entry_point="envs.navigation.point_nav.env:PointNavEnv",
        vector_entry_point="envs.navigation.point_nav.env:PointNavVectorEnv",
    )
    gymnasium.register(
        id="quadrivium/Explore-v0",
        entry_point="envs.navigation.explore.env:ExploreEnv",
        vector_entry_point="envs.navigation.explore.env:ExploreVectorEnv",
    )
    for game in BOARD_GAMES:
        gymnasium.register(
            id=f"quadrivium/{game}-v0",
            entry_point="envs.board.env:BoardEnv",
            vector_entry_point="envs.board.env:BoardVectorEnv",
            kwargs={"name": game},
        )


register_environments()
