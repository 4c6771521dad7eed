"""Environments by id, as commands name them."""

import sys
from types import ModuleType

import gymnasium
import pytest
from gymnasium import spaces

from quadrivium.agents.batches.environments import make_vector_env, registered
from quadrivium.agents.errors import UserError


class Odd(gymnasium.Env):
    """Observes a tuple, and is told in bits."""

    observation_space = spaces.Tuple((spaces.Discrete(3), spaces.Box(-1, 1, (2,))))
    action_space = spaces.MultiBinary(2)

    def __init__(self, render_mode=None, text=False):
        if text:
            self.observation_space = spaces.Text(4)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return self.observation_space.sample(), {}

    def step(self, action):
        assert self.action_space.contains(action)
        return self.observation_space.sample(), 1.0, False, False, {}


@pytest.fixture
def module(monkeypatch):
    """A module that registers an id when it is imported, as packages of environments do."""
    name = "batches_of_a_stranger"
    monkeypatch.setitem(sys.modules, name, ModuleType(name))
    gymnasium.register("stranger/Odd-v0", entry_point=Odd)
    yield name
    del gymnasium.registry["stranger/Odd-v0"]


def test_a_module_before_the_id_is_imported(module):
    assert registered(f"{module}:stranger/Odd-v0") == "stranger/Odd-v0"
    assert registered("quadrivium:quadrivium/Highway-v0") == "quadrivium/Highway-v0"


@pytest.mark.parametrize(
    ("env_id", "message"),
    [
        ("no_such_module:x/Y-v0", "module 'no_such_module' does not import: .*PYTHONPATH"),
        (
            "quadrivium:quadrivium/Higway-v0",
            "'quadrivium/Higway-v0' is unknown; did you mean 'quadrivium/Highway",
        ),
        ("CartPol-v1", "environment 'CartPol-v1' is unknown; did you mean 'CartPole-v1'.*MODULE:ID"),
    ],
)
def test_what_is_not_registered_is_one_line(env_id, message):
    with pytest.raises(UserError, match=message) as error:
        registered(env_id)
    assert "\n" not in str(error.value)


def test_an_environment_of_composed_spaces_is_made_plain(module):
    env = make_vector_env(f"{module}:stranger/Odd-v0", 2, {})
    assert set(env.single_observation_space.spaces) == {"0", "1"}
    assert env.single_action_space == spaces.MultiDiscrete([2, 2])
    obs, _ = env.reset(seed=0)
    assert obs["1"].shape == (2, 2)
    assert env.step(env.action_space.sample())[1].tolist() == [1.0, 1.0]


def test_an_observation_without_a_form_is_told_with_the_id(module):
    with pytest.raises(UserError, match=r"^stranger/Odd-v0: the observation is a Text space"):
        make_vector_env("stranger/Odd-v0", 2, {"text": True})
