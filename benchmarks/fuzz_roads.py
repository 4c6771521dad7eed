"""Do road maps of one's own, however broken, come to more than one line, or to roads with a gap?

    python benchmarks/fuzz_roads.py [--count 10000] [--seed 0] [--only xodr osm]

OpenDRIVE and OpenStreetMap files are drawn, with the writers of the tests, and three of four are broken. Each
must be read, or refused by one line that says something; a whole one is never refused. Of what is read, every
lane must have a length and finite places, lead on only where it touches, and be found in its own grid.
"""

import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
from fuzz import Kind, broken, run

from quadrivium.envs.driving.roads.maps.own import READERS, own_plan
from quadrivium.envs.driving.roads.network import Lane, Network, lane_of

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT))

from tests.envs.driving.roads.maps import writer  # noqa: E402 (the root is found first)

FOLDER = Path(tempfile.mkdtemp(prefix="fuzz_roads_"))
TAGS = (
    *({}, {"oneway": "yes"}, {"lanes": "4"}, {"maxspeed": "30 mph"}, {"highway": "primary", "lanes": "3"}),
    *({"width": "7.5"}, {"lanes:forward": "2", "lanes:backward": "1", "lanes": "3"}),
)


class RoadFile(NamedTuple):
    """A file and whether it is whole."""

    text: str
    whole: bool


def make_xodr(rng: np.random.Generator) -> RoadFile:
    """Returns a block, a crossing or a road alone, whole or broken."""
    way = rng.integers(3)
    text = writer.crossing() if way == 0 else writer.block(float(rng.uniform(5, 120)), both=bool(way == 1))
    return _perhaps_broken(text, rng)


def make_osm(rng: np.random.Generator) -> RoadFile:
    """Returns four blocks, whole or broken."""
    tags = TAGS[rng.integers(len(TAGS))]
    text = writer.quarter(float(rng.uniform(-70, 70)), float(rng.uniform(-179, 179)), **tags)
    return _perhaps_broken(text, rng)


def _perhaps_broken(text: str, rng: np.random.Generator) -> RoadFile:
    whole = rng.random() < 0.25
    return RoadFile(text if whole else broken([text], rng), bool(whole))


def check(kind: str, file: RoadFile) -> None:
    """Reads a file and looks at every lane."""
    path = FOLDER / f"roads.{kind}"
    path.write_bytes(file.text.encode(errors="surrogatepass"))
    try:
        roads = READERS[path.suffix](path)
        plan = own_plan(path, 0, 20.0, 2000.0, 0)
    except ValueError as error:
        if file.whole:
            raise AssertionError(f"a whole file is refused: {error}") from error
        raise
    network = plan.network
    assert len(network.lanes) == sum(len(roads.lanes(*road)) for road in roads.roads)
    every = [lane_of(row) for row in network.lanes]
    for row, lane in zip(network.lanes, every, strict=True):
        assert lane.length > 0
        assert np.isfinite(np.stack(lane.point(np.linspace(0, lane.length, 9)))).all()
        for link in network.links[row["first_link"] + 1 : row["end_link"]]:
            ends = (lane, every[link["lane"]])[:: 1 if link["offset"] > 0 else -1]
            apart = np.hypot(*np.subtract(ends[0].end, ends[1].start))
            assert apart < 1.01, f"lanes that are linked are {apart:.2f} m apart"
        _near(network, int(row["road"]), lane)


def _near(network: Network, road: int, lane: Lane) -> None:
    grid = network.grids[0]
    x, y = lane.point(lane.length / 2)
    cell = int((y - grid["y"]) // 8) * int(grid["columns"]) + int((x - grid["x"]) // 8)
    near = network.near[network.cells[cell] : network.cells[cell + 1]]
    assert road in network.lanes["road"][near], "a lane is not near its own middle"


KINDS = {
    "xodr": Kind(make_xodr, lambda file: check("xodr", file)),
    "osm": Kind(make_osm, lambda file: check("osm", file)),
}

if __name__ == "__main__":
    sys.exit(run(__doc__, KINDS))
