"""The command line overrides any key, and says in one line what it cannot read."""

from pathlib import Path

import pytest

from quadrivium.agents.errors import UserError
from quadrivium.commands.command_line import Arguments, help_text, parse_arguments
from quadrivium.configs.schema import flatten, option, to_data, validate
from tests.configs.test_schema import MINIMAL


def test_options_are_dotted_keys_with_dashes_or_underscores():
    arguments = parse_arguments(
        ["c.yaml", "--agent.learning-rate", "3e-4", "--total_timesteps=5", "--env.kwargs.x", "-1"]
    )
    overrides = {"agent.learning_rate": "3e-4", "total_timesteps": "5", "env.kwargs.x": "-1"}
    assert arguments == Arguments(Path("c.yaml"), overrides=overrides)


def test_an_option_without_a_value_is_true():
    arguments = parse_arguments(["--logging.progress", "--seed", "1", "--agent.compile"])
    assert arguments.overrides == {"logging.progress": "true", "seed": "1", "agent.compile": "true"}


def test_no_arguments_at_all_are_fine():
    assert parse_arguments([]) == Arguments()


@pytest.mark.parametrize(
    ("argv", "complaint"),
    [
        (["a.yaml", "b.yaml"], "2 configs"),
        (["-x"], "-x is unknown"),
        (["--seed", "1", "--seed", "2"], "--seed is given twice"),
        (["--resume"], "--resume needs a run directory"),
        (["c.yaml", "--resume", "runs/x"], "leave it out"),
    ],
)
def test_what_cannot_be_read_is_one_line(argv, complaint):
    with pytest.raises(UserError, match=complaint):
        parse_arguments(argv)


def test_help_lists_every_option_with_its_value_and_what_it_means():
    config = validate(MINIMAL, "c.yaml")
    text = help_text(config)
    for key in flatten(to_data(config)):
        assert f"\n  {option(key)} " in text
    assert "--agent.learning-rate 0.0003" in text
    assert "environment steps between checkpoints" in text  # from the schema
    assert "discount" in text  # from the agent's own docstring
