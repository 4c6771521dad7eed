"""What must be the same on every machine of a cluster: versions, and the sources of this package."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from quadrivium.agents.errors import UserError

SOURCES = "quadrivium's sources"
_LIBRARIES = ("ray", "torch", "numpy", "numba")
_PACKAGES = (
    "quadrivium",
    "quadrivium.agents",
    "quadrivium.commands",
    "quadrivium.configs",
    "quadrivium.envs",
)


@cache
def facts() -> dict[str, str]:
    """Returns the versions of Python and of libraries that decide results, and a hash of our sources."""
    found = {"python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "none"
    return found | {SOURCES: _sources_hash()}


def _sources_hash() -> str:
    """Returns a hash of all Python files of the package, by their names in it."""
    files: dict[str, Path] = {}
    for package in _PACKAGES:
        spec = find_spec(package)
        for folder in map(Path, (spec and spec.submodule_search_locations) or ()):
            # The folders below `quadrivium` come by their own names: in a checkout they are links.
            pattern = "*.py" if package == "quadrivium" else "**/*.py"
            files |= {
                f"{package}/{path.relative_to(folder).as_posix()}": path for path in folder.glob(pattern)
            }
    total = hashlib.sha256()
    for name in sorted(files):
        total.update(f"{name} {hashlib.sha256(files[name].read_bytes()).hexdigest()}\n".encode())
    return total.hexdigest()[:12]


def require_same(ours: Mapping[str, str], theirs: Mapping[str, str], node: str) -> None:
    """Raises UserError where `theirs`, of the machine `node`, differ from `ours`, of the one that asks."""
    for name, value in ours.items():
        other = theirs.get(name, "none")
        if other != value:
            remedy = "install the same commit there" if name == SOURCES else f"install {name} {value} there"
            raise UserError(
                f"node {node} has {name} {other}, this machine {value}; {remedy}, or leave it out"
            )
