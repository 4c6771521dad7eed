import math

import numpy as np
import pytest
from PIL import Image

from quadrivium.envs.navigation.maps.own import from_frame, in_frame
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
    assert read.origin == pytest.approx((-1.1, 1.9, 0))  # the frame is one cell wide


def test_negate_makes_black_free(tmp_path):
    meta = META.replace("negate: 0", "negate: 1")
    read = load_ros_map(write_map(tmp_path, [[WHITE, BLACK]], meta))
    assert read.occupied[1].tolist() == [True, True, False, True]


def floor(folder, pixels, **keys):
    """Returns which pixels (H, W) of an image are floor; keys: of the YAML."""
    path = folder / "map.yaml"
    Image.fromarray(np.array(pixels, np.uint8)).save(folder / "map.png")
    values = {"image": "map.png", "resolution": 0.1, "origin": "[0, 0, 0]", "negate": 0}
    values |= {"occupied_thresh": 0.65, "free_thresh": 0.196, **keys}
    path.write_text("".join(f"{key}: {value}\n" for key, value in values.items()))
    return (~load_ros_map(path).occupied[1:-1, 1:-1])[::-1].astype(int).tolist()


@pytest.mark.parametrize("mode", ["trinary", "scale", "raw"])
def test_what_is_transparent_is_unknown_in_every_mode_and_however_little_it_is(tmp_path, mode):
    free = 0 if mode == "raw" else 255  # in raw a shade is a percentage
    pixels = [[(free, free, free, alpha) for alpha in (255, 254, 128, 0)]]
    assert floor(tmp_path, pixels, mode=mode, free_thresh=0.4) == [[1, 0, 0, 0]]
    grey = np.array([[(free, 255), (free, 0)]], np.uint8)
    Image.fromarray(grey).save(tmp_path / "map.png")
    assert load_ros_map(tmp_path / "map.yaml").occupied[1].tolist() == [True, False, True, True]
    palette = Image.fromarray(np.array([[0, 1]], np.uint8), "P")
    palette.putpalette([free, free, free, free, free, free])
    palette.save(tmp_path / "map.png", transparency=1)
    assert load_ros_map(tmp_path / "map.yaml").occupied[1].tolist() == [True, False, True, True]


def test_a_transparent_shade_of_a_grey_image_is_unknown_at_8_and_at_16_bits(tmp_path):
    path = write_map(tmp_path, [[WHITE, 255, WHITE]], image="map.png")
    Image.fromarray(np.array([[WHITE, 255]], np.uint8)).save(tmp_path / "map.png", transparency=255)
    assert load_ros_map(path).occupied[1].tolist() == [True, False, True, True]
    deep = Image.fromarray(np.array([[65000, 65535]], np.uint16))
    deep.save(tmp_path / "map.png", transparency=65535)
    assert load_ros_map(path).occupied[1].tolist() == [True, False, True, True]


def test_205_is_unknown_whatever_free_thresh_says_and_nothing_between_it_and_white_is_floor(tmp_path):
    row = [WHITE, 240, 222, 206, GREY, BLACK]  # 205 is 0.1961 occupied
    assert floor(tmp_path, [row], free_thresh=0.25) == [[1, 1, 0, 0, 0, 0]]
    assert floor(tmp_path, [row], free_thresh=0.196) == [[1, 1, 1, 1, 0, 0]]
    without = [WHITE, 240, 222, 206, 192, BLACK]  # none of it says unknown: as ROS reads it
    assert floor(tmp_path, [without], free_thresh=0.25) == [[1, 1, 1, 1, 1, 0]]
    colours = [[(shade, shade, shade) for shade in row]]
    assert floor(tmp_path, colours, free_thresh=0.25) == [[1, 1, 0, 0, 0, 0]]
    # In `scale` a shade is a cost, and unknown is what is transparent.
    assert floor(tmp_path, [row], free_thresh=0.25, mode="scale") == [[1, 1, 1, 1, 1, 0]]


def test_a_colour_has_the_mean_of_its_channels(tmp_path):
    # Means 254, 170, 191.7, 170, 85, 85, 85; 1 - mean / 255 below 0.3 is floor.
    row = [(WHITE,) * 3, (255, 255, 0), (255, 200, 120), (0, 255, 255), (0, 255, 0), (0, 0, 255), (255, 0, 0)]
    assert floor(tmp_path, [row], free_thresh=0.3) == [[1, 0, 1, 0, 0, 0, 0]]
    assert floor(tmp_path, [row], free_thresh=0.34) == [[1, 1, 1, 1, 0, 0, 0]]


def test_a_pixel_at_free_thresh_is_not_below_it(tmp_path):
    assert floor(tmp_path, [[153, 254]], free_thresh=0.4) == [[0, 1]]  # 102 / 255 is 0.4
    assert floor(tmp_path, [[51, 0]], free_thresh=0.2, negate=1) == [[0, 1]]  # 51 / 255 is 0.2


def test_raw_shades_are_percentages_and_above_100_unknown(tmp_path):
    assert floor(tmp_path, [[0, 19, 20, 100, 101, 205, 255]], mode="raw") == [[1, 1, 0, 0, 0, 0, 0]]


def test_tabs_separate_as_spaces_do_and_a_line_that_is_wrong_is_named(tmp_path):
    meta = META.replace(": ", ":\t").replace("\n", "\t# note\n").replace("{image}", '"{image}"')
    assert load_ros_map(write_map(tmp_path, [[WHITE]], meta)).resolution == 0.1
    assert "(line 2: " in fault(tmp_path, META.replace("resolution", "\tresolution"))
    assert "(line 7: 'resolution' is given twice); mend it there" in fault(
        tmp_path, META + "resolution: 0.2\n"
    )
    assert "(line 7: " in fault(tmp_path, META + "---\nimage: b.pgm\n")


