"""The YAML file of a map in ROS form: what it may say, and what is said of one that is wrong."""

import re
from pathlib import Path
from reprlib import Repr
from typing import Any, Literal, NamedTuple

import yaml

_REPR = Repr()  # what a file holds may be long, or refer to itself
_REPR.maxlevel = 2
_brief = _REPR.repr
_KEYS = ("image", "resolution", "origin", "occupied_thresh", "free_thresh")
_MODES = ("trinary", "scale", "raw")
# Between words a tab separates as a space does (YAML 1.2, 6.2), which PyYAML does not know.
_TABS = re.compile(r"""^[ \t]+|"(?:\\.|[^"\\])*"|'(?:''|[^'])*'|\t""", re.MULTILINE)


class Meta(NamedTuple):
    """What a map's YAML says."""

    image: str  # beside the file
    resolution: float  # m, a pixel
    origin: tuple[float, float, float]  # m, m, rad: the pose of the image's lower left corner
    low: float  # free_thresh: less is free
    high: float  # occupied_thresh
    negate: bool  # black is free
    mode: Literal["trinary", "scale", "raw"]


def read_meta(file: Path) -> Meta:
    """Reads a map's YAML; raises ValueError with the file and what is wrong, in one line."""
    meta = _read_yaml(file)
    resolution = _number(meta["resolution"])
    if resolution is None or not 0.001 <= resolution <= 100:
        raise ValueError(
            f"{file}: resolution is {_brief(meta['resolution'])}; give a number, the metres of a pixel, "
            "0.001 to 100"
        )
    origin = meta["origin"]
    pose = [_number(n) for n in origin] if isinstance(origin, list) and len(origin) == 3 else [None]
    x, y, yaw = pose if len(pose) == 3 else (None, None, None)
    if x is None or y is None or yaw is None:
        raise ValueError(
            f"{file}: origin is {_brief(origin)}; give [x, y, yaw] in m and rad, such as [0, 0, 0]"
        )
    low, high = (_number(meta[key]) for key in ("free_thresh", "occupied_thresh"))
    if low is None or high is None or not 0 <= low < high <= 1:
        raise ValueError(
            f"{file}: free_thresh is {_brief(meta['free_thresh'])} and occupied_thresh "
            f"{_brief(meta['occupied_thresh'])}; give numbers, 0 <= free < occupied <= 1"
        )
    negate, mode = meta.get("negate", 0), meta.get("mode", "trinary")
    if negate not in (0, 1):
        raise ValueError(f"{file}: negate is {_brief(negate)}; give 0 (black is occupied) or 1")
    if mode not in _MODES:
        raise ValueError(f"{file}: mode is {_brief(mode)}; give {' or '.join(_MODES)}, or leave it out")
    if mode == "raw" and negate:
        raise ValueError(f"{file}: mode raw takes shades as they are, and negate turns them; give negate: 0")
    name = meta["image"]
    if not isinstance(name, str) or not name or not name.isprintable():
        raise ValueError(f"{file}: image is {_brief(name)}; give the name of a .pgm or .png")
    return Meta(name, resolution, (x, y, yaw), low, high, bool(negate), mode)


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader, for which a key that is given twice is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set[str]()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    problem = f"{key.value!r} is given twice"
                    raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
                seen.add(key.value)
        return super().construct_mapping(node, deep)


def _read_yaml(file: Path) -> dict[str, Any]:
    try:
        text = file.read_text(encoding="utf-8-sig")
        meta = yaml.load(_TABS.sub(lambda found: " " if found[0] == "\t" else found[0], text), _Loader)
    except OSError as error:
        raise ValueError(f"{file} cannot be read ({error.strerror}); give a map's .yaml") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f"line {mark.line + 1}: " if mark else ""
        said = " ".join(f"{line}{error.problem or error.context}".split())
        raise ValueError(f"{file} is no YAML of a map ({said}); mend it there") from None
    except (yaml.YAMLError, ValueError, RecursionError):  # no text, no such date, brackets without end
        raise ValueError(f"{file} is no YAML; give the .yaml beside the image, not the image") from None
    if not isinstance(meta, dict):
        raise ValueError(f"{file} holds no mapping; give the keys {', '.join(_KEYS)}")
    if missing := [key for key in _KEYS if key not in meta]:
        raise ValueError(f"{file} lacks {', '.join(missing)}; a map has {', '.join(_KEYS)}")
    return meta


def _number(value: object) -> float | None:
    """Returns a number, also one that PyYAML takes for text, such as 5e-2; None for anything else."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= 1e9:  # or NaN
        return None
    return float(value)
