"""The league of a run, from its config: the opponents of an agent in a world for two."""

import inspect
from collections.abc import Callable

from quadrivium.agents.arena.players import TablePlayer
from quadrivium.agents.errors import UserError
from quadrivium.agents.league import League
from quadrivium.commands.arena import make_table, make_table_player
from quadrivium.configs.schema import RunConfig
from quadrivium.envs import BOARD_GAMES, CARD_GAMES, bare_id, board_game_name, options_of
from quadrivium.envs.board import GAMES

OPPONENT = "opponent"
"""The argument of an environment that says who plays against the agent."""
LEARN_IN_LEAGUES = ("ppo", "dqn", "pqn")


def make_league(config: RunConfig, notify: Callable[[str], object]) -> League | None:
    """Returns the league of a run, None where its config has none.

    Raises UserError where world, agent and members do not fit together.
    """
    agent, env = config.agent, config.env
    if env.league is None:
        return None
    if agent.algorithm not in LEARN_IN_LEAGUES:
        raise UserError(
            f"env.league: {agent.algorithm} learns in no league; give agent.algorithm: "
            f"{', '.join(LEARN_IN_LEAGUES)}, or league: null"
        )
    if agent.net.memory is not None:
        raise UserError(
            f"env.league: copies of an agent with net.memory={agent.net.memory} would remember nothing of "
            "their games; give net.memory: null, or league: null"
        )
    if config.worlds:
        raise UserError("env.league: a league is of one game; leave worlds out, or league: null")
    if config.cluster is not None:
        raise UserError("env.league: a league is played on one machine; leave --cluster out, or league: null")
    options = options_of(bare_id(env.id))
    if options is None or OPPONENT not in options.names():
        raise UserError(
            f"env.league: {env.id} has no opponent, and a league is of worlds that have one: "
            f"{', '.join((*BOARD_GAMES, *CARD_GAMES))}; give one of them, or league: null"
        )
    if OPPONENT in env.kwargs:
        raise UserError(
            f"env.kwargs.opponent = {env.kwargs[OPPONENT]} and env.league both say who plays against the "
            "agent; leave one out: the opponent in evaluation stands in evaluation.kwargs"
        )
    if env.kwargs.get("flat"):
        raise UserError("env.kwargs.flat = true: a league's copies see masks; leave it out, or league: null")
    return League(env.league, env.num_envs, _fixed_members(config, notify), config.seed)


def _fixed_members(config: RunConfig, notify: Callable[[str], object]) -> list[TablePlayer]:
    """Returns the players that the config names; raises UserError for one that cannot be, or does not fit."""
    env = config.env
    names = () if env.league is None else env.league.members
    game = board_game_name(env.id)
    if not names:
        return []
    if game is None:
        raise UserError(
            f"env.league.members: {', '.join(names)} play board games, not {env.id}; leave members out there"
        )
    own = inspect.signature(GAMES[game]).parameters
    table = make_table(env.id, {key: value for key, value in env.kwargs.items() if key in own})
    players = [make_table_player(name, table, notify) for name in names]
    for player in players:
        if player.concurrency is not None:
            raise UserError(
                f"env.league.members: {player.name} plays a game at a time, and a league many in one step; "
                "give random, baseline:NAME, mcts:N, run:DIRECTORY or model:NAME"
            )
    return players
