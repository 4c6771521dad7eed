"""Do maps of one's own, however broken, come to more than one line, or to a world that is not the map's?

    python benchmarks/fuzz_maps.py [--count 10000] [--seed 0] [--only ros map scen world]

Plans are drawn and written down. `ros`: a YAML, and an image in one of the forms that map servers and
painting programs write; of four, one is left whole, two have their YAML broken, one its image. `map`, `scen`:
a MovingAI map and its pairs, either broken. `world`: Stage's, or what it includes, broken. Every one must be
read, or refused by one line that says something; a whole one is refused only where no robot has room. The
free space of the world that is made of what is read is compared, cell by cell, with that of readers written
here for the purpose: of YAML by other means, of PGM, PNG and MovingAI's maps from their bytes.
"""

import io
import re
import struct
import sys
import tempfile
import zlib
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import yaml
from fuzz import Kind, broken, run
from PIL import Image

from quadrivium.envs.navigation.maps.bank import MapBank
from quadrivium.envs.navigation.maps.choice import choose_bank

FOLDER = Path(tempfile.mkdtemp(prefix="fuzz_maps_"))
FORMS = ("P5", "P2", "L", "1", "LA", "RGB", "RGBA", "P", "I;16")
SHADES = np.array([0, 0, 0, 25, 50, 100, 127, 178, 205, 205, 230, 253, 254, 254, 254, 254, 255, 255])


class RosFiles(NamedTuple):
    """A map in ROS form, as it stands on disk."""

    meta: str
    image: bytes
    name: str  # of the image
    whole: bool


def image_bytes(shades: np.ndarray, form: str, rng: np.random.Generator) -> bytes:
    """Returns a picture of shades (H, W) uint8, some of it transparent where the form can."""
    rows, columns = shades.shape
    if form in ("P5", "P2"):
        note = ("# CREATOR: map_saver 0.050 m/pix\n", "", "# a\n#\n")[rng.integers(3)]
        head = f"{form}\n{note}{columns} {rows}\n255\n"
        if form == "P5":
            return head.encode() + shades.tobytes()
        return (head + "\n".join(" ".join(map(str, row)) for row in shades.tolist()) + "\n").encode()
    clear = np.where(rng.random(shades.shape) < 0.1, rng.integers(0, 255, shades.shape), 255)
    if form == "1":
        picture = Image.fromarray(shades > 127)
    elif form == "I;16":
        picture = Image.fromarray(shades.astype(np.uint16) * 257)
    elif form == "P":
        picture = Image.fromarray(shades, "P")
        picture.putpalette([int(n) for grey in range(256) for n in (grey, grey, grey)])
    elif form in ("RGB", "RGBA"):
        colours = np.repeat(shades[..., None], 3, axis=2)
        coloured = rng.random(shades.shape) < 0.1
        colours[coloured] = rng.integers(0, 256, (int(coloured.sum()), 3))
        picture = Image.fromarray(colours if form == "RGB" else np.dstack([colours, clear.astype(np.uint8)]))
    elif form == "LA":
        picture = Image.fromarray(np.dstack([shades, clear.astype(np.uint8)]))
    else:
        picture = Image.fromarray(shades)
    file = io.BytesIO()
    see_through = {"transparency": int(SHADES[rng.integers(len(SHADES))])} if form in ("P", "L") else {}
    picture.save(file, "png", **(see_through if rng.random() < 0.3 else {}))
    return file.getvalue()


