"""Environments of composed spaces: every part arrives, in order, and what has no form is named."""

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from quadrivium.agents.batches.plain_spaces import plain
from quadrivium.agents.errors import UserError

TAKEN = (spaces.Box, spaces.Discrete, spaces.MultiDiscrete)


class Echo(gymnasium.Env):
    """Remembers its action; observes samples of its space."""

    def __init__(self, observation_space, action_space):
        self.observation_space, self.action_space = observation_space, action_space
        self.given = None

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return self.observation_space.sample(), {}

    def step(self, action):
        self.given = action
        return self.observation_space.sample(), 0.0, False, False, {}


def test_a_nest_of_observations_becomes_a_flat_dict_by_paths():
    box, coin = spaces.Box(-1, 1, (2,), np.float32), spaces.Discrete(2)
    nest = spaces.Dict(
        {"arm": spaces.Tuple((box, coin)), "far": spaces.Dict({"bits": spaces.MultiBinary(3)})}
    )
    env = plain(Echo(nest, coin))
    assert list(env.observation_space.spaces.items()) == [
        ("arm/0", box),
        ("arm/1", coin),
        ("far/bits", spaces.MultiBinary(3)),
    ]
    obs = env.observation({"arm": (np.ones(2, np.float32), 1), "far": {"bits": np.array([1, 0, 1])}})
    assert {name: np.asarray(part).tolist() for name, part in obs.items()} == {
        "arm/0": [1, 1],
        "arm/1": 1,
        "far/bits": [1, 0, 1],
    }


def test_actions_are_taken_apart_in_the_order_of_the_parts():
    space = spaces.Dict(
        {
            "a": spaces.Tuple((spaces.Discrete(3, start=5), spaces.MultiBinary((2, 2)))),
            "b": spaces.MultiDiscrete([[2, 3]], start=[[1, 7]]),
        }
    )
    env = plain(Echo(spaces.Discrete(2), space))
    assert env.action_space == spaces.MultiDiscrete([3, 2, 2, 2, 2, 2, 3])
    env.reset(seed=0)
    env.step(np.array([2, 1, 0, 0, 1, 1, 2]))
    given = env.unwrapped.given
    assert space.contains(given)
    assert given["a"][0] == 7
    assert given["a"][1].tolist() == [[1, 0], [0, 1]]
    assert given["b"].tolist() == [[2, 9]]


def test_boxes_of_actions_become_one():
    space = spaces.Tuple((spaces.Box(-1, 2, (1, 2), np.float64), spaces.Box(0, 1, (), np.float32)))
    env = plain(Echo(spaces.Discrete(2), space))
    assert env.action_space == spaces.Box(np.float32([-1, -1, 0]), np.float32([2, 2, 1]), dtype=np.float32)
    env.step(np.float32([0.5, -0.5, 1]))
    assert space.contains(env.unwrapped.given)
    assert env.unwrapped.given[0].tolist() == [[0.5, -0.5]]


@pytest.mark.parametrize("space", [spaces.Discrete(4, start=-2), spaces.MultiBinary(3)], ids=str)
def test_what_is_chosen_among_is_counted_from_zero(space):
    env = plain(Echo(spaces.Discrete(2), space))
    assert isinstance(env.action_space, spaces.MultiDiscrete)
    for _ in range(20):
        env.step(env.action_space.sample())
        assert space.contains(env.unwrapped.given)


def test_plain_spaces_are_left_alone():
    env = Echo(spaces.Dict({"a": spaces.MultiBinary(2)}), spaces.MultiDiscrete([2, 2]))
    assert plain(env) is env


@pytest.mark.parametrize(
    ("observation", "action", "message"),
    [
        (spaces.Text(4), spaces.Discrete(2), "the observation is a Text space, whose size changes"),
        (
            spaces.Dict({"a": spaces.Tuple((spaces.Sequence(spaces.Discrete(2)),))}),
            spaces.Discrete(2),
            "the observation's part 'a/0' is a Sequence space",
        ),
        (spaces.Graph(spaces.Discrete(2), None), spaces.Discrete(2), "the observation is a Graph space"),
        (spaces.OneOf((spaces.Discrete(2),)), spaces.Discrete(2), "the observation is a OneOf space"),
        (
            spaces.Discrete(2),
            spaces.Dict({"a": spaces.Text(3)}),
            "the action's part 'a' is a Text space, .*TransformAction",
        ),
        (
            spaces.Discrete(2),
            spaces.Dict({"go": spaces.Box(0, 1), "turn": spaces.Discrete(2)}),
            "the action's part 'go' is a Box beside parts that are chosen among",
        ),
    ],
)
def test_a_part_without_a_form_is_named_in_one_line(observation, action, message):
    with pytest.raises(UserError, match=f"^{message}") as error:
        plain(Echo(observation, action))
    assert "\n" not in str(error.value)
