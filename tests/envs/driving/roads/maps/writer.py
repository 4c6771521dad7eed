"""Writes OpenDRIVE and OpenStreetMap files for tests, and says by other means where their roads run."""

import math
from collections.abc import Sequence

import numpy as np
from scipy.integrate import cumulative_simpson

Piece = tuple[str, float, float, float]
"""line, arc or spiral; length (m), curvature at its start and its end (1/m)"""


def integrated(pose: tuple[float, float, float], pieces: Sequence[Piece], step: float = 0.01) -> np.ndarray:
    """Returns s, x, y and heading (4, n) along pieces, by Simpson's rule on their curvature."""
    x, y, heading = pose
    found, begin = [], 0.0
    for _, length, first, last in pieces:
        s = np.linspace(0.0, length, max(3, round(length / step) + 1))
        bearing = heading + first * s + (last - first) / length * s**2 / 2
        xs, ys = (
            start + cumulative_simpson(wave, x=s, initial=0.0)
            for start, wave in ((x, np.cos(bearing)), (y, np.sin(bearing)))
        )
        found.append(np.stack([begin + s, xs, ys, bearing]))
        x, y, heading, begin = xs[-1], ys[-1], bearing[-1], begin + length
    return np.concatenate(found, 1)


def plan_view(pose: tuple[float, float, float], pieces: Sequence[Piece]) -> str:
    """Returns a planView of pieces."""
    rows, s = [], 0.0
    for at, (form, length, first, last) in enumerate(pieces):
        x, y, heading = pose if at == 0 else integrated(pose, pieces[:at])[1:, -1]
        inside = {
            "line": "<line/>",
            "arc": f'<arc curvature="{first!r}"/>',
            "spiral": f'<spiral curvStart="{first!r}" curvEnd="{last!r}"/>',
        }[form]
        place = f's="{s!r}" x="{float(x)!r}" y="{float(y)!r}" hdg="{float(heading)!r}" length="{length!r}"'
        rows.append(f"<geometry {place}>{inside}</geometry>")
        s += length
    return f"<planView>{''.join(rows)}</planView>"


def lane(number: int, width: float = 3.5, kind: str = "driving", links: str = "", more: str = "") -> str:
    """Returns a lane; links: of its predecessor and successor."""
    wide = f'<width sOffset="0" a="{width}" b="0" c="0" d="0"/>'
    return f'<lane id="{number}" type="{kind}"><link>{links}</link>{wide}{more}</lane>'


def lanes(left: Sequence[str], right: Sequence[str]) -> str:
    """Returns the lanes of a road with one section."""
    sides = (f"<{side}>{''.join(rows)}</{side}>" for side, rows in (("left", left), ("right", right)) if rows)
    return f'<lanes><laneSection s="0">{"".join(sides)}</laneSection></lanes>'


def road(name: str, length: float, plan: str, inside: str, link: str = "", attributes: str = "") -> str:
    """Returns a road."""
    head = f'<road id="{name}" length="{length!r}" junction="-1" {attributes}>'
    speed = '<type s="0" type="town"><speed max="50" unit="km/h"/></type>'
    return f"{head}<link>{link}</link>{plan}{speed}{inside}</road>"


def xodr(*parts: str) -> str:
    """Returns a file."""
    head = '<?xml version="1.0"?>\n<OpenDRIVE><header revMajor="1" revMinor="6"/>'
    return "\n".join((head, *parts, "</OpenDRIVE>"))


CORNER: tuple[Piece, ...] = (  # a quarter of a turn to the left
    ("spiral", 20.0, 0.0, 1 / 25),
    ("arc", 25 * math.pi / 2 - 20.0, 1 / 25, 1 / 25),
    ("spiral", 20.0, 1 / 25, 0.0),
)


