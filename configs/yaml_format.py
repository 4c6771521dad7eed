"""YAML as people mean it: `3e-4` is a number, `no` is a word, and a key given twice is an error."""

import math
import re
from pathlib import Path
from typing import Any

import yaml

from quadrivium.agents.errors import UserError, one_line


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader with the scalars of YAML 1.2: no dates, no base 60, no `yes`/`no`, no octal."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 (PyYAML's form)

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.constructor.ConstructorError(
                None,
                None,
                "aliases (*name) are not allowed: write the value out",
                self.peek_event().start_mark,
            )
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise yaml.constructor.ConstructorError(
                    None, None, f"key {key!r} is not text", key_node.start_mark
                )
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"key {key!r} appears twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


def _construct_number(loader: _Loader, node: yaml.ScalarNode) -> int | float:
    text = loader.construct_scalar(node).replace("_", "").lower()
    value = float(text.replace(".inf", "inf").replace(".nan", "nan"))
    # `1e6` steps are a count; a field of floats takes the integer as well.
    return int(value) if "e" in text and "." not in text and value.is_integer() else value


_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9_]*)$")
_FLOAT = re.compile(
    r"[-+]?(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9]+)[eE][-+]?[0-9]+$|[-+]?(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9]+)$"
    r"|[-+]?\.(?:inf|Inf|INF)$|\.(?:nan|NaN|NAN)$"
)
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", _INTEGER, list("-+0123456789"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:float", _FLOAT, list("-+.0123456789"))
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:null", re.compile(r"(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""]
)
_Loader.add_constructor("tag:yaml.org,2002:float", _construct_number)


class _Texts(_Loader):
    """Lists and mappings of texts: 600519, 1e-5 and no stay as they were typed."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 (PyYAML's form)


def parse_texts(text: str, source: str) -> Any:
    """Returns what was typed where texts are expected: itself, or a list or mapping of texts.

    `%d.%m.%Y` and `000001` need no quotes; null is None.
    """
    if text.strip() in ("null", "~"):
        return None
    return parse_yaml(text, source, _Texts) if text.lstrip()[:1] in ("[", "{", '"', "'") else text


def parse_yaml(text: str, source: str, loader: type[_Loader] = _Loader) -> Any:
    """Returns the plain data (dict, list, str, int, float, bool, None) in `text`.

    `source` names the text in errors. Raises UserError for bad syntax, a repeated key, and a number that is
    not finite.
    """
    try:
        data = yaml.load(text, loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{source}, line {mark.line + 1}, column {mark.column + 1}" if mark else source
        raise UserError(f"{where}: {error.problem or error.context}; mend the YAML there") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UserError(f"{source}: this is not YAML: {one_line(error)}") from None
    _require_finite(data, source)
    return data


def published(path: Path) -> Path:
    """Returns where a path leads: `configs/…` to what comes with the program, if there is no such
    file here.
    """
    ours = Path(__file__).parent.joinpath(*path.parts[1:])
    return ours if path.parts[:1] == ("configs",) and not path.exists() and ours.exists() else path


def with_published(data: Any) -> Any:
    """Returns arguments in which the paths `configs/…` lead to what comes with the program, likewise."""
    if isinstance(data, dict):
        return {key: with_published(value) for key, value in data.items()}
    if isinstance(data, list):
        return [with_published(value) for value in data]
    return str(published(Path(data))) if isinstance(data, str) and data.startswith("configs/") else data


def read_yaml(path: Path) -> dict[str, Any]:
    """Returns the mapping in the file `path`; raises UserError where there is none.

    `configs/…` is one of the published configs where the folder that the program runs in has no such file.
    """
    try:
        text = published(path).read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UserError(
            f"{path}: this is no UTF-8 text ({one_line(error)}); a config is a YAML file"
        ) from None
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}; give the path of a YAML config, as in configs/") from None
    data = parse_yaml(text, str(path))
    if not isinstance(data, dict):
        raise UserError(
            f"{path}: holds {type(data).__name__}, expected keys and values as in configs/quickstart.yaml"
        )
    return data


def dump_yaml(data: dict[str, Any]) -> str:
    """Returns `data` as YAML in its own order, lists of scalars on one line."""
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, default_flow_style=False, width=100)


class _Dumper(yaml.SafeDumper):
    """Writes lists on one line and floats as `0.0003`."""


def _represent_float(dumper: _Dumper, value: float) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:float", repr(value))


def _represent_list(dumper: _Dumper, value: list[Any]) -> yaml.SequenceNode:
    return dumper.represent_sequence("tag:yaml.org,2002:seq", value, flow_style=True)


_Dumper.add_representer(float, _represent_float)
_Dumper.add_representer(list, _represent_list)
# The loader's own rules decide which strings need quotes, so that what is dumped reads back the same.
_Dumper.yaml_implicit_resolvers = _Loader.yaml_implicit_resolvers


def _require_finite(data: Any, where: str) -> None:
    if isinstance(data, dict):
        for key, value in data.items():
            _require_finite(value, f"{where}: {key}")
    elif isinstance(data, list):
        for value in data:
            _require_finite(value, where)
    elif isinstance(data, float) and not math.isfinite(data):
        raise UserError(f"{where} = {data}: expected a finite number")