def test_a_yaml_of_windows_is_read(tmp_path):
    path = write_map(tmp_path, [[WHITE]])
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert load_ros_map(path).resolution == 0.1


def test_numbers_in_an_origin_may_have_exponents(tmp_path):
    path = write_map(tmp_path, [[WHITE]], META.replace("[-1.0, 2.0, 0.0]", "[-1e1, 5e-1, 0]"))
    assert load_ros_map(path).origin == pytest.approx((-10.1, 0.4, 0))


def test_a_turned_map_has_its_corner_and_its_places_turned_about_the_origin(tmp_path):
    yaw = math.pi / 2
    meta = META.replace("[-1.0, 2.0, 0.0]", f"[-1.0, 2.0, {yaw}]")
    read = load_ros_map(write_map(tmp_path, [[WHITE, WHITE]], meta))
    # The image's corner is (-1, 2), its rows run along -x: the frame's is 0.1 m to the right and below.
    assert read.origin == pytest.approx((-0.9, 1.9, yaw))
    # The middle of the second pixel is 0.15 m along y and 0.05 m along -x from the image's corner.
    assert in_frame(read.origin, 0.25, 0.15) == pytest.approx((-1.05, 2.15))
    assert from_frame(read.origin, -1.05, 2.15) == pytest.approx((0.25, 0.15))


def test_of_a_large_map_what_is_unknown_around_the_rest_is_cut_off(tmp_path):
    shades = np.full((700, 600), GREY, np.uint8)
    shades[100:130, 50:60] = WHITE  # from the top: rows 570 to 599 from below
    read = load_ros_map(write_map(tmp_path, shades))
    assert read.occupied.shape == (32, 12)
    assert not read.occupied[1:-1, 1:-1].any()
    assert read.origin == pytest.approx((-1.0 + 49 * 0.1, 2.0 + 569 * 0.1, 0))
    small = load_ros_map(write_map(tmp_path, shades[:200]))  # as it is
    assert small.occupied.shape == (202, 602)


def test_images_with_more_than_16_bits_a_pixel_are_named(tmp_path):
    for deep in (np.full((3, 3), 0.5, np.float32), np.full((3, 3), 100_000, np.int32)):
        Image.fromarray(deep).save(tmp_path / "deep.tiff")
        (tmp_path / "map.yaml").write_text(META.format(image="deep.tiff"))
        with pytest.raises(ValueError, match=r"deep.tiff, named by .*map.yaml, is broken; save it again as"):
            load_ros_map(tmp_path / "map.yaml")


def test_an_image_that_is_cut_off_is_to_be_saved_again(tmp_path):
    for image in ("map.pgm", "map.png"):
        path = write_map(tmp_path, np.random.default_rng(0).integers(0, 255, (40, 40)), image=image)
        whole = (tmp_path / image).read_bytes()
        (tmp_path / image).write_bytes(whole[: len(whole) // 2])
        with pytest.raises(ValueError, match=r"is broken; save it again as .pgm or .png$"):
            load_ros_map(path)
        (tmp_path / image).write_bytes(whole)
        assert load_ros_map(path).occupied.shape == (42, 42)


def test_every_fault_of_a_map_is_one_line_with_the_file_and_the_remedy(tmp_path):
    assert "resolution is -1; give a number, the metres" in fault(tmp_path, META.replace("0.1\n", "-1\n", 1))
    assert "resolution is 'a'; give a number" in fault(tmp_path, META.replace("0.1\n", "a\n", 1))
    assert "lacks origin; a map has image" in fault(tmp_path, META.replace("origin: [-1.0, 2.0, 0.0]\n", ""))
    assert "origin is [0]; give [x, y, yaw]" in fault(tmp_path, META.replace("[-1.0, 2.0, 0.0]", "[0]"))
    assert "free_thresh is 0.9" in fault(tmp_path, META.replace("0.196", "0.9"))
    assert "negate is 7; give 0" in fault(tmp_path, META.replace("negate: 0", "negate: 7"))
    assert "mode is 'row'; give trinary or scale or raw" in fault(tmp_path, META + "mode: row\n")
    both = META.replace("negate: 0", "negate: 1") + "mode: raw\n"
    assert "give negate: 0" in fault(tmp_path, both)
    assert "is no YAML" in fault(tmp_path, "a: [b\n")
    assert "holds no mapping; give the keys" in fault(tmp_path, "just words\n")
    assert "no pixel is free" in fault(tmp_path, shades=[[BLACK, GREY]])
    assert "cannot be read (No such file" in fault(tmp_path, META.replace("{image}", "other.pgm"))


def test_an_image_that_is_none_and_one_of_absurd_size_are_named(tmp_path):
    (tmp_path / "text.png").write_text("words")
    assert "text.png, named by" in fault(tmp_path, META.replace("{image}", "text.png"))
    path = write_map(tmp_path, np.full((4001, 4000), WHITE))
    with pytest.raises(ValueError, match="4000 x 4001 pixels are known; at most 16,000,000 are driven in"):
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
    for width in (10_001, 200_000):  # Pillow warns of the one, and refuses the other
        path = write_map(tmp_path, shades)
        (tmp_path / "map.pgm").write_bytes(b"P5\n%d %d\n255\n" % (width, width))
        with pytest.raises(ValueError, match="pixels; at most 100,000,000 are read: cut off"):
            load_ros_map(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"gone.yaml cannot be read \(No such file or directory\); give"):
        load_ros_map(tmp_path / "gone.yaml")
    image = write_map(tmp_path, [[WHITE]]).with_name("map.pgm")
    with pytest.raises(ValueError, match=r"map.pgm is no YAML; give the .yaml beside the image"):
        load_ros_map(image)
