"""PettingZoo's parallel form of a world that declares its arguments."""

from dataclasses import replace
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
        count: the argument that says how many agents there are: 2 at least, by default 3.
        leaving: the record's field that tells who takes part, as `Setup.active`, if agents leave.
    """

    single: ClassVar[type[WorldEnv]]
    name: ClassVar[str]
    count: ClassVar[str]
    leaving: ClassVar[str | None] = None

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        sign(cls, cls.single.options, {"render_mode": None}, {cls.count: 3})

    def __init__(self, render_mode: str | None = None, **options: Any) -> None:
        kind, given = self.single.options, {self.count: 3, **options}
        limits = bounds(kind, self.count)
        assert limits is not None
        require_number(self.count, given[self.count], 2, limits.high, integer=True)
        setup = chosen_setup(self.single.setup_of, kind.of(given))
        super().__init__(replace(setup, active=self.leaving), self.name, render_mode)