def block(side: float = 60.0, attributes: str = "", both: bool = True, links: bool = True) -> str:
    """Returns a road round a block, against the clock, in four parts, with a lane each way."""
    pose, parts = (0.0, 0.0, 0.0), []
    pieces = (("line", side, 0.0, 0.0), *CORNER)
    length = math.fsum(piece[1] for piece in pieces)
    for k in range(4):
        ends = "".join(
            f'<{way} elementType="road" elementId="{(k + step) % 4}" contactPoint="{contact}"/>'
            for way, step, contact in (("predecessor", 3, "end"), ("successor", 1, "start"))
        )
        here = "".join(f'<{way} id="{{n}}"/>' for way in ("predecessor", "successor")) if links else ""
        left = [lane(1, links=here.format(n=1))] if both else []
        inside = lanes(left, [lane(-1, links=here.format(n=-1)), lane(-2, 1.0, "sidewalk")])
        parts.append(road(f"{k}", length, plan_view(pose, pieces), inside, ends, attributes))
        pose = tuple(float(v) for v in integrated(pose, pieces)[1:, -1])
    return xodr(*parts)


def crossing() -> str:
    """Returns two roads of two lanes that cross in a junction of twelve connecting roads."""
    reach, length, parts, connections = 12.0, 80.0, [], []
    for arm in range(4):
        angle = arm * math.pi / 2
        pose = (reach * math.cos(angle), reach * math.sin(angle), angle)
        link = '<predecessor elementType="junction" elementId="9"/>'
        plan = plan_view(pose, (("line", length, 0.0, 0.0),))
        parts.append(road(f"{arm}", length, plan, lanes([lane(1)], [lane(-1)]), link))
    for arm in range(4):
        for step in (1, 2, 3):
            other, name = (arm + step) % 4, f"1{arm}{step}"
            start, end = arm * math.pi / 2 + math.pi, other * math.pi / 2
            pose = (reach * math.cos(start - math.pi), reach * math.sin(start - math.pi), start)
            bend = {1: -1 / reach, 2: 0.0, 3: 1 / reach}[step]
            size = 2 * reach if step == 2 else reach * math.pi / 2
            piece = ("line" if step == 2 else "arc", size, bend, bend)
            link = "".join(
                f'<{way} elementType="road" elementId="{to}" contactPoint="start"/>'
                for way, to in (("predecessor", arm), ("successor", other))
            )
            own = lane(-1, links='<predecessor id="1"/><successor id="-1"/>')
            parts.append(
                road(name, size, plan_view(pose, (piece,)), lanes([], [own]), link).replace('"-1" >', '"9" >')
            )
            assert abs(math.remainder(start + bend * size - end, 2 * math.pi)) < 1e-9
            connections.append(
                f'<connection id="{name}" incomingRoad="{arm}" connectingRoad="{name}" contactPoint="start">'
                '<laneLink from="1" to="-1"/></connection>'
            )
    return xodr(*parts, f'<junction id="9" name="">{"".join(connections)}</junction>')


def osm(
    nodes: dict[int, tuple[float, float]], ways: Sequence[tuple[int, Sequence[int], dict[str, str]]]
) -> str:
    """Returns an OpenStreetMap file of nodes (lat, lon) and ways of them."""
    rows = [f'<node id="{k}" lat="{lat!r}" lon="{lon!r}"/>' for k, (lat, lon) in nodes.items()]
    for name, along, tags in ways:
        inside = "".join(f'<nd ref="{node}"/>' for node in along)
        inside += "".join(f'<tag k="{key}" v="{value}"/>' for key, value in tags.items())
        rows.append(f'<way id="{name}">{inside}</way>')
    return '<?xml version="1.0"?>\n<osm version="0.6">\n' + "\n".join(rows) + "\n</osm>"


def quarter(latitude: float = 48.1, longitude: float = 11.5, **tags: str) -> str:
    """Returns four blocks of about 110 by 75 m between six streets."""
    nodes = {
        10 * row + column: (latitude + 0.001 * row, longitude + 0.001 * column)
        for row in range(3)
        for column in range(3)
    }
    usual = {"highway": "residential"} | tags
    ways = [(100 + row, [10 * row + column for column in range(3)], usual) for row in range(3)]
    ways += [(200 + column, [10 * row + column for row in range(3)], usual) for column in range(3)]
    return osm(nodes, ways)
