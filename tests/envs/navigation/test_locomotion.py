"""What the worlds with maps share: which map an episode is played in."""

from typing import NamedTuple

import numpy as np
import pytest

from quadrivium.envs.navigation.locomotion import pick_map


class Maps(NamedTuple):
    """Parameters of which only the number of maps matters."""

    occupied: np.ndarray


def map_of(count: int, seed: int, episode: int) -> int:
    row = np.zeros(1, [("seed", "u8"), ("episode", "u8"), ("map", "i4")])[0]
    row["seed"], row["episode"] = seed, episode
    pick_map(row, Maps(np.zeros((count, 1, 1), np.uint8)))
    return int(row["map"])


@pytest.mark.parametrize("count", [1, 8, 200, 7919])
def test_an_environment_begins_in_its_own_map_and_walks_through_all(count):
    assert map_of(count, seed=3, episode=1) == 3 % count
    assert len({map_of(count, seed=3, episode=1 + k) for k in range(count)}) == count


def test_the_stride_is_a_prime_that_does_not_divide_the_number_of_maps():
    assert map_of(200, seed=0, episode=2) == 7919 % 200
    assert map_of(7919, seed=0, episode=2) == 7907
