import math
import re

import numpy as np
import pytest
from PIL import Image

from quadrivium.envs.navigation.maps.own import from_frame, in_frame
from quadrivium.envs.navigation.maps.stage import load_stage_world

# Dark walls around a room of 3 x 2 pixels, with a light margin around them.
BITMAP = """
.......
.#####.
.#...#.
.#.#.#.
.#####.
.......
"""
WORLD = """# a world
include "map.inc"
resolution 0.02
window ( size [ 600 600 ] center [0 0] )
floorplan
(
  name "cave"
  size [5.000 4.000 0.600]
  pose [{pose}]
  bitmap "pictures/cave.png"  # beside
)
pioneer2dx ( name "r0" pose [-7 -7 0 45] sicklaser( ctrl "wander" ) )
"""
MACROS = """define floorplan model
(
  color "gray30"
  boundary 1
  size [1 1 1]
)
define zone model ( color "orange" size [ 4 4 0.01 ] )
"""


def write_world(folder, text=WORLD, bitmap=BITMAP, pose="0 0 0 0", macros=MACROS):
    (folder / "pictures").mkdir(exist_ok=True)
    light = np.array([[cell == "." for cell in line] for line in bitmap.split()])
    Image.fromarray(np.where(light, 200, 100).astype(np.uint8)).save(folder / "pictures" / "cave.png")
    (folder / "map.inc").write_text(macros)
    (folder / "cave.world").write_text(text.replace("{pose}", pose))
    return folder / "cave.world"


def floor(read):
    return (~read.occupied[1:-1, 1:-1])[::-1].astype(int).tolist()


def test_the_box_around_the_walls_is_as_large_as_the_size_and_its_middle_is_at_the_pose(tmp_path):
    read = load_stage_world(write_world(tmp_path, pose="10 20 0 0"))
    assert floor(read) == [[0, 0, 0, 0, 0], [0, 1, 1, 1, 0], [0, 1, 0, 1, 0], [0, 0, 0, 0, 0]]
    assert read.resolution == 1.0
    assert read.origin == pytest.approx((10 - 2.5 - 1, 20 - 2 - 1, 0))  # the frame is one cell wide


def test_a_pose_turns_by_degrees_about_its_place_and_an_origin_moves_the_walls_in_the_model(tmp_path):
    read = load_stage_world(write_world(tmp_path, pose="10 20 0 90"))
    # The corner (-2.5, -2) of the box is at (2, -2.5) when turned; the frame's is a cell further on.
    assert read.origin == pytest.approx((10 + 2 + 1, 20 - 2.5 - 1, math.pi / 2))
    assert in_frame(read.origin, *from_frame(read.origin, 3.0, 4.0)) == pytest.approx((3.0, 4.0))
    moved = load_stage_world(
        write_world(tmp_path, WORLD.replace("bitmap", "origin [1 0 0 0] bitmap"), pose="10 20 0 90")
    )
    assert moved.origin == pytest.approx((read.origin[0], read.origin[1] + 1, math.pi / 2))


def test_lengths_and_angles_may_have_units(tmp_path):
    text = 'unit_length "cm"\nunit_angle "radians"\n' + WORLD.replace("[5.000 4.000", "[500 400")
    read = load_stage_world(write_world(tmp_path, text, pose="1000 2000 0 0.5"))
    assert read.resolution == pytest.approx(1.0)
    assert read.origin[2] == pytest.approx(0.5)
    assert in_frame(read.origin, 3.5, 3.0) == pytest.approx(
        (10.0, 20.0)
    )  # the middle, in the frame of a cell


def test_pixels_that_are_not_square_become_cells_as_wide_as_their_narrower_side(tmp_path):
    read = load_stage_world(write_world(tmp_path, WORLD.replace("[5.000 4.000", "[5.000 8.000")))
    assert read.resolution == 1.0
    assert floor(read) == [
        row for row in ([0] * 5, [0, 1, 1, 1, 0], [0, 1, 0, 1, 0], [0] * 5) for _ in range(2)
    ]


def test_a_map_without_a_macro_of_its_own_is_the_only_model_with_a_bitmap(tmp_path):
    read = load_stage_world(
        write_world(tmp_path, WORLD.replace("floorplan", "model").replace('include "map.inc"', ""))
    )
    assert read.resolution == 1.0


def test_every_fault_of_a_world_is_one_line_with_what_is_wrong(tmp_path):
    def fault(old="", new="", **how):
        path = write_world(tmp_path, WORLD.replace(old, new), **how)
        with pytest.raises(ValueError, match=r"^[^\n]+$") as error:
            load_stage_world(path)
        return re.sub(r"\S*/", "", str(error.value))

    assert "cave.world has 0 models with a bitmap (none); give a world with one floorplan" in fault(
        "bitmap", "picture"
    )
    two = WORLD + 'floorplan ( bitmap "b.png" )'
    assert "has 2 models with a bitmap (floorplan in line 5, floorplan in line 13)" in fault(WORLD, two)
    assert "size of floorplan in line 5 is '5'; give size [width depth height]" in fault(
        "[5.000 4.000 0.600]", "5"
    )
    assert "pose of floorplan in line 5 is ['a']; give pose [x y z degrees]" in fault(pose="a")
    assert "makes pixels of 0.0001 x 1 m; give one that makes them about square" in fault("[5.000", "[0.0005")
    assert "its bitmap has no walls, which are dark" in fault(bitmap="...\n...")
    assert "its bitmap has no floor between its walls" in fault(bitmap="##\n##")
    assert "cave.png, named by cave.world, cannot be read (No such file" in fault("cave.png", "gone/cave.png")
    assert "gone.inc cannot be read (No such file or directory); give a .world and all that it" in fault(
        "map.inc", "gone.inc"
    )
    assert "map.inc includes itself, or too much" in fault(macros='include "map.inc"')
    assert "unit_length is 'ft'; give m or cm or mm" in fault("resolution", "unit_length ft resolution")
    assert "cave.world, line 7: a text in quotes has no end" in fault('"cave"', '"cave')
    assert "cave.world ends too soon: a bracket is open" in fault('"wander" ) )', '"wander" )')
    assert "cave.world, line 6: '(' where a name or a value is expected" in fault(
        "floorplan\n(", "floorplan (\n("
    )
    assert "cave.world, line 5: '(' is missing after 'model'" in fault("floorplan\n(", "define x model")