def make_ros(rng: np.random.Generator) -> RosFiles:
    """Returns a map in ROS form: whole, or broken in its YAML or in its image."""
    form = FORMS[rng.integers(len(FORMS))]
    shades = SHADES[rng.integers(len(SHADES), size=rng.integers(4, 24, 2))].astype(np.uint8)
    shades[1:-1, 1:-1][rng.random((shades.shape[0] - 2, shades.shape[1] - 2)) < 0.7] = 254
    name = "map.pgm" if form in ("P5", "P2") else "map.png"
    low = (0.196, 0.25, 0.1, 0.5, 0.4)[rng.integers(5)]
    keys = {
        "image": name,
        "resolution": ("0.6", "1.0", "8e-1", ".7")[rng.integers(4)],
        "origin": ("[-1.0, 2.0, 0.0]", "[0, 0, 1.57]", "\n- 1\n- -2e1\n- 0")[rng.integers(3)],
        "negate": ("0", "1", "false", "True")[min(int(rng.integers(8)), 3)],
        "occupied_thresh": "0.65",
        "free_thresh": str(low),
    }
    if rng.random() < 0.4:
        keys["mode"] = ("trinary", "scale", "raw")[rng.integers(3)]
        keys["negate"] = "0" if keys["mode"] == "raw" else keys["negate"]
    if keys.get("mode") == "raw":
        shades = np.where(shades == 254, 0, shades).astype(np.uint8)
    elif keys["negate"] in ("1", "True"):
        shades = 255 - shades
    meta, image = "".join(f"{key}: {value}\n" for key, value in keys.items()), image_bytes(shades, form, rng)
    way = rng.integers(4)
    if way in (1, 2):
        meta = broken([meta], rng)
    elif way == 3:
        image = broken([image.decode("latin-1")], rng).encode("latin-1", errors="replace")
    return RosFiles(meta, image, name, bool(way == 0))


def check_ros(files: RosFiles) -> None:
    """Makes the bank of a map, and compares its free cells with those that the readers below find."""
    path = FOLDER / "map.yaml"
    path.write_bytes(files.meta.encode(errors="surrogatepass"))
    (FOLDER / files.name).write_bytes(files.image)
    try:
        bank = bank_of(path)
    except ValueError as error:
        if files.whole and not re.search("has no room|no pixel is free", str(error)):
            raise AssertionError(f"a whole map is refused: {error}") from error
        raise
    keys = keys_of(files.meta)
    assert keys["image"] == files.name, f"another image was read: {keys['image']!r}"
    free = free_cells(keys, *(read_pgm if files.image[:1] == b"P" else read_png)(files.image))
    assert np.array_equal(bank.occupied[0, 1:-1, 1:-1] == 0, free[::-1]), "free where it is not, or otherwise"
    assert bank.resolution == float(keys["resolution"])


def bank_of(path: Path) -> MapBank:
    """Returns what an environment makes of a map, in which a cell without a size is 1 m wide."""
    usual: dict[str, Any] = {"split": "train", "count": 1, "size": 64, "robot_radius": 0.2, "goals": 4}
    return choose_bank(str(path), resolution=1.0, pairs=True, **usual)


def keys_of(text: str) -> dict[str, object]:
    """Returns what a YAML says, by PyYAML, tabs between words being spaces."""
    read = yaml.safe_load(text.replace("\t", " ").lstrip("\ufeff"))
    assert isinstance(read, dict), f"is no mapping, and was read: {read!r}"
    return read


def free_cells(keys: dict[str, object], total: np.ndarray, parts: int, opaque: np.ndarray) -> np.ndarray:
    """Returns which pixels are floor, by the rules of docs/navigation.md, in exact fractions.

    total: (H, W) int, the sum of `parts` times the shade of a pixel, from 0 to 255.
    """
    low, mode = Fraction(float(keys["free_thresh"])), keys.get("mode", "trinary")
    negate = keys.get("negate", 0) in (1, True)
    free = np.zeros(total.shape, np.bool_)
    grey = mode == "trinary" and not negate
    for raw_205 in (False, True):  # whether the picture says unknown where free_thresh would say floor
        for place in np.ndindex(total.shape):
            shade = Fraction(int(total[place]), parts)
            share = shade / 255 if negate else 1 - shade / 255
            if mode == "raw":
                share = Fraction(round(float(shade)), 100)
            # As the map servers compute it, in float64: 102 / 255 is 0.4.
            is_free = bool(opaque[place]) and float(share) < float(low)
            free[place] = is_free and not (raw_205 and shade * 2 <= 254 + 205)
        said = np.abs(total / parts - 205) < 0.5
        if not (grey and (said & free).any()):
            break
    return free


