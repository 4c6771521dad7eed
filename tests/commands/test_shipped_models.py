"""The models that come with the package reach on held-out scenarios what their cards say."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from quadrivium.agents.alphazero.config import AlphaZeroConfig
from quadrivium.agents.evaluation.episodes import play_episodes
from quadrivium.agents.runs.model import CONFIG, WEIGHTS, read_card, read_model
from quadrivium.commands.build import MODELS, load_agent, load_player, make_worlds, model_names
from quadrivium.commands.models import MOST_BYTES, shown_measures
from quadrivium.commands.trading.kept_market import kept_kwargs
from quadrivium.configs.schema import read_resolved
from quadrivium.measures import kind_of

EPISODES = 40
GAMES = 8  # of who searches, which takes long
MOST_BYTES_TOGETHER = 15_000_000
ERRORS = 4.5
"""Standard errors that chance may make of a difference: in one of 150,000 comparisons more."""


def allowed_difference(name: str, card: dict[str, float], values: np.ndarray) -> float:
    """Returns how far a card's mean may be from that of a sample, by chance."""
    mean, interval = card["mean"], card["high"] - card["low"]
    if kind_of(name) == "rate":  # a sample may hold none of what is rare: the card's end says how rare
        furthest = max((card["low"], card["high"]), key=lambda end: end * (1 - end))
        return ERRORS * math.sqrt(furthest * (1 - furthest) / len(values)) + abs(furthest - mean)
    return ERRORS * math.hypot(values.std(ddof=1) / math.sqrt(len(values)), interval / 3.92) + 1e-9


@pytest.mark.parametrize("name", model_names())
def test_a_model_reaches_on_held_out_scenarios_what_its_card_says(name):
    directory = MODELS / name
    card, config = read_card(directory), read_resolved(directory / CONFIG)
    kwargs = card["held_out"]["kwargs"]
    kept = kept_kwargs(directory, config, kwargs, pytest.fail)
    episodes = GAMES if isinstance(config.agent, AlphaZeroConfig) else EPISODES
    env = make_worlds(config.env.id, episodes, kwargs | kept)
    player, step = load_player(directory, env, "last", pytest.fail, kwargs | kept)
    assert step == card["steps"]
    found = play_episodes(player, env, episodes=episodes, seed=card["held_out"]["seed"] + 500_000)
    env.close()
    columns, measures = found.columns(), card["held_out"]["measures"]
    assert columns.keys() == measures.keys()
    for measure, values in columns.items():
        expected = measures[measure]
        difference = abs(values.mean() - expected["mean"])
        assert difference <= allowed_difference(measure, expected, values), (measure, values.mean())


def test_models_are_small_and_licensed():
    sizes = [sum(path.stat().st_size for path in (MODELS / name).iterdir()) for name in model_names()]
    assert sum(sizes) <= MOST_BYTES_TOGETHER
    for name in model_names():
        files = {path.name for path in Path(MODELS, name).iterdir()}
        assert files == {"card.json", CONFIG, WEIGHTS}
        assert (MODELS / name / WEIGHTS).stat().st_size <= MOST_BYTES * 1.02  # and its header
        assert read_card(MODELS / name)["licence"] == "MIT"


def test_of_dqn_the_network_that_acts_is_kept_once():
    agent, _ = load_agent(MODELS / "sign_chain_dqn", "last", pytest.fail)
    kept = read_model(MODELS / "sign_chain_dqn").weights
    for network in (agent.policy.q_net, agent.policy.q_net_target):
        assert network.state_dict().keys() == kept.keys()
        assert all(torch.equal(tensor, kept[key]) for key, tensor in network.state_dict().items())


def test_lists_show_no_goal_that_a_world_has_not():
    assert shown_measures(read_card(MODELS / "racetrack_ppo")) == ["collision", "return"]  # it has no end
    assert shown_measures(read_card(MODELS / "merge_ppo")) == ["arrival", "collision"]
