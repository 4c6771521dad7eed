import numpy as np
import pytest
from scipy.ndimage import label

from quadrivium.envs.navigation.maps.bank import SPARE, bank_of_map, generate_bank
from quadrivium.envs.navigation.maps.choice import choose_bank
from quadrivium.envs.navigation.maps.generate import KINDS

USUAL = (64, 0.15, 0.2, 4)  # size, resolution, robot radius, goals


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_map_is_closed_and_its_goals_can_be_reached_from_most_of_its_free_cells(kind):
    bank = generate_bank((kind,), "train", 10, *USUAL)
    assert bank.occupied[:, [0, -1]].all()
    assert bank.occupied[:, :, [0, -1]].all()
    for m in range(10):
        drivable = bank.clearance[m] > 0.2 + SPARE
        for g in range(4):
            reached = np.isfinite(bank.geodesic[m, g])
            assert not (reached & ~drivable).any()
            assert reached.sum() > 0.5 * drivable.sum()
            j, i = (bank.goals[m, g] / 0.15).astype(int)
            assert bank.geodesic[m, g, i, j] == 0


def test_rooms_have_several_rooms_joined_by_doors():
    bank = generate_bank(("rooms",), "train", 20, *USUAL)
    joined = [label(bank.occupied[m] == 0)[1] for m in range(20)]
    assert max(joined) == 1
    # A robot as wide as a door would find the rooms apart.
    apart = [label(bank.clearance[m] > 0.75)[1] for m in range(20)]
    assert np.mean(apart) > 3


def test_every_chamber_of_a_maze_can_be_reached():
    for seed in range(10):
        occupied = KINDS["maze"](np.random.default_rng(seed), 64)
        assert label(~occupied)[1] == 1


def test_a_map_depends_on_its_split_and_number_alone():
    few, many = (generate_bank(("rooms", "clutter"), "train", n, *USUAL) for n in (3, 6))
    for one, other in zip(few[:4], many[:4], strict=True):
        np.testing.assert_array_equal(one, other[:3])
    test = generate_bank(("rooms", "clutter"), "test", 3, *USUAL)
    assert all((few.occupied[k] != test.occupied[k]).any() for k in range(3))


def test_kinds_take_turns():
    mixed = generate_bank(("rooms", "clutter"), "test", 4, *USUAL)
    clutter = generate_bank(("clutter", "clutter"), "test", 4, *USUAL)
    np.testing.assert_array_equal(mixed.occupied[[1, 3]], clutter.occupied[[1, 3]])
    assert (mixed.occupied[[0, 2]] != clutter.occupied[[0, 2]]).any()


def test_nobody_can_write_to_a_bank():
    with pytest.raises(ValueError, match="read-only"):
        generate_bank(("rooms",), "train", 2, *USUAL).occupied[:] = 0


def test_a_robot_that_fits_nowhere_is_an_error_of_one_line():
    with pytest.raises(ValueError, match=r"no rooms map of 64 x 64 cells of 0.15 m has room for"):
        generate_bank(("rooms",), "train", 1, 64, 0.15, 4.0, 4)
    tight = np.pad(np.zeros((2, 2), bool), 1, constant_values=True)
    with pytest.raises(ValueError, match=r"home.yaml has no room for a robot of 0.2 m radius.*smaller"):
        bank_of_map(tight, 0.15, 0.2, 4, "train", "home.yaml")


def test_an_unknown_kind_is_named_with_the_nearest():
    with pytest.raises(ValueError, match=r"maps='room' is unknown: .*did you mean 'rooms'"):
        choose_bank("room", split="train", count=1, size=64, resolution=0.15, robot_radius=0.2, goals=4)
