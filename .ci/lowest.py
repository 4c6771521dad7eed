"""Prints the lowest versions that pyproject.toml allows of what we depend on, for pip.

python .ci/lowest.py

torch is left as it comes: its old builds are gigabytes, and its bound is for safety.
"""

import re
import tomllib
from pathlib import Path

LEFT = ("torch",)


def main() -> None:
    """Prints them."""
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
    for line in project["dependencies"]:
        name, low = re.fullmatch(r"([\w.-]+)>=([\d.]+)(?:,<[\d.]+)?", line).groups()
        print(line if name in LEFT else f"{name}=={low}")


if __name__ == "__main__":
    main()
