"""A configuration is strict, every fault is one line, and what is written reads back."""

from pathlib import Path

import pytest

from quadrivium.agents.errors import UserError
from quadrivium.configs.schema import flatten, load_config, read_resolved, to_data, to_text, validate
from quadrivium.configs.yaml_format import parse_yaml, read_yaml

ROOT = Path(__file__).parents[2]
PUBLISHED = sorted(
    path.relative_to(ROOT)
    for path in (ROOT / "configs").rglob("*.yaml")
    if path.parent.name not in ("sweeps", "tournaments")  # not a run
)

MINIMAL = parse_yaml(
    """
name: test
seed: 0
total_timesteps: 1000
env: {id: CartPole-v1, num_envs: 4}
agent: {algorithm: ppo, learning_rate: 3e-4, net: {width: 32}}
checkpoint: {every_steps: 500}
evaluation: {every_steps: 500}
""",
    "test",
)


def complaint_about(overrides, data=MINIMAL):
    with pytest.raises(UserError) as caught:
        validate(data, "c.yaml", overrides)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def without(key):
    return {name: value for name, value in MINIMAL.items() if name != key}


@pytest.mark.parametrize("path", PUBLISHED, ids=str)
def test_a_published_config_is_complete(path):
    """Every key is written out, so that a changed default never changes a published run."""
    written = flatten(read_yaml(ROOT / path))
    resolved = flatten(to_data(load_config(ROOT / path)))
    assert {key for key in resolved if key not in written} == set()


@pytest.mark.parametrize("path", PUBLISHED, ids=str)
def test_a_published_config_names_its_own_run(path):
    name = "_".join(path.with_suffix("").parts[1:])
    assert load_config(ROOT / path).name in (name, path.stem)


def test_defaults_fill_what_is_left_out():
    config = validate(MINIMAL, "c.yaml")
    assert config.checkpoint.keep_last == 3
    assert config.agent.learning_rate == 3e-4
    assert config.agent.net.width == 32
    assert config.agent.net.depth == 2


def test_the_data_is_not_changed_by_overrides():
    before = str(MINIMAL)
    config = validate(MINIMAL, "c.yaml", {"agent.net.width": "64", "env.kwargs.sutton_barto_reward": "true"})
    assert config.agent.net.width == 64
    assert config.env.kwargs == {"sutton_barto_reward": True}
    assert str(MINIMAL) == before


def test_an_override_of_text_is_taken_as_typed():
    assert validate(MINIMAL, "c.yaml", {"name": "007"}).name == "007"
    assert validate(MINIMAL, "c.yaml", {"name": "3e4", "seed": "5"}).name == "3e4"


@pytest.mark.parametrize(
    ("overrides", "parts"),
    [
        ({"agent.learning_rat": "1"}, ["--agent.learning-rat", "'agent.learning_rate'"]),
        ({"agent.net.widht": "1"}, ["--agent.net.widht", "'agent.net.width'"]),
        ({"sede": "1"}, ["--sede", "not a known key", "'seed'"]),
        ({"env.num_env": "1"}, ["'env.num_envs'"]),
        ({"seed": "abc"}, ["--seed = \"abc\"", "valid integer"]),
        ({"seed": "1.5"}, ["--seed = 1.5", "integer"]),
        ({"seed": "true"}, ["--seed = true", "valid integer"]),
        ({"seed": "-1"}, ["greater than or equal to 0"]),
        ({"agent.learning_rate": "0"}, ["--agent.learning-rate = 0", "greater than 0"]),
        ({"agent.learning_rate": "fast"}, ["valid number"]),
        ({"agent.gamma": "1.5"}, ["less than or equal to 1"]),
        ({"agent.gamma": ".nan"}, ["finite"]),
        (
            {"agent.net.trunk": "transfomer"},
            ["'mlp', 'cnn', 'transformer' or 'set'", "did you mean 'transformer'"],
        ),
        ({"agent.net.trunk": "9"}, ["--agent.net.trunk = 9: expected 'mlp', 'cnn', 'transformer' or 'set'"]),
        ({"agent.net.pooling": "null"}, ["--agent.net.pooling = null: expected"]),
        ({"agent.algorithm": "[1]", "sed": "1"}, ["--sed is not a known key"]),
        ({"agent.algorithm": "ppp"}, ["expected one of ppo, dqn", "did you mean 'ppo'"]),
        ({"env": "5"}, ["--env = 5", "object"]),
        ({"device": "gpu"}, ["--device"]),
        ({"name": "../up"}, ["--name"]),
        ({"total_timesteps": "0"}, ["greater than 0"]),
    ],
)  # fmt: skip
def test_a_fault_is_one_line_with_value_expectation_and_nearest_name(overrides, parts):
    complaint = complaint_about(overrides)
    for part in parts:
        assert part in complaint


