"""The arena's wiring: tables of our board games, and how each kind of player is made."""

from collections.abc import Callable, Mapping
from typing import Any, cast

import numpy as np

from quadrivium.agents.alphazero.agent import AlphaZero
from quadrivium.agents.arena.builtin import PolicyPlayer, ScriptPlayer, make_random
from quadrivium.agents.arena.engines.gomocup.player import make_gomocup
from quadrivium.agents.arena.engines.gtp.player import make_gtp
from quadrivium.agents.arena.engines.nboard.player import make_nboard
from quadrivium.agents.arena.engines.uci.player import make_uci
from quadrivium.agents.arena.players import (
    Kinds,
    QueryOption,
    Table,
    TableGame,
    TablePlayer,
    parse_player,
    positive,
)
from quadrivium.agents.arena.search_player import (
    SLOTS,
    TEMPERATURE,
    SearchTablePlayer,
    make_expectimax,
    make_mcts,
)
from quadrivium.agents.errors import UserError, did_you_mean
from quadrivium.agents.search import MatchSearch, PuctConfig
from quadrivium.commands.build import (
    CHECKPOINT,
    RunText,
    load_agent,
    load_onnx_player,
    make_game,
    open_run,
    read_model_text,
    read_run_text,
)
from quadrivium.envs import board_game_name
from quadrivium.envs.board.board_game import BoardGame

Notify = Callable[[str], object]


_SIMS = {"sims": QueryOption(positive, "positive number", "100"), **TEMPERATURE}
_RUN = _SIMS | CHECKPOINT


def make_table(env_id: str, kwargs: Mapping[str, Any], move_seconds: float | None = None) -> Table:
    """Returns the table of a board game's id; raises UserError for another id, or arguments it has not."""
    game = make_game(env_id, dict(kwargs))
    name = board_game_name(env_id)
    if name is None:
        raise UserError(
            f"environment {env_id!r} is no board game of ours; write quadrivium/ConnectFour-v0, say"
        )
    return Table(cast(TableGame, game), name, kwargs, move_seconds)


def make_table_player(text: str, table: Table, notify: Notify) -> TablePlayer:
    """Returns the player that `text` names; raises UserError, before any game, where it cannot be."""
    return parse_player(text, table, player_kinds(notify))


def player_kinds(notify: Notify) -> Kinds:
    """Returns how each kind of player is made. notify: is told what may surprise, such as a fallback."""
    return {
        "random": make_random,
        "mcts": make_mcts,
        "expectimax": make_expectimax,
        "baseline": _make_baseline,
        "run": lambda argument, table: _make_run(
            f"run:{argument}", read_run_text(argument, _RUN), table, notify
        ),
        "model": lambda argument, table: _make_run(
            f"model:{argument}", read_model_text(argument, _SIMS), table, notify
        ),
        "onnx": _make_onnx,
        "gtp": make_gtp,
        "uci": make_uci,
        "nboard": make_nboard,
        "gomocup": make_gomocup,
    }


def _make_baseline(argument: str, table: Table) -> ScriptPlayer:
    scripts = cast(BoardGame, table.game).scripts
    if argument not in scripts:
        known = ", ".join(f"baseline:{name}" for name in scripts)
        raise UserError(
            f"player 'baseline:{argument}' is unknown{did_you_mean(argument, scripts)}; {table.name} has "
            f"{known}"
        )

    def script(states: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        states["rng"] = numbers  # what it draws is the player's, not the row's
        return scripts[argument](states)

    return ScriptPlayer(f"baseline:{argument}", script)


def _make_run(text: str, run: RunText, table: Table, notify: Notify) -> TablePlayer:
    """Returns the agent of a run or model: PPO, DQN and PQN by their policy, AlphaZero by search."""
    env = open_run(run.run_dir).env
    if board_game_name(env.id) != table.name:
        raise UserError(
            f"player {text!r} was trained on {env.id}, but {table.name} is played here; name a run of "
            f"quadrivium/{table.name}-v0"
        )
    agent, checkpoint = load_agent(run.run_dir, run.which, notify)
    planes = cast(Any, agent.observation_space)["observation"].shape
    sizes = agent.config.other_sizes if isinstance(agent, AlphaZero) else []
    if planes != table.game.observation_shape and table.options.get("size") not in sizes:
        raise UserError(
            f"player {text!r} was trained on planes {planes} ({_describe(env.kwargs)}), this table has "
            f"{table.game.observation_shape} ({_describe(table.options)}); give both the same size"
        )
    for key, value in table.options.items():
        if key in env.kwargs and env.kwargs[key] != value:
            notify(f"{text} was trained with {key}={env.kwargs[key]}, here it is {value}")
    identity = str(checkpoint)
    if isinstance(agent, AlphaZero):
        simulations = run.options.get("sims", agent.config.evaluation_simulations)
        if simulations:
            search = MatchSearch(table.game, agent.evaluator(), PuctConfig(simulations), SLOTS)
            temperature = run.options.get("temperature", 0.0)
            return SearchTablePlayer(run.name, search, identity, temperature=temperature)
    for option in ("sims", "temperature"):
        if option in run.options:
            raise UserError(
                f"player {text!r}: its agent does not search, only AlphaZero's do; leave out ?{option}"
            )
    return PolicyPlayer(run.name, table.game, agent.actor(), identity)


def _make_onnx(argument: str, table: Table) -> PolicyPlayer:
    game, row = table.game, np.arange(1)
    pool = game.pool(1)
    seen = {"observation": game.observe(pool, row), "action_mask": game.legal(pool, row)}
    player = load_onnx_player(argument, seen)
    return PolicyPlayer(player.name, game, player.policy, player.identity)


def _describe(options: Mapping[str, Any]) -> str:
    return ", ".join(f"{key}={value}" for key, value in options.items()) or "by default"
