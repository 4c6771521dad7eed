import numpy as np
import pytest
from PIL import Image

from envs.navigation.maps.ros import load_ros_map

META = """image: {image}
resolution: 0.1
origin: [-1.0, 2.0, 0.0]
negate: 0
occupied_thresh: 0.65
free_thresh: 0.196
"""
WHITE, GREY, BLACK = 254, 205, 0


def write_map(folder, shades, meta=META, image="map.pgm"):
    Image.fromarray(np.array(shades, np.uint8)).save(folder / image)
    (folder / "map.yaml").write_text(meta.format(image=image))
    return folder / "map.yaml"


def fault(folder, meta=None, shades=((WHITE, BLACK),)):
    path = write_map(folder, shades, META if meta is None else meta)
    with pytest.raises(ValueError, match=r"^[^\n]+$") as error:
        load_ros_map(path)
    message = str(error.value)
    assert message.startswith(str(folder))
    return message.replace(str(folder), "")


@pytest.mark.parametrize("image", ["map.pgm", "map.png"])
def test_white_is_free_black_and_grey_are_not_and_the_last_row_of_the_image_is_the_first_of_the_map(
    tmp_path, image
):
    read = load_ros_map(write_map(tmp_path, [[WHITE, GREY, BLACK], [WHITE, WHITE, BLACK]], image=image))
    assert (~read.occupied).astype(int).tolist() == [
        [0, 0, 0, 0, 0],
        [0, 1, 1, 0, 0],
        [0, 1, 0, 0, 0],
        [0, 0, 0, 0, 0],
    ]
    assert read.resolution == 0.1
    assert read.origin == pytest.approx((-1.1, 1.9))  # the frame is one cell wide


def test_negate_makes_black_free(tmp_path):
    meta = META.replace("negate: 0", "negate: 1")
    read = load_ros_map(write_map(tmp_path, [[WHITE, BLACK]], meta))
    assert read.occupied[1].tolist() == [True, True, False, True]


def test_every_fault_of_a_map_is_one_line_with_the_file_and_the_remedy(tmp_path):
    assert "resolution is -1.0; give the metres" in fault(tmp_path, META.replace("0.1\n", "-1\n", 1))
    assert "resolution is 'a'; give a number" in fault(tmp_path, META.replace("0.1\n", "a\n", 1))
    assert "lacks origin; a map has image" in fault(tmp_path, META.replace("origin: [-1.0, 2.0, 0.0]\n", ""))
    assert "origin has a yaw of 1.0; turn" in fault(tmp_path, META.replace("0.0]", "1.0]"))
    assert "origin is [0]; give [x, y, yaw]" in fault(tmp_path, META.replace("[-1.0, 2.0, 0.0]", "[0]"))
    assert "free_thresh is 0.9" in fault(tmp_path, META.replace("0.196", "0.9"))
    assert "negate is 7; give 0" in fault(tmp_path, META.replace("negate: 0", "negate: 7"))
    assert "mode is 'raw'; give trinary" in fault(tmp_path, META + "mode: raw\n")
    assert "is no YAML" in fault(tmp_path, "a: [b\n")
    assert "holds no mapping; give the keys" in fault(tmp_path, "just words\n")
    assert "no pixel is free" in fault(tmp_path, shades=[[BLACK, GREY]])
    assert "cannot be read (No such file" in fault(tmp_path, META.replace("{image}", "other.pgm"))


def test_an_image_that_is_none_and_one_of_absurd_size_are_named(tmp_path):
    (tmp_path / "text.png").write_text("words")
    assert "text.png, named by" in fault(tmp_path, META.replace("{image}", "text.png"))
    path = write_map(tmp_path, np.full((2001, 2000), WHITE))
    with pytest.raises(ValueError, match="2000 x 2001 pixels; at most 4,000,000"):
        load_ros_map(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"gone.yaml cannot be read \(No such file or directory\); give"):
        load_ros_map(tmp_path / "gone.yaml")
    image = write_map(tmp_path, [[WHITE]]).with_name("map.pgm")
    with pytest.raises(ValueError, match=r"map.pgm is no YAML; give the .yaml beside the image"):
        load_ros_map(image)
