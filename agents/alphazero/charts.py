"""The charts of an AlphaZero run in TensorBoard's CUSTOM SCALARS: numbers that are read together."""

from __future__ import annotations

from typing import Any

from quadrivium.agents.alphazero.agent import AlphaZero
from quadrivium.agents.alphazero.fleet.learner import FleetAlphaZero
from quadrivium.agents.alphazero.watch.exam import exam_of
from quadrivium.agents.logs.tensorboard import Charts, lines


def charts_of(agent: AlphaZero) -> Charts:
    """Returns the charts of what this agent logs, whether it plays against itself or alone."""
    strength: dict[str, list[Any]] = {}
    if exam_of(agent.game) is not None:
        strength["moves that keep the value, by an exact solver"] = lines("solver/.*_accuracy")
    if agent.config.ladder_games and agent.game.num_players == 2:
        strength["Elo over fixed anchors"] = lines("ladder/elo_over_(random|mcts_.*)")
        strength["Elo over the evaluation before"] = lines("ladder/elo_over_earlier")
        strength["rating: the sum of these"] = lines("ladder/rating")
    games = {
        "results by side": lines("self_play/(first_wins|draws|second_wins)"),
        "game length": lines("self_play/game_length"),
        "simulations a move": lines("self_play/simulations"),
    }
    if agent.game.num_players == 1:
        games = {
            "return, exploring": lines("rollout/ep_rew_mean"),
            "episode length": lines("rollout/ep_len_mean"),
            "simulations a move": lines("self_play/simulations"),
        }
    learning = {
        "losses": lines("loss/(total|policy|value)"),
        "policy loss above the target's own entropy": lines("loss/policy_excess"),
        "policy entropy": lines("loss/policy_entropy"),
        "gradient norm": lines("loss/gradient_norm"),
        "learning rate": lines("train/learning_rate"),
        "positions in the replay window": lines("self_play/window"),
    }
    if agent.auxiliary:
        learning["auxiliary losses"] = lines(f"loss/({'|'.join(agent.auxiliary)})")
    speed = {
        "games a second": lines("time/games_per_second"),
        "evaluations and simulations a second": lines("time/(evaluations|simulations)_per_second"),
        "mean batch size": lines("self_play/mean_batch_size"),
        "cache hit rate": lines("self_play/cache_hit_rate"),
        "share of the time": lines("time/fraction_(network|search|update)"),
        "steps a second": lines("time/steps_per_second"),
    }
    if not agent.config.cache:
        del speed["cache hit rate"]
    fleet: dict[str, list[Any]] = {}
    if isinstance(agent, FleetAlphaZero):
        fleet = {
            "workers": lines("fleet/workers"),
            "workers lost": lines("fleet/workers_lost"),
            "staleness: portions between playing and learning": lines("fleet/staleness"),
        }
        speed["share of the time"] = lines("time/fraction_(waiting|update)")
    groups = {"Strength": strength, "Self-play": games, "Fleet": fleet, "Learning": learning, "Speed": speed}
    return {title: charts for title, charts in groups.items() if charts}
