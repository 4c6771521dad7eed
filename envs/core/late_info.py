"""An info of which some parts are made when they are looked at: those that are dear, and seldom wanted."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any


class LateInfo(dict[str, Any]):
    """A dict that knows all of its keys, and makes the values of some when one of them is asked for.

    In everything else it is like any dict that holds them; a copy and a pickle are plain ones.

    Args:
        known: what there is.
        late: the other keys.
        make: returns their values; called once, or never.
    """

    def __init__(self, known: Mapping[str, Any], late: Sequence[str], make: Callable[[], Mapping[str, Any]]):
        super().__init__(known)
        super().update(dict.fromkeys(late))
        self._late = late
        self._make: Callable[[], Mapping[str, Any]] | None = make

    def settle(self) -> None:
        """Makes the values that are not there yet."""
        if self._make is not None:
            make, self._make = self._make, None
            super().update(make())

    def __getitem__(self, key: str) -> Any:
        if self._make is not None and key in self._late:
            self.settle()
        return super().__getitem__(key)

    def __setitem__(self, key: str, value: Any) -> None:
        if key in self._late:
            self.settle()
        super().__setitem__(key, value)

    def __iter__(
        self,
    ) -> Iterator[str]:  # whoever copies a dict past its methods asks whether it has this one
        return super().__iter__()

    def __reduce__(self) -> Any:
        return dict, (dict(self),)


def _settled(name: str) -> Callable[..., Any]:
    method = getattr(dict, name)

    def call(self: LateInfo, *values: Any, **named: Any) -> Any:
        self.settle()
        return method(self, *values, **named)

    return call


for _name in (
    *("get", "pop", "popitem", "setdefault", "items", "values", "copy", "update", "clear"),
    *("__delitem__", "__eq__", "__ne__", "__or__", "__ror__", "__ior__", "__repr__", "__reversed__"),
):
    setattr(LateInfo, _name, _settled(_name))
