"""Do run configs, however broken, come to more than one line, or to another run than they say?

    python benchmarks/fuzz_configs.py [--count 10000] [--seed 0] [--only text keys options]

The published configs are broken: their text (bytes changed, put in, taken out, parts of two joined), their
keys (left out, called otherwise, of another kind), or by options on the command line. Every one must be read,
or refused by one line that says something. What is read must stand: it is written and read again as the same,
and arguments of the environment are those that the world declares.
"""

import copy
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import yaml
from fuzz import HARD, Kind, broken, run

from quadrivium.agents.errors import UserError
from quadrivium.configs.schema import flatten, load_config, read_resolved, to_text
from quadrivium.configs.yaml_format import dump_yaml, read_yaml
from quadrivium.envs import options_of

FOLDER = Path(tempfile.mkdtemp(prefix="fuzz_configs_"))
PUBLISHED = sorted(
    path
    for path in (Path(__file__).parents[1] / "configs").rglob("*.yaml")
    if "agent" in yaml.safe_load(path.read_text(encoding="utf-8"))
)
TEXTS = [path.read_text(encoding="utf-8") for path in PUBLISHED]
VALUES: tuple[Any, ...] = (
    *(
        None,
        True,
        False,
        0,
        1,
        -1,
        3,
        10**30,
        0.5,
        -0.0,
        1e-300,
        1e300,
        "",
        "x",
        "auto",
        "no",
        "rooms",
        "1e3",
    ),
    *(
        [],
        {},
        [1],
        [[1, 2], "x"],
        {"x": 1},
        {"split": "test"},
        "quadrivium/Go-v0",
        "CartPole-v1",
        "a:b",
        "\n",
    ),
)


class Config(NamedTuple):
    """A config's text, and the options that are given beside it."""

    text: str
    options: dict[str, str]


def make_text(rng: np.random.Generator) -> Config:
    """Returns a config whose text is broken."""
    return Config(broken([TEXTS[k] for k in rng.integers(len(TEXTS), size=2)], rng), {})


def make_keys(rng: np.random.Generator) -> Config:
    """Returns a config in which one to three keys are gone, called otherwise, or of another kind."""
    data: dict[str, Any] = copy.deepcopy(read_yaml(PUBLISHED[rng.integers(len(PUBLISHED))]))
    for _ in range(rng.integers(1, 4)):
        inside, key = _pick(data, rng)
        value, way = inside.pop(key), rng.integers(5)
        if way == 1:
            inside[key[:-1] + "x"] = value
        elif way > 1:
            inside[key] = copy.deepcopy(VALUES[rng.integers(len(VALUES))])
    return Config(dump_yaml(data), {})


def make_options(rng: np.random.Generator) -> Config:
    """Returns a whole config with one to three options, whose keys or values are odd."""
    at = rng.integers(len(PUBLISHED))
    keys = [
        *flatten(read_yaml(PUBLISHED[at])),
        "env",
        "agent.net",
        "env.kwargs",
        "env.kwargs.maps.x",
        "x.y",
        "",
    ]
    texts = (*HARD, "3e-4", "[1, 2]", "{a: 1}", "rooms", "~", "yes", "0x10", "1_000", *map(str, VALUES))
    given = {
        keys[rng.integers(len(keys))]: texts[rng.integers(len(texts))] for _ in range(rng.integers(1, 4))
    }
    return Config(TEXTS[at], given)


def _pick(data: dict[str, Any], rng: np.random.Generator) -> tuple[dict[str, Any], str]:
    """Returns a mapping somewhere in `data`, and a key of it; one is put in where there is none."""
    key = str(rng.choice(sorted(data))) if data else "x"
    value = data.setdefault(key, 0)
    return _pick(value, rng) if isinstance(value, dict) and value and rng.random() < 0.8 else (data, key)


def check(config: Config) -> None:
    """Loads a config; what is loaded is written and read again, and says what the file says."""
    path, again = FOLDER / "config.yaml", FOLDER / "again.yaml"
    path.write_bytes(config.text.encode(errors="surrogatepass"))
    loaded = load_config(path, config.options)
    again.write_text(to_text(loaded), encoding="utf-8")
    assert read_resolved(again) == loaded, "comes back as another"
    options = options_of(loaded.env.id)
    if options is not None:
        options.of(loaded.env.kwargs)
        options.of(loaded.evaluation_kwargs())
    if not config.options:
        said, kept = flatten(read_yaml(path)), flatten(loaded.model_dump(mode="json"))
        lost = [key for key in said if key not in kept and not any(k.startswith(f"{key}.") for k in kept)]
        assert not lost, f"{lost} are in the file, and not in what is loaded"


KINDS = {
    "text": Kind(make_text, check, (UserError,)),
    "keys": Kind(make_keys, check, (UserError,)),
    "options": Kind(make_options, check, (UserError,)),
}

if __name__ == "__main__":
    sys.exit(run(__doc__, KINDS))
