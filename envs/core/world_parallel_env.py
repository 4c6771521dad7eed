"""PettingZoo's parallel form of a world that declares its arguments."""

from typing import Any, ClassVar

from quadrivium.envs.core.options import bounds
from quadrivium.envs.core.parallel_env import ParallelLaneEnv
from quadrivium.envs.core.validation import require_number
from quadrivium.envs.core.world_env import WorldEnv, chosen_setup, sign


class WorldParallelEnv(ParallelLaneEnv):
    """One lane of the world of `single` whose agents act at once, in PettingZoo's parallel form.

    Attributes:
        single: the single environment, whose arguments these are too.
        name: what PettingZoo calls it, such as "crowd_nav_v0".

    The argument `COUNT` of its options, how many agents there are, is 2 at least, and 3 by default.
    """

    single: ClassVar[type[WorldEnv]]
    name: ClassVar[str]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        sign(cls, cls.single.options, {"render_mode": None}, {cls._count(): 3})

    def __init__(self, render_mode: str | None = None, **options: Any) -> None:
        kind, count = self.single.options, self._count()
        given, limits = {count: 3, **options}, bounds(kind, count)
        assert limits is not None
        require_number(count, given[count], 2, limits.high, integer=True)
        super().__init__(chosen_setup(self.single.setup_of, kind.of(given)), self.name, render_mode)

    @classmethod
    def _count(cls) -> str:
        count = cls.single.options.COUNT
        assert count is not None
        return count