def read_pgm(data: bytes) -> tuple[np.ndarray, int, np.ndarray]:
    """Returns the shades of a P2 or P5 file of 8 bits; see `free_cells`."""
    tokens, at, wanted = list[bytes](), 0, 4
    while len(tokens) < wanted:
        found = re.compile(rb"(?:\s|#[^\n\r]*[\n\r])*([^\s#]+)").match(data, at)
        assert found, "a header that breaks off was read"
        tokens.append(found[1])
        at = found.end()
    columns, rows, most = (int(n) for n in tokens[1:])
    if tokens[0] == b"P5":
        values = np.frombuffer(data[at + 1 :], ">u2" if most > 255 else np.uint8)
    else:
        assert tokens[0] == b"P2", f"{tokens[0]!r} was read"
        values = np.array([int(n) for n in re.sub(rb"#[^\n\r]*", b" ", data[at:]).split()[: rows * columns]])
    assert len(values) >= rows * columns, "a picture that breaks off was read"
    values = values[: rows * columns].reshape(rows, columns).astype(np.int64)
    assert values.max() <= most, "a shade above the highest was read"
    if most > 255:
        return np.round(values * 65535 / most).astype(np.int64), 257, np.ones(values.shape, np.bool_)
    return np.round(values * 255 / most).astype(np.int64), 1, np.ones(values.shape, np.bool_)


