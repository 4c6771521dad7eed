"""What the words of `evaluate.py watch` name: one world, and one or two who play in it."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium
from gymnasium.vector import VectorEnv

from quadrivium.agents.batches.environments import make_drawn_env
from quadrivium.agents.errors import UserError, did_you_mean
from quadrivium.agents.evaluation.players import PLAYER_KINDS, baselines_of, make_player
from quadrivium.agents.runs.model import read_card
from quadrivium.commands.arena import Notify
from quadrivium.commands.build import (
    MODELS,
    agents_in,
    load_agent,
    model_names,
    open_run,
    trained_directory,
    trained_players,
)
from quadrivium.commands.explainer import Explainer, require_explainable
from quadrivium.commands.pages.stage import Stage
from quadrivium.commands.remedies import typed_remedies
from quadrivium.commands.searching import SEARCHING
from quadrivium.commands.trading.kept_market import kept_kwargs
from quadrivium.configs.schema import load_config
from quadrivium.envs import BOARD_GAMES, WORLDS, bare_id, module_name

MOST_PLAYERS = 2
SEED = 1_000_000
"""Of the first scenario, as in `evaluate.py compare`, where no run or config says another."""
_TRAINED = ("run", "model", "onnx")
_WORLDS = {name.lower(): f"quadrivium/{name}-v0" for name in (*WORLDS, *BOARD_GAMES)}
_KNOWN = [module_name(name).removesuffix("_v0") for name in (*WORLDS, *BOARD_GAMES)]


@dataclass(frozen=True)
class Cast:
    """Who is watched, and where.

    Attributes:
        env_id: the world.
        kwargs: its arguments, those included that a run keeps of its market.
        seed: of the first scenario.
        players: their texts; none: the world's own best.
    """

    env_id: str
    kwargs: Mapping[str, Any]
    seed: int
    players: tuple[str, ...]


def read_cast(
    words: Sequence[str], read_kwargs: Callable[[str], dict[str, Any]], seed: int | None, notify: Notify
) -> Cast:
    """Returns what the words say: at most one world, which may be a config's, and at most two players.

    The world may be left out where a run or a model was trained in one; without any word it is Highway.

    read_kwargs: returns the arguments of an environment id that were typed. seed: None: what the config says.

    Raises:
        UserError: a word is neither, there are too many of them, or no such run, model or config.
    """
    worlds = [word for word in words if _is_world(word)]
    players = [word for word in words if word not in worlds]
    if len(worlds) > 1:
        raise UserError(f"{' and '.join(worlds)} are {len(worlds)} worlds; watch one at a time")
    if len(players) > MOST_PLAYERS:
        raise UserError(f"{' '.join(players)}: {len(players)} players; watch one, or two side by side")
    trained = [word for word in players if trained_directory(word) is not None]
    if not worlds and not trained and players:
        said = [*_KNOWN, *(f"model:{name}" for name in model_names())]
        raise UserError(
            f"{players[0]!r} is no world, and of players only run:DIRECTORY and model:NAME say theirs"
            f"{did_you_mean(players[0], said)}; write: watch highway idm_mobil, say"
        )
    kept: dict[str, Any] = {}
    if worlds and not _is_config(worlds[0]):
        env_id, first = _world_id(worlds[0]), SEED
        kwargs: dict[str, Any] = {"split": "test"} if env_id.startswith("quadrivium/") else {}
    elif worlds or trained:
        directory = None if worlds else trained_directory(trained[0])
        config = load_config(Path(worlds[0])) if directory is None else open_run(directory)
        env_id, first, kwargs = config.env.id, config.evaluation.seed, config.evaluation_kwargs()
        if directory is not None:
            with typed_remedies(env_id, "--env-kwargs {}={}"):
                kept = kept_kwargs(directory, config, kwargs | read_kwargs(env_id), notify)
    else:
        env_id, first, kwargs = "quadrivium/Highway-v0", SEED, {"split": "test"}
    kwargs = kwargs | read_kwargs(env_id) | kept
    return Cast(env_id, kwargs, first if seed is None else seed, tuple(players))


def make_env(cast: Cast) -> VectorEnv:
    """Returns one scenario's environments, which can be drawn; raises UserError."""
    with typed_remedies(cast.env_id, "--env-kwargs {}={}"):
        return make_drawn_env(cast.env_id, agents_in(cast.env_id, cast.kwargs), dict(cast.kwargs))


def make_stages(cast: Cast, notify: Notify) -> list[Stage]:
    """Returns a stage for each player; raises UserError where one is unknown or does not fit the world."""
    kinds = {**PLAYER_KINDS, **SEARCHING, **trained_players(notify)}
    envs = [make_env(cast) for _ in range(max(1, len(cast.players)))]
    texts = cast.players or (_best(cast, envs[0]),)
    stages: list[Stage] = []
    for text, env in zip(texts, envs, strict=True):
        played = _player_text(text, env)
        player = make_player(played, env, kinds)
        stages.append(Stage(player.name, env, player, partial(make_explainer, played, env, notify)))
    if len({stage.name for stage in stages}) < len(stages):
        raise UserError(f"{' '.join(texts)}: both are {stages[0].name}; name two different players")
    return stages


def make_explainer(player: str, env: VectorEnv, notify: Notify) -> Explainer:
    """Returns what explains a player's decisions; raises UserError where it has no network to explain."""
    text, _ = require_explainable(player)
    if env.num_envs > 1:
        raise UserError(
            f"{env.num_envs} agents act at once here, and one alone is explained; give --env-kwargs with "
            "one, such as drivers=1"
        )
    agent, _ = load_agent(text.run_dir, text.which, notify)  # one of its own: the other acts meanwhile
    return Explainer(agent, env)


def _is_config(word: str) -> bool:
    return word.endswith((".yaml", ".yml"))


def _is_world(word: str) -> bool:
    kind = word.partition(":")[0]
    if kind in (*_TRAINED, *PLAYER_KINDS, *SEARCHING):
        return False
    known = _plain(word) in _WORLDS or word in gymnasium.registry
    return known or _is_config(word) or re.search(r"/|:.*-v\d+$", word) is not None


def _plain(word: str) -> str:
    return word.replace("_", "").replace("-", "").lower()


def _world_id(word: str) -> str:
    return _WORLDS.get(_plain(word), bare_id(word))


def _best(cast: Cast, env: VectorEnv) -> str:
    """Returns who plays where nobody is named: a model of this very world, else the world's last script."""
    for name in model_names():
        card = read_card(MODELS / name)
        if card["environment"] == cast.env_id and card["held_out"]["kwargs"] == dict(cast.kwargs):
            return f"model:{name}"
    return next(reversed(list(baselines_of(env))), "random")


def _player_text(word: str, env: VectorEnv) -> str:
    """Returns "baseline:idm" for the script "idm" of an environment, other players as they are."""
    if ":" in word or (word == "random" and word not in baselines_of(env)):
        return word
    return f"baseline:{word}"
