"""Quadrivium's environments. Importing this registers their ids and nothing heavy.

An id is a pair of strings until it is made.

Gymnasium dropped its plug-in entry point in 1.0, so a program says `import quadrivium`, or lets Gymnasium do
it: `gymnasium.make("quadrivium:quadrivium/Highway-v0")`.
"""

if __name__ == "envs":  # found in the folder of a checkout
    raise ImportError("there is no package envs: write quadrivium.envs")

import importlib
import re
from typing import TYPE_CHECKING

import gymnasium
import pettingzoo

if TYPE_CHECKING:
    from quadrivium.envs.core.options import Options

# Every world by the name in its id, with the module of its classes `<Name>Env` and `<Name>VectorEnv`.
WORLDS = {
    "Highway": "quadrivium.envs.driving.highway.env",
    "Merge": "quadrivium.envs.driving.roads.scenarios.merge",
    "Roundabout": "quadrivium.envs.driving.roads.scenarios.roundabout",
    "Exit": "quadrivium.envs.driving.roads.scenarios.exit",
    "TwoWay": "quadrivium.envs.driving.roads.scenarios.two_way",
    "UTurn": "quadrivium.envs.driving.roads.scenarios.u_turn",
    "Intersection": "quadrivium.envs.driving.roads.scenarios.intersection",
    "Racetrack": "quadrivium.envs.driving.roads.scenarios.racetrack",
    "Roads": "quadrivium.envs.driving.roads.scenarios.roads",
    "LaneKeeping": "quadrivium.envs.driving.roads.scenarios.lane_keeping",
    "Parking": "quadrivium.envs.driving.parking.env",
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
    "TwentyFortyEight": "quadrivium.envs.puzzles.twenty_forty_eight.env",
    "KuhnPoker": "quadrivium.envs.cards.kuhn_poker.env",
    "LeducPoker": "quadrivium.envs.cards.leduc_poker.env",
}

# Worlds in which several agents can act at once: those with a class `<Name>ParallelEnv` there too.
PARALLEL_WORLDS = ("CrowdNav", "PointNav", "LimitOrderBook", "Intersection", "Merge", "Roundabout", "Roads")

# Worlds of two players, whose PettingZoo modules are in `quadrivium.envs.cards`.
CARD_GAMES = ("KuhnPoker", "LeducPoker")

# The names in `quadrivium.envs.board.GAMES`, which would load Numba; one class serves all.
BOARD_GAMES = (
    "Backgammon",
    "Breakthrough",
    "Chess",
    "ConnectFour",
    "Go",
    "Gomoku",
    "Hex",
    "Othello",
    "TicTacToe",
)


def register_environments() -> None:
    """Registers every environment id, with Gymnasium and, from its 1.27 on, with PettingZoo."""
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
    if not hasattr(pettingzoo, "register"):
        return
    for name in PARALLEL_WORLDS:
        pettingzoo.register("parallel", f"quadrivium/{name}-v0", f"{WORLDS[name]}:{name}ParallelEnv")
    for game in BOARD_GAMES:
        pettingzoo.register("aec", f"quadrivium/{game}-v0", f"quadrivium.envs.board.{module_name(game)}:env")
    for game in CARD_GAMES:
        pettingzoo.register("aec", f"quadrivium/{game}-v0", f"quadrivium.envs.cards.{module_name(game)}:env")


def module_name(game: str) -> str:
    """Returns how PettingZoo calls a game: "connect_four_v0" for "ConnectFour"."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", game).lower() + "_v0"


def board_game_name(env_id: str) -> str | None:
    """Returns "ConnectFour" for "quadrivium/ConnectFour-v0", None for what is no board game of ours."""
    name = env_id.removeprefix("quadrivium/").removesuffix("-v0")
    return name if name in BOARD_GAMES and env_id == f"quadrivium/{name}-v0" else None


def bare_id(env_id: str) -> str:
    """Returns "quadrivium/Highway-v0" for "quadrivium:quadrivium/Highway-v0", other ids as they are."""
    return env_id.removeprefix("quadrivium:")


def options_of(env_id: str) -> "type[Options] | None":
    """Returns the class that declares the arguments of an id of ours; None for any other id."""
    if game := board_game_name(env_id):
        return importlib.import_module("quadrivium.envs.board.env").options_of(game)
    name = env_id.removeprefix("quadrivium/").removesuffix("-v0")
    if name in WORLDS and env_id == f"quadrivium/{name}-v0":
        return getattr(importlib.import_module(WORLDS[name]), f"{name}Env").options
    return None


register_environments()