def read_png(data: bytes) -> tuple[np.ndarray, int, np.ndarray]:
    """Returns the shades of a PNG that is not interlaced, and where it is opaque; see `free_cells`."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n", "what is no PNG was read"
    at, chunks = 8, dict[bytes, bytes]()
    while b"IEND" not in chunks:
        if at + 8 > len(data) and b"IDAT" in chunks:
            break  # its end is missing, and nothing of its pixels
        assert at + 8 <= len(data), "a PNG that breaks off was read"
        size, name = struct.unpack(">I4s", data[at : at + 8])
        body = data[at + 8 : at + 8 + size]
        assert name == b"IEND" or zlib.crc32(name + body) == int.from_bytes(
            data[at + 8 + size : at + 12 + size], "big"
        ), f"a chunk {name!r} whose checksum is wrong was read"
        chunks[name] = chunks.get(name, b"") + body
        at += 12 + size
    columns, rows, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    assert not interlaced
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    width, apart = (columns * channels * depth + 7) // 8, max(channels * depth // 8, 1)
    packed, lines = zlib.decompress(chunks[b"IDAT"]), np.zeros((rows + 1, width + apart), np.int64)
    for i in range(rows):
        kind, line = packed[i * (width + 1)], packed[i * (width + 1) + 1 : (i + 1) * (width + 1)]
        for j, value in enumerate(line):
            left, up, corner = lines[i + 1, j], lines[i, j + apart], lines[i, j]
            nearest = min((left, up, corner), key=lambda one: abs(left + up - corner - one))
            guess = (0, left, up, (left + up) // 2, nearest)[kind]
            lines[i + 1, j + apart] = (value + guess) % 256
    raw = lines[1:, apart:].astype(np.uint8)
    if depth < 8:
        bits = np.unpackbits(raw, axis=1).reshape(rows, -1, depth)
        raw = (bits @ (1 << np.arange(depth)[::-1]))[:, :columns].astype(np.int64)
    elif depth == 16:
        raw = raw.view(">u2").astype(np.int64)
    raw = raw.reshape(rows, columns, channels).astype(np.int64)
    marked = chunks.get(b"tRNS")
    opaque = np.ones((rows, columns), np.bool_)
    if colour == 3:
        palette = np.frombuffer(chunks[b"PLTE"], np.uint8).reshape(-1, 3).astype(np.int64)
        alpha = np.r_[np.frombuffer(marked or b"", np.uint8), np.full(256, 255, np.uint8)]
        return palette[raw[..., 0]].sum(axis=2), 3, alpha[raw[..., 0]] == 255
    if colour in (4, 6):
        opaque = raw[..., -1] == 255
    elif marked is not None:
        opaque = (raw != np.frombuffer(marked, ">u2")[:channels]).any(axis=2)
    if colour in (2, 6):
        return raw[..., :3].sum(axis=2), 3, opaque
    return raw[..., 0] * {1: 255, 2: 85, 4: 17}.get(depth, 1), 257 if depth == 16 else 1, opaque


class Texts(NamedTuple):
    """Files of text by name."""

    files: dict[str, str]


def make_movingai(rng: np.random.Generator, pairs: bool) -> Texts:
    """Returns a MovingAI map and its pairs: the pairs broken, or the map, or nothing."""
    rows, columns = rng.integers(3, 16, 2)
    cells = rng.choice(list("................GS@OTW"), (rows, columns))
    lines = ["".join(row) for row in cells]
    text = f"type octile\nheight {rows}\nwidth {columns}\nmap\n" + "\n".join(lines) + "\n"
    free = np.argwhere(np.isin(cells, list(".GS")))
    ends = free[rng.integers(len(free), size=(3, 2))] if len(free) else np.zeros((3, 2, 2), int)
    scen = "version 1\n" + "".join(
        f"{k}\tmaps/a.map\t{columns}\t{rows}\t{sx}\t{sy}\t{gx}\t{gy}\t{abs(sx - gx) + abs(sy - gy)}\n"
        for k, ((sy, sx), (gy, gx)) in enumerate(ends.tolist())
    )
    way = rng.integers(4)
    if way == 1 or (way > 1 and not pairs):
        text = broken([text], rng)
    elif way > 1:
        scen = broken([scen], rng)
    return Texts({"a.map": text, "a.map.scen": scen} if pairs else {"a.map": text})


def check_movingai(texts: Texts) -> None:
    """Makes the bank of a MovingAI map or of its pairs, and compares both with what the texts say."""
    written = write(texts)
    bank = bank_of(written[-1])
    lines = written[0].read_text("latin-1").splitlines()
    rows = [line for line in lines[lines.index("map") + 1 :] if line]
    free = np.array([[cell in ".GS" for cell in row] for row in rows])[::-1]
    assert np.array_equal(bank.occupied[0, 1:-1, 1:-1] == 0, free), "free where it is not, or otherwise"
    if bank.starts is None or bank.lengths is None:
        return
    said = [line.split("\t") for line in written[1].read_text("latin-1").splitlines()[1:] if line.strip()]
    for pair, start, goal, length in zip(said, bank.starts[0], bank.goals[0], bank.lengths[0], strict=True):
        sx, sy, gx, gy = (float(n) for n in pair[4:8])
        below = len(rows) + 0.5  # the first line is on top, and a frame is around all
        assert [*start, *goal] == [sx + 1.5, below - sy, gx + 1.5, below - gy], f"{pair} is elsewhere"
        assert np.isclose(length, float(pair[8]), rtol=1e-6)


WORLD = """include "map.inc"
resolution 0.02  # of rays
floorplan
(
  name "cave"
  size [6.000 5.000 0.600]
  pose [1 -2.5 0 30]
  bitmap "cave.png"
)
pioneer2dx ( name "r0" pose [-7 -7 0 45] ranger( sensor ( range [0 8] ) ) spose[0] [0 0 0] )
"""
MACROS = (
    'define floorplan model\n(\n  color "gray30"\n  boundary 1\n)\ndefine zone model ( size [4 4 0.01] )\n'
)


def make_world(rng: np.random.Generator) -> Texts:
    """Returns a world of Stage and what it includes, either broken, or neither."""
    way = rng.integers(4)
    world = broken([WORLD], rng) if way > 1 else WORLD
    return Texts({"map.inc": broken([MACROS], rng) if way == 1 else MACROS, "cave.world": world})


def check_world(texts: Texts) -> None:
    """Makes the bank of a world whose bitmap is a room of 4 x 3 pixels in walls of one."""
    (FOLDER / "cave.png").write_bytes(ROOM)
    bank = bank_of(write(texts)[-1])
    inside = bank.occupied[0] == 0
    rows, columns = (np.flatnonzero(inside.any(axis=axis)) for axis in (1, 0))
    room = inside[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    assert room.all(), "a room without anything in it has something in it"
    # As large as said, which may be broken: walls are one pixel of 6 and of 5, whatever a pixel is.
    assert abs(len(columns) - 4 / 6 * (bank.occupied.shape[2] - 2)) <= 1
    assert abs(len(rows) - 3 / 5 * (bank.occupied.shape[1] - 2)) <= 1


def write(texts: Texts) -> list[Path]:
    """Writes files, and returns their paths."""
    paths = [FOLDER / name for name in texts.files]
    for path, text in zip(paths, texts.files.values(), strict=True):
        path.write_bytes(text.encode("utf-8", errors="surrogatepass"))
    return paths


ROOM = image_bytes(
    np.pad(np.full((3, 4), 254, np.uint8), 1, constant_values=10), "L", np.random.default_rng(0)
)
KINDS = {
    "ros": Kind(make_ros, check_ros),
    "map": Kind(partial(make_movingai, pairs=False), check_movingai),
    "scen": Kind(partial(make_movingai, pairs=True), check_movingai),
    "world": Kind(make_world, check_world),
}

if __name__ == "__main__":
    sys.exit(run(__doc__, KINDS))
