"""Which files are meant by a path, a folder or a pattern."""

import glob
from collections.abc import Collection
from pathlib import Path


def files_at(name: str | Path, endings: Collection[str]) -> list[Path]:
    """Returns the file of that name, or, by name, those with one of `endings` in the folder, or that fit the
    pattern; none where it holds or fits none.
    """
    path = Path(name).expanduser()
    if path.is_dir():
        return sorted(one for one in path.iterdir() if one.suffix.lower() in endings)
    if glob.has_magic(str(path)) and not path.exists():
        return sorted(Path(one) for one in glob.glob(str(path), recursive=True) if Path(one).is_file())
    return [path]


def names_files(text: str, endings: Collection[str]) -> bool:
    """Returns whether a text is meant as files: by its ending, as a pattern, or because it is a folder."""
    path = Path(text).expanduser()
    try:
        return path.suffix.lower() in endings or glob.has_magic(text) or path.is_dir()
    except (OSError, ValueError):  # too long for a name, or with a NUL
        return False
