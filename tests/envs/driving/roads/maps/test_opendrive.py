"""OpenDRIVE files become the lanes that they describe, or one line that says what is wrong."""

import math

import numpy as np
import pytest

from quadrivium.envs.driving.roads.maps.elements import read_elements
from quadrivium.envs.driving.roads.maps.opendrive import KIND, read_opendrive, reference_line
from quadrivium.envs.driving.roads.maps.trips import Ways
from tests.envs.driving.roads.maps import writer

PIECES = (
    ("line", 40.0, 0.0, 0.0),
    ("spiral", 30.0, 0.0, -0.05),
    ("arc", 25.0, -0.05, -0.05),
    ("spiral", 50.0, -0.05, 0.04),
    ("line", 5.0, 0.0, 0.0),
)
POSE = (100.0, -30.0, 0.7)


@pytest.fixture
def file(tmp_path):
    def write(text):
        path = tmp_path / "roads.xodr"
        path.write_text(text)
        return path

    return write


def one_road(inside=None, plan=None, length=150.0, more=""):
    inside = writer.lanes([], [writer.lane(-1)]) if inside is None else inside
    return writer.xodr(writer.road("7", length, plan or writer.plan_view(POSE, PIECES), inside), more)


def test_lines_arcs_and_clothoids_run_as_their_curvature_integrates(file):
    s, x, y, heading = writer.integrated(POSE, PIECES)[:, ::97]
    road = read_elements(file(one_road()), "OpenDRIVE", KIND).one("road")
    found = reference_line(road, s)
    np.testing.assert_allclose(found[0], x, atol=1e-6)
    np.testing.assert_allclose(found[1], y, atol=1e-6)
    np.testing.assert_allclose(found[2], heading, atol=1e-9)


@pytest.mark.parametrize(("kind", "scale"), [("normalized", 20.0), ("arcLength", 1.0)])
def test_parametric_cubics_are_their_polynomials(file, kind, scale):
    u, v = [0.0, 1.0, 0.0, -0.0005], [0.0, 0.0, 0.01, -0.0003]
    cubic = {
        f"{n}{axis}": c * scale**k
        for axis, row in (("U", u), ("V", v))
        for k, (n, c) in enumerate(zip("abcd", row, strict=True))
    }
    inside = " ".join(f'{name}="{c!r}"' for name, c in cubic.items())
    place = 's="0" x="3" y="4" hdg="0.5" length="20"'
    plan = f'<planView><geometry {place}><paramPoly3 pRange="{kind}" {inside}/></geometry></planView>'
    road = read_elements(file(one_road(plan=plan, length=20.0)), "OpenDRIVE", KIND).one("road")
    s = np.linspace(0, 20, 50)
    us, vs = np.polynomial.Polynomial(u)(s), np.polynomial.Polynomial(v)(s)
    x, y, _ = reference_line(road, s)
    np.testing.assert_allclose(x, 3 + math.cos(0.5) * us - math.sin(0.5) * vs, atol=1e-9)
    np.testing.assert_allclose(y, 4 + math.sin(0.5) * us + math.cos(0.5) * vs, atol=1e-9)


def test_lanes_lie_beside_the_reference_line_and_left_ones_are_driven_against_it(file):
    inside = writer.lanes([writer.lane(1, 3.0)], [writer.lane(-1, 4.0), writer.lane(-2, 3.0)])
    roads = read_opendrive(file(one_road(inside)))
    _, x, y, heading = writer.integrated(POSE, PIECES)
    by_width = {round(lane.width, 3): [] for road in roads.roads for lane in roads.lanes(*road)}
    lanes = [lane for road in roads.roads for lane in roads.lanes(*road)]
    assert sum(lane.length for lane in lanes if lane.width > 3.5) == pytest.approx(147.5, rel=0.05)
    for lane in lanes:
        for along in np.linspace(0, lane.length, 9):
            px, py = lane.point(along)
            at = np.hypot(x - px, y + py).argmin()  # y grows downwards
            t = math.cos(heading[at]) * (-py - y[at]) - math.sin(heading[at]) * (px - x[at])
            with_it = math.cos(float(lane.heading_at(along)) + heading[at])
            expected = {4.0: (-2.0, 1.0), 3.0: (1.5, -1.0) if with_it < 0 else (-5.5, 1.0)}[
                round(lane.width, 3)
            ]
            assert t == pytest.approx(expected[0], abs=0.05)
            assert with_it == pytest.approx(expected[1], abs=0.01)
            by_width[round(lane.width, 3)].append(t)
    assert {len(row) > 0 for row in by_width.values()} == {True}
    two = [road for road in roads.roads if len(roads.lanes(*road)) == 2]
    assert all([lane.width for lane in roads.lanes(*road)] == pytest.approx([4.0, 3.0]) for road in two)


