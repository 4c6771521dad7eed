"""The environments of a world that declares its arguments: all that is left to write is what they are called.

```python
class SignChainEnv(WorldEnv):
    options, setup_of = SignChainOptions, staticmethod(sign_chain_setup)


class SignChainVectorEnv(WorldVectorEnv):
    single = SignChainEnv
```
"""

import inspect
from collections.abc import Callable
from dataclasses import fields
from typing import Any, ClassVar

from gymnasium.vector import AutoresetMode

from quadrivium.envs.core.gym_env import LaneEnv, LaneVectorEnv
from quadrivium.envs.core.options import Options, hints
from quadrivium.envs.core.setup import Setup, flattened


class WorldEnv(LaneEnv):
    """One environment of a world. Raises ValueError for a wrong argument.

    Args:
        render_mode: one that the world has, such as "rgb_array" or "human", or None.
        options: the world's arguments, which `self.options` declares.
    """

    options: ClassVar[type[Options]]
    setup_of: ClassVar[Callable[[Any], Setup]]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "options" in vars(cls):
            sign(cls, cls.options, {"render_mode": None})

    def __init__(self, render_mode: str | None = None, **options: Any) -> None:
        super().__init__(chosen_setup(type(self).setup_of, self.options.of(options)), render_mode)


class WorldVectorEnv(LaneVectorEnv):
    """A batch of the environments `single`, stepped on all cores; the same arguments."""

    single: ClassVar[type[WorldEnv]]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        sign(cls, cls.single.options, {"num_envs": 1, "render_mode": None, "autoreset_mode": "SameStep"})

    def __init__(
        self,
        num_envs: int = 1,
        render_mode: str | None = None,
        autoreset_mode: AutoresetMode | str = AutoresetMode.SAME_STEP,
        **options: Any,
    ) -> None:
        setup = chosen_setup(self.single.setup_of, self.single.options.of(options))
        super().__init__(setup, num_envs, render_mode, autoreset_mode)


def chosen_setup(setup_of: Callable[[Any], Setup], options: Options) -> Setup:
    """Returns the world with these options, its observations in one vector if they say so."""
    setup = setup_of(options)
    return flattened(setup) if options.flat else setup


def sign(
    kind: type, options: type[Options], first: dict[str, Any], defaults: dict[str, Any] | None = None
) -> None:
    """Lets `help` and editors see the arguments that a class takes as keywords."""
    named = {one.name: one.default for one in fields(options)} | (defaults or {})
    parameters = [
        inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=value)
        for name, value in first.items()
    ]
    parameters += [
        inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, default=value, annotation=hints(options)[name]
        )
        for name, value in named.items()
    ]
    kind.__signature__ = inspect.Signature(parameters)  # pyright: ignore[reportAttributeAccessIssue]
