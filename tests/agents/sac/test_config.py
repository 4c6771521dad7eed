"""What may stand in the section of SAC."""

import pytest
from pydantic import TypeAdapter, ValidationError

from quadrivium.agents.sac import HERConfig, SACConfig

READ = TypeAdapter(SACConfig)


def test_hindsight_replay_is_a_section_of_its_own():
    assert READ.validate_python({"her": {"n_sampled_goal": 2}}).her == HERConfig(2, "future")
    with pytest.raises(ValidationError, match="n_sampled_goals"):
        READ.validate_python({"her": {"n_sampled_goals": 2}})


@pytest.mark.parametrize("given", [0.2, 0, "auto", "auto_0.1"])
def test_the_entropy_coefficient_is_a_number_or_learned(given: float | str):
    assert READ.validate_python({"ent_coef": given}).ent_coef == given


@pytest.mark.parametrize("given", [-0.1, "automatic", "auto_", "auto_0", "auto_nan", "auto_1_2x", "0.1"])
def test_anything_else_is_refused(given: float | str):
    with pytest.raises(ValidationError):
        READ.validate_python({"ent_coef": given})
