"""Numbers by name that an agent and its hooks record, and the outputs that get them line by line."""

from collections.abc import Iterable
from typing import Any, Protocol


class Output(Protocol):
    """Where lines go: TensorBoard, a file, the terminal. Stable-Baselines3's KVWriter is one."""

    def write(
        self, key_values: dict[str, Any], key_excluded: dict[str, tuple[str, ...]], step: int = 0
    ) -> None:
        """Writes a line; a name is not for the outputs that `key_excluded` lists under it."""
        ...

    def close(self) -> None:
        """Ends the output."""
        ...


class Logger:
    """Collects a line and hands it to the outputs; Stable-Baselines3's Logger serves as well."""

    def __init__(self, outputs: Iterable[Output] = ()) -> None:
        self.output_formats = list(outputs)
        self.name_to_value: dict[str, Any] = {}  # of the line that is being collected
        self._excluded: dict[str, tuple[str, ...]] = {}

    def record(self, key: str, value: Any, exclude: str | tuple[str, ...] | None = None) -> None:
        """Puts a value on the line; exclude: names of outputs that are not to have it."""
        self.name_to_value[key] = value
        self._excluded[key] = (exclude,) if isinstance(exclude, str) else exclude or ()

    def dump(self, step: int = 0) -> None:
        """Writes the line, and begins the next."""
        for output in self.output_formats:
            output.write(self.name_to_value, self._excluded, step)
        self.name_to_value, self._excluded = {}, {}

    def close(self) -> None:
        """Ends the outputs."""
        for output in self.output_formats:
            output.close()
