"""gomill, a GTP controller not written here, for Python 3: its last release (0.8.3) is for Python 2.

What pip has installed is translated by lib2to3 into a directory of the test, with the few changes that it
cannot know: text is not bytes, and `string.maketrans` has moved.
"""

import importlib
import importlib.util
import sys
import warnings
from pathlib import Path

import pytest

MODULES = (
    *("__init__", "ascii_tables", "boards", "common", "gameplay", "gtp_controller", "gtp_games"),
    *("handicap_layout", "sgf", "sgf_grammar", "sgf_moves", "sgf_properties", "utils"),
)
CHANGES = {
    'return argument.encode("utf-8")': "return argument",
    's.decode("utf-8")\n': 's.encode("utf-8")\n',
    "string.maketrans": "str.maketrans",
    "stderr=stderr, cwd=cwd, env=env)": "stderr=stderr, cwd=cwd, env=env, text=True)",
}


def import_gomill(directory: Path):
    """Returns gomill's modules gtp_controller and gtp_games."""
    if sys.version_info >= (3, 13):
        pytest.skip("gomill is for Python 2, and the translator left Python's library with 3.13")
    found = importlib.util.find_spec("gomill")
    assert found, 'gomill is missing: pip install -e ".[test]"'
    source_directory = Path(found.submodule_search_locations[0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from lib2to3.refactor import RefactoringTool, get_fixers_from_package

        translator = RefactoringTool(get_fixers_from_package("lib2to3.fixes"))
    package = directory / "gomill"
    package.mkdir()
    for module in MODULES:
        source = (source_directory / f"{module}.py").read_text(encoding="utf-8")
        text = str(translator.refactor_string(f"{source}\n", module))
        for old, new in CHANGES.items():
            text = text.replace(old, new)
        (package / f"{module}.py").write_text(text, encoding="utf-8")
    sys.path.insert(0, str(directory))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return tuple(
                importlib.import_module(f"gomill.{name}") for name in ("gtp_controller", "gtp_games")
            )
    finally:
        sys.path.remove(str(directory))
