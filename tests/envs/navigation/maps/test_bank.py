import numpy as np
import pytest
from PIL import Image
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


def write_rooms(folder, *sizes, resolution=0.15):
    for k, (rows, columns) in enumerate(sizes):
        Image.fromarray(np.full((rows, columns), 254, np.uint8)).save(folder / f"room{k}.png")
        (folder / f"room{k}.yaml").write_text(
            f"image: room{k}.png\nresolution: {resolution}\norigin: [{k}, 0, 0]\n"
            "occupied_thresh: 0.65\nfree_thresh: 0.196\n"
        )
    return [folder / f"room{k}.yaml" for k in range(len(sizes))]


def bank_of(maps, **others):
    usual = {"split": "train", "count": 1, "size": 64, "resolution": 1.0, "robot_radius": 0.2, "goals": 4}
    return choose_bank(maps, **usual | others)


def test_a_list_a_folder_and_a_pattern_name_the_same_maps_each_in_the_room_of_the_largest(tmp_path):
    files = write_rooms(tmp_path, (10, 20), (16, 8))
    bank = bank_of(files)
    for maps in (str(tmp_path), [str(tmp_path / "room0.yaml"), files[1]], str(tmp_path / "room?.yaml")):
        for one, other in zip(bank_of(maps), bank, strict=True):
            np.testing.assert_array_equal(one, other)
    assert bank.occupied.shape == (2, 18, 22)
    assert bank.occupied[0, 1:11, 1:21].sum() == bank.occupied[1, 1:17, 1:9].sum() == 0
    assert (bank.occupied == 0).sum() == 10 * 20 + 16 * 8
    assert bank.goals.shape == (2, 16, 2)
    assert [bank.origin(k)[0] for k in range(2)] == pytest.approx([-0.15, 0.85])
    for m, file in enumerate(files):
        alone, (rows, columns) = bank_of(file), ((12, 22), (18, 10))[m]
        np.testing.assert_array_equal(alone.goals[0], bank.goals[m])
        np.testing.assert_array_equal(alone.clearance[0], bank.clearance[m, :rows, :columns])
        np.testing.assert_array_equal(alone.geodesic[0], bank.geodesic[m, :, :rows, :columns])
        assert np.isinf(bank.geodesic[m, :, rows:]).all()
        assert np.isinf(bank.geodesic[m, :, :, columns:]).all()


def test_maps_that_do_not_go_together_are_an_error_of_one_line(tmp_path):
    (tmp_path / "fine").mkdir()
    files = write_rooms(tmp_path, (10, 20)) + write_rooms(tmp_path / "fine", (10, 20), resolution=0.05)
    with pytest.raises(ValueError, match=r"room0.yaml has cells of 0.05 m, and .*room0.yaml of 0.15 m; maps"):
        bank_of(files)
    with pytest.raises(ValueError, match="start and goal are for one map, and maps names 2; name one"):
        bank_of([files[0]] * 2, goal=(1.0, 1.0))
    (tmp_path / "empty").mkdir()
    for maps in (str(tmp_path / "empty"), str(tmp_path / "*.pgm")):
        with pytest.raises(
            ValueError, match=r"holds or fits no map; a map is one of \*\.yaml, \*\.yml, \*\.map"
        ):
            bank_of(maps)
    with pytest.raises(ValueError, match=r"room0.png is no map by its name; a map is one of"):
        bank_of([tmp_path / "room0.png"])
    with pytest.raises(ValueError, match="names no map; give the path of one at least"):
        bank_of([])
