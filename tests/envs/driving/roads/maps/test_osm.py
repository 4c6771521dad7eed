"""OpenStreetMap files become streets with lanes, junctions and limits, or one line about what is wrong."""

import math

import numpy as np
import pytest

from quadrivium.envs.driving.roads.maps.osm import projected, read_osm
from quadrivium.envs.driving.roads.maps.trips import Ways
from tests.envs.driving.roads.maps import writer

STRAIGHT = {1: (50.0, 8.0), 2: (50.002, 8.0)}


@pytest.fixture
def file(tmp_path):
    def write(text):
        path = tmp_path / "town.osm"
        path.write_text(text)
        return path

    return write


def street(**tags):
    return writer.osm(STRAIGHT, [(5, (1, 2), {"highway": "residential"} | tags)])


def only_lane(roads):
    (lane,) = [lane for road in roads.roads for lane in roads.lanes(*road)]
    return lane


def test_lengths_are_those_of_the_geodesic_on_the_ellipsoid():
    geod = pytest.importorskip("pyproj").Geod(ellps="WGS84")
    rng = np.random.default_rng(0)
    for middle in ((0.0, 10.0), (48.1, 11.5), (-33.9, 151.2), (70.0, 25.0)):
        lat = middle[0] + rng.uniform(-0.1, 0.1, (200, 2))
        lon = middle[1] + rng.uniform(-0.1, 0.1, (200, 2))
        (x, to_x), (y, to_y) = (part.T for part in projected(lat, lon, middle))
        _, _, metres = geod.inv(lon[:, 0], lat[:, 0], lon[:, 1], lat[:, 1])
        np.testing.assert_allclose(np.hypot(to_x - x, to_y - y), metres, rtol=3e-6)


def test_a_degree_is_as_long_as_the_ellipsoids_radii_say():
    """At 45° N: 111,131.8 m to the north, 78,846.8 m to the east (the radii of WGS 84)."""
    x, y = projected(np.array([45.0005, 45.0]), np.array([0.0, 0.001]), (45.0, 0.0))
    assert -y[0] == pytest.approx(111_131.8 * 0.0005, rel=1e-5)
    assert x[1] == pytest.approx(78_846.8 * 0.001, rel=1e-5)


def test_streets_keep_to_the_right_with_as_many_lanes_as_they_say(file):
    tags = {"lanes": "3", "lanes:forward": "2", "lanes:backward": "1"}
    roads = read_osm(file(street(**tags)))
    up, down = sorted((roads.lanes(*road) for road in roads.roads), key=len, reverse=True)
    assert [len(up), len(down)] == [2, 1]
    for lane, x in zip((*up, *down), (0.0, 3.5, -3.5), strict=True):
        assert float(lane.point(50.0)[0]) == pytest.approx(x, abs=1e-6)
    assert math.sin(float(up[0].heading_at(0))) == pytest.approx(-1)  # to the north, which is up
    assert math.sin(float(down[0].heading_at(0))) == pytest.approx(1)


@pytest.mark.parametrize(
    ("tags", "heading"),
    [
        ({"oneway": "yes"}, -1),
        ({"oneway": "-1"}, 1),
        ({"junction": "roundabout"}, -1),
        ({"highway": "motorway"}, -1),
    ],
)
def test_one_way_streets_are_driven_one_way(file, tags, heading):
    lane = only_lane(read_osm(file(street(**({"lanes": "1"} | tags)))))
    assert math.sin(float(lane.heading_at(0))) == pytest.approx(heading)


@pytest.mark.parametrize(
    ("maxspeed", "expected"),
    [("30", 30 / 3.6), ("30 mph", 13.4112), ("none", 30 / 3.6), ("50 km/h", 50 / 3.6)],
)
def test_limits_are_in_their_units(file, maxspeed, expected):
    lane = only_lane(read_osm(file(street(oneway="yes", maxspeed=maxspeed))))
    assert lane.limit == pytest.approx(expected)


def test_where_streets_meet_one_may_turn_into_each_other_one(file):
    roads = read_osm(file(writer.quarter()))
    ways = Ways(roads.arrays)
    assert len(ways.part) == len(roads.roads)
    turns = sorted(len(after) for after in ways.after if len(after) > 1)
    assert turns == [2] * 12 + [3] * 4  # into four crossings of three streets, one of four


def test_a_corner_is_rounded_within_ten_metres_of_it(file):
    nodes = {1: (50.0, 8.0), 2: (50.001, 8.0), 3: (50.001, 8.002)}
    way = (5, (1, 2, 3), {"highway": "residential", "oneway": "yes"})
    roads = read_osm(file(writer.osm(nodes, [way])))
    corner = projected(np.array([50.001]), np.array([8.0]), (50.0005, 8.001))
    away = min(
        np.hypot(*(np.stack(lane.point(np.linspace(0, lane.length, 200)), 1) - np.array(corner).T).T).min()
        for road in roads.roads
        for lane in roads.lanes(*road)
    )
    assert (
        10 * math.sqrt(2) / 4 - 0.1 < away < 10 * math.sqrt(2) / 4 + 0.1
    )  # of a parabola through both tangents


BROKEN = {
    "nothing": ("", "is empty"),
    "another format": (
        writer.xodr(),
        "the file is <OpenDRIVE>, and an OpenStreetMap file (.osm, XML) is <osm>",
    ),
    "no street": (
        street(highway="footway"),
        "osm has no way that cars drive on; give ways with highway=motorway",
    ),
    "a missing node": (
        street().replace('<nd ref="2"/>', '<nd ref="3"/>'),
        "line 5: way '5' has node '3', which is not in the file",
    ),
    "one node": (street().replace('<nd ref="2"/>', ""), "way '5' has 1 nodes; give it two at least"),
    "no latitude": (street().replace('lat="50.0"', ""), "line 3: node '1' has no lat; give a finite number"),
    "off the earth": (street().replace('lat="50.0"', 'lat="500"'), "node '1' is at lat=500"),
    "no speed": (street(maxspeed="fast"), "way '5' has maxspeed='fast'; give a number, with km/h"),
    "no lanes": (street(lanes="0"), "way '5' has lanes='0'; give a number from 1 to 8"),
    "too wide": (street().replace('lat="50.002"', 'lat="55"'), "cut out at most 40 km"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_is_told_in_one_line_with_its_place(file, name):
    text, expected = BROKEN[name]
    with pytest.raises(ValueError) as caught:
        read_osm(file(text))
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "town.osm" in str(caught.value)
