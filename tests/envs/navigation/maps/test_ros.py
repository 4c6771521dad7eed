import numpy as np
import pytest
from PIL import Image

from quadrivium.envs.navigation.maps.ros import load_ros_map

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


def test_values_that_are_no_numbers_or_none_that_a_map_can_have_are_named(tmp_path):
    origin, size, image = "[-1.0, 2.0, 0.0]", "resolution: 0.1", "{image}"
    for bad in ("[.nan, 0, 0]", "[0, .inf, 0]", "[0, 0, .nan]", "[true, 0, 0]"):
        assert "give [x, y, yaw]" in fault(tmp_path, META.replace(origin, bad))
    assert "resolution is nan; give a number" in fault(tmp_path, META.replace(size, "resolution: .nan"))
    assert "; give a number" in fault(tmp_path, META.replace(size, "resolution: 1" + 400 * "0"))
    for bad in ("", "[a]", "5", r'"a\0b"', r'"a\nb"'):
        assert "; give the name of a .pgm or .png" in fault(tmp_path, META.replace(image, bad))
    for bad in ("[" * 3000, "image: 2020-13-45\n", "negate: 1" + 5000 * "0"):
        assert "is no YAML" in fault(tmp_path, bad)
    aliases = "".join(f"k{n}: &k{n} [{', '.join(9 * [f'*k{n - 1}'])}]\n" for n in range(1, 12))
    laughs = "k0: &k0 [0]\n" + aliases + META.replace(origin, "*k11")
    assert len(fault(tmp_path, laughs)) < 2000


def test_a_resolution_with_an_exponent_is_a_number(tmp_path):
    meta = META.replace("resolution: 0.1", "resolution: 5e-2")
    assert load_ros_map(write_map(tmp_path, [[WHITE]], meta)).resolution == 0.05


def test_images_of_16_bits_have_the_same_shades(tmp_path):
    shades = np.array([[WHITE, GREY, BLACK]], np.uint16) * 257
    Image.fromarray(shades).save(tmp_path / "deep.png")
    header = b"P5\n3 1\n65535\n"
    (tmp_path / "deep.pgm").write_bytes(header + shades.astype(">u2").tobytes())
    for image in ("deep.png", "deep.pgm"):
        (tmp_path / "map.yaml").write_text(META.format(image=image))
        assert load_ros_map(tmp_path / "map.yaml").occupied[1].tolist() == [True, False, True, True, True]


def test_a_broken_image_is_named_whatever_byte_of_it_is_wrong(tmp_path):
    rng = np.random.default_rng(0)
    shades = np.full((9, 9), WHITE)
    for image in ("map.pgm", "map.png"):
        path = write_map(tmp_path, shades, image=image)
        whole = np.frombuffer((tmp_path / image).read_bytes(), np.uint8)
        named = 0
        for _ in range(300):
            broken = whole.copy()
            broken[rng.integers(min(len(whole), 60))] = rng.integers(256)
            (tmp_path / image).write_bytes(broken.tobytes())
            try:
                load_ros_map(path)
            except ValueError as error:
                named += 1
                assert str(path) in str(error) or image in str(error)  # noqa: PT017
                assert "\n" not in str(error)  # noqa: PT017
        assert named > 30
    for width in (10_000, 200_000):  # Pillow warns of the one, and refuses the other
        path = write_map(tmp_path, shades)
        (tmp_path / "map.pgm").write_bytes(b"P5\n%d %d\n255\n" % (width, width))
        with pytest.raises(ValueError, match="pixels; at most 4,000,000 are driven in"):
            load_ros_map(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"gone.yaml cannot be read \(No such file or directory\); give"):
        load_ros_map(tmp_path / "gone.yaml")
    image = write_map(tmp_path, [[WHITE]]).with_name("map.pgm")
    with pytest.raises(ValueError, match=r"map.pgm is no YAML; give the .yaml beside the image"):
        load_ros_map(image)