def test_a_fault_of_the_file_names_the_file_and_the_option_that_mends_it():
    data = {**MINIMAL, "seed": "zero"}
    assert complaint_about({}, data) == (
        'c.yaml: seed = "zero": expected a valid integer; change it there or give --seed VALUE'
    )


@pytest.mark.parametrize("key", ["name", "env", "agent"])
def test_what_is_missing_is_named(key):
    assert f"{key} is missing" in complaint_about({}, without(key))


def test_a_misspelt_key_is_reported_before_the_one_that_it_leaves_missing():
    data = {**without("seed"), "sed": 1}
    assert "sed is not a known key; did you mean 'seed'?" in complaint_about({}, data)


def test_an_agent_without_algorithm_is_told_so():
    assert "agent.algorithm is missing" in complaint_about({}, {**MINIMAL, "agent": {"gamma": 0.9}})


def test_the_resolved_file_reads_back_and_notices_an_edit(tmp_path):
    config = validate(MINIMAL, "c.yaml")
    path = tmp_path / "config.yaml"
    path.write_text(to_text(config))
    assert read_resolved(path) == config
    path.write_text(to_text(config).replace("seed: 0", "seed: 1"))
    with pytest.raises(UserError, match="was edited since the run began"):
        read_resolved(path)


def test_evaluation_arguments_override_those_of_training():
    overrides = {"env.kwargs.a": "1", "env.kwargs.split": "train", "evaluation.kwargs.split": "test"}
    assert validate(MINIMAL, "c.yaml", overrides).evaluation_kwargs() == {"a": 1, "split": "test"}


HIGHWAY = {**MINIMAL, "env": {"id": "quadrivium/Highway-v0", "num_envs": 4}}


@pytest.mark.parametrize(
    ("overrides", "parts"),
    [
        ({"env.kwargs.lane": "3"}, ["--env.kwargs.lane is no argument", "'lanes'?", "it takes split"]),
        ({"env.kwargs.lanes": "0"}, ["--env.kwargs.lanes: lanes=0 is out of range", "integer in [1, 16]"]),
        ({"env.kwargs.reward": "save"}, ["--env.kwargs.reward: ", "did you mean 'safe'?"]),
        ({"evaluation.kwargs.split": "tset"}, ["--evaluation.kwargs.split: ", "did you mean 'test'?"]),
        ({"evaluation.kwargs.splt": "test"}, ["--evaluation.kwargs.splt is no argument", "'split'"]),
        ({"env.kwargs.simulation_frequency": "7", "evaluation.kwargs.decision_frequency": "2"}, ["multiple"]),
    ],
)  # fmt: skip
def test_arguments_of_an_environment_of_ours_are_checked_before_the_run(overrides, parts):
    complaint = complaint_about(overrides, HIGHWAY)
    for part in parts:
        assert part in complaint


def test_a_wrong_argument_in_the_file_is_named_there():
    data = {**HIGHWAY, "env": {**HIGHWAY["env"], "kwargs": {"lanes": 99}}}
    assert complaint_about({}, data) == (
        "c.yaml: env.kwargs.lanes: lanes=99 is out of range: use an integer in [1, 16]"
    )


def test_the_options_of_a_board_game_are_known_too():
    go = {**MINIMAL, "env": {"id": "quadrivium/Go-v0", "num_envs": 4}}
    assert "size=20 is out of range" in complaint_about({"env.kwargs.size": "20"}, go)
    assert "'opponent'" in complaint_about({"env.kwargs.oponent": "random"}, go)
    assert validate(go, "c.yaml", {"evaluation.kwargs.opponent": "tactical"})