@pytest.mark.parametrize(("rule", "expected"), [('rule="RHT"', 1.0), ('rule="LHT"', -1.0), ("", 1.0)])
def test_where_the_rule_is_to_keep_left_right_lanes_are_driven_against_the_line(file, rule, expected):
    roads = read_opendrive(file(writer.block(both=False, attributes=rule)))
    found = []
    for road in roads.roads:
        (lane,) = roads.lanes(*road)
        s, d = lane.coordinates(30.0, 1.75)  # on the right of the first line, which runs to the east
        if abs(d) < 0.1 and 0 < s < lane.length:
            found.append(math.cos(float(lane.heading_at(s))))
    assert found == pytest.approx([expected])


def test_a_block_is_driven_round_both_ways_and_not_from_one_to_the_other(file):
    roads = read_opendrive(file(writer.block()))
    ways = Ways(roads.arrays)
    assert len(ways.part) == len(roads.roads) // 2
    away, _ = ways.from_road(int(ways.part[0]))
    round_it = away[int(ways.part[0])] + ways.lengths[int(ways.part[0])]
    middle = 4 * (60.0 + sum(piece[1] for piece in writer.CORNER))
    assert round_it == pytest.approx(middle + 2 * math.pi * 1.75, rel=1e-3)  # the right lane is outside


def test_a_crossing_leads_from_each_arm_to_each_other_one(file):
    roads = read_opendrive(file(writer.crossing()))
    ways = Ways(roads.arrays)
    arms = [k for k, after in enumerate(ways.after) if len(after) == 3]
    assert len(arms) == 4
    assert all(len({ways.after[k][0] for k in ways.after[arm]}) == 3 for arm in arms)
    priorities = [lane.priority for road in roads.roads for lane in roads.lanes(*road)]
    assert sorted(priorities) == [0] * 4 + [1] * 16  # left turns have less


def test_limits_are_in_their_units(file):
    for text, expected in (
        ("50", 50.0),
        ('36" unit="km/h', 10.0),
        ('30" unit="mph', 13.4112),
        ("no limit", 40.0),
    ):
        speed = f'<speed sOffset="0" max="{text}"/>'
        inside = writer.lanes([], [writer.lane(-1, more=speed)])
        plan = writer.plan_view((0, 0, 0), (("line", 150.0, 0.0, 0.0),))
        roads = read_opendrive(file(one_road(inside, plan)))
        assert roads.lanes(*roads.roads[0])[0].limit == pytest.approx(min(expected, 40.0))


BROKEN = {
    "nothing": ("", "is empty; give an OpenDRIVE file"),
    "no XML": ("s=1, x=2", "is no XML (not well-formed (invalid token): line 1, column 1)"),
    "another format": (
        '<osm version="0.6"/>',
        "line 1: the file is <osm>, and an OpenDRIVE file (.xodr) is <OpenDRIVE>",
    ),
    "entities": ('<!DOCTYPE a [<!ENTITY b "c">]><OpenDRIVE/>', "declares a document type, which is not read"),
    "no road": (writer.xodr(), "line 2: OpenDRIVE has no road"),
    "no geometry": (one_road(plan="<planView/>"), "line 3: road '7' has no geometry; give it a planView"),
    "no number": (one_road().replace('x="100.0"', 'x="east"'), "geometry has x='east'; give a finite number"),
    "no lanes": (one_road(inside="<lanes/>"), "road '7' has no laneSection"),
    "nothing to drive on": (
        one_road(writer.lanes([], [writer.lane(-1, kind="sidewalk")])),
        'has no lane that is driven on; give lanes type="driving"',
    ),
    "a gap": (
        one_road().replace('s="70.0" x="', 's="70.0" x="9'),
        "geometry of road '7' begins 9000.0 m from where the one before it ends",
    ),
    "no such road": (
        writer.block().replace('elementId="3"', 'elementId="8"'),
        "names road '8', which there is not",
    ),
    "no such lane": (
        writer.block().replace('<successor id="-1"/>', '<successor id="-4"/>', 1),
        "lane '-1' leads to lane -4 of road '1', which there is not",
    ),
    "lanes that do not touch": (
        writer.block().replace('a="3.5"', 'a="8.5"', 1),
        "m apart, or take the link out",
    ),
    "a wrong unit": (writer.block().replace("km/h", "furlongs"), "has unit='furlongs'; use m/s, km/h, mph"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_is_told_in_one_line_with_its_place(file, name):
    text, expected = BROKEN[name]
    with pytest.raises(ValueError) as caught:
        read_opendrive(file(text))
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "roads.xodr" in str(caught.value)
