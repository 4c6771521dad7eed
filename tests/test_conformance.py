"""Every registered id, in each configuration, keeps what the interfaces promise."""

import gymnasium
import pytest
from gymnasium.utils.env_checker import check_env as gymnasium_check_env
from stable_baselines3.common.env_checker import check_env as sb3_check_env

from quadrivium.envs.core.checks import check_env, check_vector_env
from tests.registry import IDS, case_name, cases, factories, setup_of

CASES = cases()
# What a check may lack; anything else that is left out is a fault of the environment or of the test.
MAY_LACK = {"CartPole-v0": {"frames_are_pictures"}}

every_case = pytest.mark.parametrize("case", CASES, ids=map(case_name, CASES))


def allowed(name: str) -> set[str]:
    return MAY_LACK.get(name.partition("/")[2], set())


def test_every_id_of_ours_is_checked():
    assert IDS
    assert {name for name, _ in CASES} >= set(IDS)


@every_case
def test_single_environment_conforms(case):
    name, kwargs = case
    single, _ = factories(name, **kwargs)
    report = check_env(single)
    assert set(report.left_out) <= allowed(name), report


@every_case
def test_batch_conforms_and_its_lanes_equal_the_single_environment(case):
    name, kwargs = case
    single, batch = factories(name, **kwargs)
    report = check_vector_env(batch, make_single=single)
    assert set(report.left_out) <= allowed(name), report


def for_foreign_checkers(case):
    """Returns the environment; they play an action drawn in one position in another, legal or not."""
    name, kwargs = case
    masked = setup_of(name, **kwargs).masked
    taken = "end" if name == "quadrivium/TwentyFortyEight-v0" else "lose"  # nobody loses alone
    return gymnasium.make(name, **kwargs, **({"illegal": taken} if masked else {})).unwrapped


@every_case
def test_gymnasiums_own_checker_finds_nothing(case):
    gymnasium_check_env(for_foreign_checkers(case), skip_render_check=True)


@every_case
@pytest.mark.filterwarnings(
    "ignore:We recommend:UserWarning"
)  # symmetric, normalised actions: advice, no fault
@pytest.mark.filterwarnings("ignore:Your observation:UserWarning")  # that (N, F) tokens are no image
@pytest.mark.filterwarnings("ignore:It seems that your observation:UserWarning")  # that planes are no image
@pytest.mark.filterwarnings("ignore:The minimal resolution:UserWarning")  # likewise
def test_stable_baselines3s_checker_finds_nothing(case):
    sb3_check_env(for_foreign_checkers(case), skip_render_check=True)


@pytest.mark.parametrize("name", IDS)
def test_an_unknown_argument_is_an_error(name):
    with pytest.raises((TypeError, ValueError), match="no_such_argument"):
        gymnasium.make(name, no_such_argument=1)
