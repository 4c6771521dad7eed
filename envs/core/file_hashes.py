"""Which files something was made from: the SHA-256 of each."""

import hashlib
from collections.abc import Iterable
from pathlib import Path


def digest(path: Path) -> str:
    """Returns a file's SHA-256."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digests(paths: Iterable[Path]) -> dict[str, str]:
    """Returns the SHA-256 of each file, by its path."""
    return {str(path): digest(path) for path in paths}
