"""A player is a string anywhere one is named: `run:runs/NAME`, `model:NAME`, `baseline:NAME`, `random`."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from gymnasium.vector import VectorEnv

from quadrivium.agents.errors import UserError, did_you_mean
from quadrivium.agents.evaluation.episodes import BaselinePlayer, Player, RandomPlayer

# What follows the colon, and the environment to play in, to a player.
Maker = Callable[[str, VectorEnv], Player]


def baselines_of(env: VectorEnv) -> Mapping[str, Callable[[Any], Any]]:
    """Returns the scripted players that an environment brings along, by name; none in a foreign one."""
    return getattr(env.unwrapped, "baselines", {})


def make_baseline(name: str, env: VectorEnv) -> BaselinePlayer:
    """Returns the environment's scripted player `name`; raises UserError with the nearest name."""
    scripts = baselines_of(env)
    if name not in scripts:
        have = ", ".join(scripts) or "none"
        raise UserError(
            f"baseline {name!r} is unknown{did_you_mean(name, scripts)}; this environment has: {have}"
        )
    return BaselinePlayer(name, scripts[name])


def _make_random(argument: str, env: VectorEnv) -> RandomPlayer:
    if argument:
        raise UserError(f"player 'random:{argument}': random takes no argument; write: random")
    return RandomPlayer()


def identities(players: Iterable[Any]) -> dict[str, str]:
    """Returns by name what tells players from others of the same text: weights, an engine's version."""
    found = {player.name: getattr(player, "identity", "") for player in players}
    return {name: identity for name, identity in found.items() if identity}


PLAYER_KINDS: dict[str, Maker] = {"random": _make_random, "baseline": make_baseline}


def make_player(text: str, env: VectorEnv, kinds: Mapping[str, Maker] = PLAYER_KINDS) -> Player:
    """Returns the player that `text` names in `env`; raises UserError for a kind that `kinds` lacks."""
    kind, _, argument = text.partition(":")
    if kind not in kinds:
        known = [*kinds, *(f"baseline:{name}" for name in baselines_of(env))]
        raise UserError(
            f"player {text!r} is unknown{did_you_mean(text, known)}; expected run:DIRECTORY, model:NAME, "
            "baseline:NAME or random"
        )
    return kinds[kind](argument, env)
