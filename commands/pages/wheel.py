"""The wheel: what four keys that a person holds come to as an action, in driving and in navigation."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium.spaces import Discrete

from quadrivium.envs import WORLDS
from quadrivium.envs.navigation.moves import nearest_move

KEYS = ("up", "down", "left", "right")
LOCK_SECONDS = 0.5
"""From straight ahead to the highest angle of a car's wheel, and likewise of its pedals."""


@dataclass
class Wheel:
    """Steers one agent of a world.

    Args:
        does: what each key does, for people, of those that do anything.
        act: returns the action (...) for how far forward and to the right the keys point, each in [−1, 1].
        rate: by how much both directions change in a step at most; 2: at once.
    """

    does: Mapping[str, str]
    act: Callable[[float, float], Any]
    rate: float = 2.0

    def __post_init__(self) -> None:
        self.release()

    def release(self) -> None:
        """Brings the wheel back to the middle."""
        self._forward = self._right = 0.0

    def action(self, held: Collection[str]) -> np.ndarray:
        """Returns the action (1, ...) of a step during which some of KEYS are held."""
        forward = float("up" in held) - float("down" in held)
        right = float("right" in held) - float("left" in held)
        self._forward += float(np.clip(forward - self._forward, -self.rate, self.rate))
        self._right += float(np.clip(right - self._right, -self.rate, self.rate))
        return np.asarray([self.act(self._forward, self._right)])


def wheel_of(env_id: str, setup: Any) -> Wheel | None:
    """Returns how an agent of a world is steered by keys; None where that cannot be done.

    setup: of the environment. It can where one agent acts, in the worlds of driving and navigation.
    """
    module = WORLDS.get(env_id.removeprefix("quadrivium/").removesuffix("-v0"), "")
    if len(getattr(setup, "agents", ())) != 1:
        return None
    if ".driving." in module:
        return _car(setup)
    return _robot(setup) if ".navigation." in module else None


def _car(setup: Any) -> Wheel:
    """The actions are those of `quadrivium.envs.driving`, of which the space tells the kind."""
    space, rate = setup.action_space, 1.0 / (LOCK_SECONDS * setup.render_fps)
    pedals = {"up": "faster", "down": "slower"}
    lanes = {**pedals, "left": "lane left", "right": "lane right"}
    hand = {**pedals, "left": "steer left", "right": "steer right"}
    if isinstance(space, Discrete):
        if space.n == 9:
            return Wheel(hand, lambda forward, right: 3 * (round(forward) + 1) + round(right) + 1)
        return (
            Wheel(lanes, _meta) if space.n == 5 else Wheel(pedals, lambda forward, right: 1 + round(forward))
        )
    if space.shape == (1,):
        turns = {key: hand[key] for key in ("left", "right")}
        return Wheel(turns, lambda forward, right: np.array([right], np.float32), rate)
    return Wheel(hand, lambda forward, right: np.array([forward, right], np.float32), rate)


def _meta(forward: float, right: float) -> int:
    """Returns 0 lane left, 1 idle, 2 lane right, 3 faster or 4 slower; a change of lane comes first."""
    if right:
        return 2 if right > 0 else 0
    return 3 if forward > 0 else 4 if forward < 0 else 1


def _robot(setup: Any) -> Wheel:
    """The actions are those of `quadrivium.envs.navigation`: two numbers, or the move nearest to these."""
    from quadrivium.envs.navigation import robots
    from quadrivium.envs.navigation.crowd_nav import state as crowd

    params = setup.params
    among_people = isinstance(params, crowd.CrowdNavParams)  # which numbers its drives otherwise
    holonomic = params.drive == (crowd.HOLONOMIC if among_people else robots.HOLONOMIC)
    ackermann = not among_people and params.drive == robots.ACKERMANN
    reverse = float(getattr(params, "max_reverse", 0.0)) / params.max_speed
    side = "" if holonomic else "steer " if ackermann else "turn "
    back = "back" if holonomic or reverse else "stop"
    does = {"up": "ahead", "down": back, "left": f"{side}left", "right": f"{side}right"}

    def act(forward: float, right: float) -> Any:
        if holonomic:
            wanted = np.array([forward, -right], np.float32)
        else:  # the first number goes from the highest speed backwards (−1) to that ahead (1)
            speed = forward if forward > 0 else forward * reverse
            wanted = np.array([2 * (speed + reverse) / (1 + reverse) - 1, -right], np.float32)
        return int(nearest_move(wanted[None], params.moves)[0]) if params.discrete else wanted

    return Wheel(does, act)
