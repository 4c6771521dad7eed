"""Action spaces that sample by the environment's mask."""

import numpy as np
from gymnasium.spaces import Discrete, MultiDiscrete

from quadrivium.envs.core.spaces import LegalDiscrete, LegalMultiDiscrete


def masked(mask: np.ndarray) -> LegalDiscrete:
    space = LegalDiscrete(len(mask))
    space.mask = mask
    return space


def test_only_legal_actions_are_sampled_and_all_of_them():
    mask = np.array([0, 1, 0, 1, 1], np.int8)
    space = masked(mask)
    space.seed(0)
    assert {int(space.sample()) for _ in range(100)} == {1, 3, 4}


def test_a_change_of_the_environments_mask_is_seen():
    mask = np.array([1, 0], np.int8)
    space = masked(mask)
    assert {int(space.sample()) for _ in range(20)} == {0}
    mask[:] = [0, 1]
    assert {int(space.sample()) for _ in range(20)} == {1}


def test_after_the_end_any_action_is_sampled():
    space = masked(np.zeros(3, np.int8))
    space.seed(0)
    assert {int(space.sample()) for _ in range(100)} == {0, 1, 2}


def test_the_callers_own_mask_goes_first():
    space = masked(np.array([1, 1, 0], np.int8))
    assert {int(space.sample(mask=np.array([0, 0, 1], np.int8))) for _ in range(20)} == {2}


def test_each_lane_of_a_batch_samples_by_its_own_row():
    masks = np.array([[1, 0, 0], [0, 1, 1], [0, 0, 0]], np.int8)
    space = LegalMultiDiscrete(*masks.shape)
    space.masks = masks
    space.seed(0)
    drawn = np.array([space.sample() for _ in range(100)])
    assert [set(column.tolist()) for column in drawn.T] == [{0}, {1, 2}, {0, 1, 2}]


def test_a_space_equals_the_plain_one_of_its_size():
    assert masked(np.ones(4, np.int8)) == Discrete(4)
    assert LegalMultiDiscrete(2, 4) == MultiDiscrete([4, 4])
