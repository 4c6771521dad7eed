"""What is watched: scenario after scenario, played by one or two agents and a person, for all who look.

Everything here runs on one event loop; stepping and drawing run on one thread of their own, explaining on
another. There is one show, which all tabs see and may steer, and one wheel, at which one tab is at a time.
While nobody looks it rests.
"""

import asyncio
import contextlib
import json
import math
import struct
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np

from quadrivium.agents.errors import one_line
from quadrivium.commands.pages.looked import MOST_TARGETS
from quadrivium.commands.pages.pace import Pace
from quadrivium.commands.pages.stage import Stage, rounded
from quadrivium.commands.pages.viewers import Audience, BadMessage, Viewer, flag, log, whole
from quadrivium.commands.pages.wheel import KEYS, Wheel

FPS = 15.0  # pictures a second, where the world moves between steps or is played fast
SPEEDS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
LINGER = 2.5  # seconds that an end stays in view
BEHIND = 1.0  # seconds that are caught up with, by leaving pictures out
PATIENCE = 0.25  # of a step
MAX_SEED = 2**31 - 1
_REMEMBERED = 8  # scenarios whose returns are told

Result = TypeVar("Result")


class _Cut(Exception):
    """Another scenario is wanted."""


class Show(Audience):
    """Plays scenarios on its stages, and hears what viewers want.

    Args:
        title: of the world.
        stages: of the agents, one or two.
        seed: of the first scenario.
        own: makes the stage of a person at the wheel.
        wheel: how a person steers; None: that cannot be done in this world.
    """

    def __init__(
        self, title: str, stages: Sequence[Stage], seed: int, own: Callable[[], Stage], wheel: Wheel | None
    ) -> None:
        super().__init__()
        self.title, self.seed = title, seed
        self.paused = False
        self._agents, self._make_own, self._wheel = list(stages), own, wheel
        self._stages = self._agents
        self._own: Stage | None = None
        self._driver: Viewer | None = None
        self._held: frozenset[str] = frozenset()
        self._tapped: frozenset[str] = frozenset()  # since the last step: a short press counts, too
        self._waits = False  # for who has just taken the wheel
        self._stepping = False  # one step, while paused
        self._speed = SPEEDS.index(1.0)
        self._wanted: int | None = seed
        self._target: int | None = None  # what is explained of each decision; None: nothing
        self._explaining: asyncio.Future[Any] | None = None
        self._stale = False  # whether something is known by now that the picture does not show
        self._note = ""
        self._panes: list[dict[str, Any]] = []
        self._pictures: list[bytes] = []
        self._shown = 0.0  # when a picture was shown last
        self._hidden = False  # whether a step has been taken since that is not shown
        self._played: deque[dict[str, Any]] = deque(maxlen=_REMEMBERED)
        self._sums: dict[str, tuple[int, float]] = {}  # by player: episodes, and the sum of their returns
        self._numbers: dict[Viewer, int] = {}
        self._entered = 0
        self._pace, self._wake = Pace(), asyncio.Event()
        self._thread, self._explainer = ThreadPoolExecutor(1, "stage"), ThreadPoolExecutor(1, "explainer")
        self._task: asyncio.Task[None] | None = None

    @property
    def fps(self) -> float:
        """Decisions a second at the speed 1."""
        return self._agents[0].fps

    # ---- viewers

    def leave(self, viewer: Viewer) -> None:
        """Forgets a viewer; who was at the wheel lets it go."""
        super().leave(viewer)
        self._numbers.pop(viewer, None)
        if viewer is self._driver:
            self._let_go()
        self._settle()

    async def close(self) -> None:
        """Ends the show."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task], timeout=5)
        for thread in (self._thread, self._explainer):
            thread.shutdown(wait=False, cancel_futures=True)

    # ---- messages

    async def follow(self, viewer: Viewer, message: Mapping[str, Any]) -> None:
        """Does what a message asks; raises BadMessage where it cannot be done."""
        wanted = message.get("do")
        deeds: dict[str, Callable[[Viewer, Mapping[str, Any]], None]] = {
            "pause": self._pause,
            "step": self._step,
            "speed": self._go_at,
            "seed": lambda viewer, message: self._begin(whole(message, "seed")),
            "next": lambda viewer, message: self._begin(self.seed + 1),
            "again": lambda viewer, message: self._begin(self.seed),
            "wheel": self._take_or_leave,
            "keys": self._hold,
            "explain": self._explain,
        }
        if wanted == "join":
            self._join(viewer)
            return
        if not isinstance(wanted, str) or wanted not in deeds:
            raise BadMessage(f"a message asks for {str(wanted)[:40]!r}; there are join, {', '.join(deeds)}")
        deeds[wanted](viewer, message)
        self._settle()
        if wanted != "keys":
            self._publish()

    def _join(self, viewer: Viewer) -> None:
        if viewer not in self._numbers:
            self._entered += 1
            self._numbers[viewer] = self._entered
        hello = {
            "type": "hello",
            "you": self._numbers[viewer],
            "world": self.title,
            "speeds": SPEEDS,
            "wheel": None if self._wheel is None else dict(self._wheel.does),
        }
        viewer.tell(json.dumps(hello))
        if self._panes:
            viewer.show(self._message())
        if self._task is None:
            self._task = asyncio.create_task(self._perform())
        self._settle()

    def _pause(self, viewer: Viewer, message: Mapping[str, Any]) -> None:
        self.paused, self._stepping, self._waits = flag(message), False, False

    def _step(self, viewer: Viewer, message: Mapping[str, Any]) -> None:
        self.paused, self._waits = True, False
        if all(stage.over for stage in self._stages):
            self._begin(self.seed + 1)
        else:
            self._stepping = True

    def _go_at(self, viewer: Viewer, message: Mapping[str, Any]) -> None:
        speed = whole(message, "speed")
        if not 0 <= speed < len(SPEEDS):
            raise BadMessage(f"speed {speed} is not offered; there are 0 to {len(SPEEDS) - 1}")
        self._speed = speed

    def _begin(self, seed: int) -> None:
        if not 0 <= seed <= MAX_SEED:
            raise BadMessage(f"seed {str(seed)[:20]}: expected a whole number from 0 to {MAX_SEED}")
        self._wanted, self._waits = seed, self._driver is not None

    def _take_or_leave(self, viewer: Viewer, message: Mapping[str, Any]) -> None:
        if not flag(message):
            if viewer is not self._driver:
                raise BadMessage("you are not at the wheel")
            self._let_go()
            return
        if self._wheel is None:
            raise BadMessage("there is no wheel here: one person can drive a car or a robot that is alone")
        if self._driver not in (None, viewer):
            raise BadMessage("somebody else is at the wheel; wait until it is free")
        self._driver, self._waits = viewer, True
        self._held = self._tapped = frozenset()
        self._wanted = self.seed

    def _hold(self, viewer: Viewer, message: Mapping[str, Any]) -> None:
        held = message.get("held")
        if not isinstance(held, list) or len(held) > len(KEYS) or any(key not in KEYS for key in held):
            raise BadMessage(f"held: expected a list of some of {', '.join(KEYS)}")
        if viewer is not self._driver:
            raise BadMessage("you are not at the wheel; take it first")
        now = frozenset(held)
        self._tapped |= now - self._held
        self._held = now
        if now and self._waits:
            self._waits = self.paused = False

    def _explain(self, viewer: Viewer, message: Mapping[str, Any]) -> None:
        on, target = flag(message), whole(message, "target") if "target" in message else 0
        if not 0 <= target < MOST_TARGETS:
            raise BadMessage(f"target {str(target)[:20]}: expected 0 to {MOST_TARGETS - 1}")
        self._target, self._stale = target if on else None, True

    def _let_go(self) -> None:
        self._driver, self._waits, self._wanted = None, False, self.seed

    # ---- the show

    def _settle(self) -> None:
        """Lets the clock go as is wanted now."""
        self._pace.go(0.0 if self._stands else SPEEDS[self._speed])
        self._wake.set()

    @property
    def _stands(self) -> bool:
        return not self.viewers or self._waits or (self.paused and not self._stepping)

    async def _perform(self) -> None:
        while True:
            if self._wanted is None:  # nothing can go on until somebody wants something
                self._wake.clear()
                await self._wake.wait()
                continue
            self.seed, self._wanted, self._note = self._wanted, None, ""
            try:
                await self._play()
            except _Cut:
                pass
            except Exception as error:  # one episode is lost, not the server
                log.exception("an episode had to be given up")
                self._note = f"seed {self.seed} cannot go on: {one_line(error)}"
                self._publish()

    async def _play(self) -> None:
        """Plays one scenario to its end, and says which is the next; raises _Cut where another is wanted."""
        await self._run(self._reset)
        await self._show(1.0)
        due, step = self._pace.now(), 1.0 / self.fps
        while any(not stage.over for stage in self._stages):
            await self._decision(due)
            single = self._stepping
            keys, self._tapped = self._held | self._tapped, frozenset()
            await self._run(lambda keys=keys: self._act(keys))
            if all(stage.over for stage in self._stages):
                self._count()
            due = max(due + step, self._pace.now() - BEHIND * SPEEDS[self._speed])
            pictures = self._pictures_a_step(step)
            if pictures > 1:  # there is time while the world moves
                await self._ask(None)
            for k in range(1, pictures + 1):
                moment = due - step * (1 - (k - 1) / pictures)
                if k < pictures and self._pace.now() > moment + step / pictures:
                    continue  # the next one is due
                await self._show(k / pictures, moment)
            if single:
                await self._until(due)
                self._stepping = False
                self._settle()
                self._publish()
        await self._show(1.0)
        if self._driver is not None:  # who drives looks at what came out for as long as they like
            await self._decision(math.inf)
        await self._decision(self._pace.now() + LINGER * SPEEDS[self._speed])
        self._wanted = (self.seed + 1) % (MAX_SEED + 1)

    def _pictures_a_step(self, step: float) -> int:
        if not any(stage.moves for stage in self._stages):
            return 1
        return max(1, round(FPS * step / SPEEDS[self._speed]))

    def _reset(self) -> None:
        if self._driver is not None:
            self._own = self._own or self._make_own()
        if self._wheel is not None:
            self._wheel.release()
        own = self._own
        self._stages = self._agents if self._driver is None or own is None else [own, *self._agents]
        for stage in self._stages:
            stage.reset(self.seed)

    def _act(self, keys: frozenset[str]) -> None:
        for stage in self._stages:
            action: np.ndarray | None = None
            if stage is self._own and self._wheel is not None:
                action = self._wheel.action(keys)
            stage.step(action)

    def _count(self) -> None:
        returns = {stage.name: stage.episode.total for stage in self._stages}
        self._played.appendleft({"seed": self.seed, "returns": {k: rounded(v) for k, v in returns.items()}})
        for name, total in returns.items():
            episodes, summed = self._sums.get(name, (0, 0.0))
            self._sums[name] = (episodes + 1, summed + total)

    async def _show(self, share: float, moment: float | None = None) -> None:
        """Draws a moment of the last step and shows it in time; not oftener than can be seen."""
        ended = all(stage.over for stage in self._stages)
        soon = time.monotonic() + (0.0 if moment is None else min(1.0, self._pace.left(moment)))
        spare = moment is not None and share == 1.0 and not ended and not self._stepping
        self._hidden = spare and soon - self._shown < 0.7 / FPS
        if self._hidden:
            return
        if share == 1.0:
            await self._ask(moment)
        self._stale = False
        self._panes, self._pictures = await self._run(lambda: self._drawn(share))
        if moment is not None:
            await self._until(moment)
        self._shown = time.monotonic()
        self._publish()

    def _drawn(self, share: float) -> tuple[list[dict[str, Any]], list[bytes]]:
        target = self._target
        told = [stage.told(share, target) for stage in self._stages]
        return told, [stage.picture(share, target) for stage in self._stages]

    async def _ask(self, moment: float | None) -> None:
        """Has explained what is decided next, and waits for that while there is time: the pace stays."""
        while self._target is not None:
            if self._explaining is None:  # else an earlier decision is thought about still
                asked = await self._run(lambda: [stage.ask() for stage in self._stages])
                if not (works := [work for work in asked if work is not None]):
                    return
                self._explaining = asyncio.get_running_loop().run_in_executor(
                    self._explainer, lambda works=works: [work() for work in works]
                )
                self._explaining.add_done_callback(self._explained)
            left = 0.0 if moment is None else min(BEHIND, self._pace.left(moment) + self._patience)
            done, _ = await asyncio.wait([self._explaining], timeout=left)
            if not done:
                return

    @property
    def _patience(self) -> float:
        """Seconds that a still picture waits for what is explained on it, so that it is drawn once."""
        moves = any(stage.moves for stage in self._stages)
        return 0.0 if moves else PATIENCE / (self.fps * SPEEDS[self._speed])

    def _explained(self, done: asyncio.Future[Any]) -> None:
        self._explaining, self._stale = None, True
        self._wake.set()

    def _publish(self) -> None:
        if not self._panes or self._wanted is not None:  # what is wanted is told as that scenario begins
            return
        message = self._message()
        for viewer in self._numbers:
            viewer.show(message)

    def _message(self) -> bytes:
        """Returns how the show stands: the length of a JSON text as 4 bytes, that text, the pictures."""
        told = {
            "seed": self.seed,
            "speed": self._speed,
            "paused": self.paused,
            "waits": self._waits,
            "driver": None if self._driver is None else self._numbers.get(self._driver),
            "note": self._note,
            "explains": self._target,
            "panes": self._panes,
            "pictures": [len(picture) for picture in self._pictures],
            "played": list(self._played),
            "means": {name: [n, rounded(total / n)] for name, (n, total) in self._sums.items()},
        }
        text = json.dumps(told).encode()
        return b"".join([struct.pack(">I", len(text)), text, *self._pictures])

    async def _decision(self, due: float) -> None:
        """Waits for a decision's moment, and while the show stands: then what is seen is how it stands.

        Raises _Cut where another scenario is wanted.
        """
        while self._stands or self._pace.left(due) > 0.0:
            if self._stale or (self._stands and self._hidden):
                await self._show(1.0)
            else:
                await self._news(self._pace.left(due))
        if self._wanted is not None:
            raise _Cut

    async def _until(self, moment: float) -> None:
        """Waits for a moment of the clock, which may stand; raises _Cut where another scenario is wanted.

        It does not wait while the show stands and is explained: then the next decision is what is looked at.
        """
        while (left := self._pace.left(moment)) > 0.0 and not (self._stands and self._target is not None):
            await self._news(left)
        if self._wanted is not None:
            raise _Cut

    async def _news(self, seconds: float) -> None:
        """Waits until somebody wants something, or so long; raises _Cut where that is another scenario."""
        if self._wanted is not None:
            raise _Cut
        self._wake.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), None if self._stands else seconds)

    def _run(self, work: Callable[[], Result]) -> Awaitable[Result]:
        return asyncio.get_running_loop().run_in_executor(self._thread, work)
