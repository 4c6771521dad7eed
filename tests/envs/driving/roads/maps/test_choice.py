"""What may be named as maps, and what is said of what cannot be driven on."""

from pathlib import Path

import pytest

from quadrivium.envs.driving.roads.maps.choice import courses_on, files_of, require_maps
from quadrivium.envs.driving.roads.scenarios.roads import NetworkOptions
from tests.envs.driving.roads.maps import writer


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "block.xodr").write_text(writer.block())
    (tmp_path / "quarter.osm").write_text(writer.quarter())
    (tmp_path / "notes.txt").write_text("")
    return tmp_path


def courses(maps, split="train", vehicles=5, shortest=100.0, longest=400.0):
    return courses_on(maps, split, 1, vehicles, shortest, longest)


def test_a_folder_a_pattern_and_a_list_name_files_in_order(folder):
    both = [folder / "block.xodr", folder / "quarter.osm"]
    assert files_of(str(folder)) == both
    assert files_of(str(folder / "*.os*")) == both[1:]
    assert files_of([both[1], str(both[0])]) == both[::-1]
    assert len(courses(folder).walks) == 2


def test_both_splits_drive_on_the_same_roads_other_trips(folder):
    train, test = (courses(folder / "quarter.osm", split) for split in ("train", "test"))
    assert (train.network.lanes == test.network.lanes).all()
    assert (train.trips != test.trips).any()


def test_trips_are_as_long_as_asked_for(folder):
    lengths = courses(folder, shortest=150.0, longest=300.0).trips["length"]
    assert 150 <= lengths.min() <= lengths.max() <= 300


def test_what_names_no_roads_is_refused_in_one_line(folder):
    for maps, expected in (
        ("twons", "did you mean 'towns'"),
        ([], "maps=[] names no roads"),
        (3, "maps=3 is unknown"),
    ):
        with pytest.raises(ValueError) as caught:
            require_maps(maps)
        assert expected in str(caught.value), str(caught.value)
    for maps, expected in (
        (folder / "notes.txt", "holds no roads by its name; roads are *.xodr, *.osm"),
        (folder / "town.osm.pbf", "make it one: osmium cat FILE.osm.pbf -o FILE.osm"),
        (folder / "*.svg", "holds or fits no roads"),
        (folder / "none.osm", "cannot be read (No such file or directory)"),
    ):
        with pytest.raises(ValueError) as caught:
            courses(maps)
        assert expected in str(caught.value), str(caught.value)


def test_more_cars_than_there_is_room_for_and_trips_that_there_are_not_are_refused(folder):
    with pytest.raises(ValueError, match=r"vehicles=100 have no room on 488 m of lanes .* use at most 24"):
        courses(folder / "block.xodr", vehicles=100)
    with pytest.raises(
        ValueError, match="no way of 900 to 1000 m leads from one road to another; the longest"
    ):
        courses(folder / "block.xodr", shortest=900.0, longest=1000.0)


def test_options_say_what_is_wrong_before_anything_is_read():
    with pytest.raises(ValueError, match=r"shortest=500\.0 is above longest=400\.0"):
        NetworkOptions(shortest=500.0)
    with pytest.raises(ValueError, match="maps"):
        NetworkOptions(maps="twon")
    assert NetworkOptions(maps=Path("a.osm")).maps == Path("a.osm")
