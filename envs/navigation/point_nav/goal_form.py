"""PointNav in the form of goals, for hindsight experience replay (HER)."""

from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Dict

from quadrivium.envs.navigation.point_nav.state import BLIND, LIDAR

_OWN = 5  # cosine and sine of the heading, both velocities, the share of the time that is left


class PointNavGoal(gymnasium.Wrapper[Any, Any, Any, Any]):
    """A PointNav environment whose goal is a part of what is observed, and whose reward any goal can be put
    in.

    Observations are a Dict of `observation` (beams + 5,), the lidar's distances, then cosine and sine of the
    heading in the map, both velocities by their highest, and the share of the time that is left;
    `achieved_goal` (2,), where the robot is, and `desired_goal` (2,), where it shall be, in metres of the
    map. Nothing else of them tells of the goal, so that a step can be told anew with another one.

    The reward is `compute_reward`: 1 on arrival, else 0. Episodes are those of the environment inside.

    ```python
    env = PointNavGoal(gymnasium.make("quadrivium/PointNav-v0"))
    SAC("MultiInputPolicy", env, replay_buffer_class=HerReplayBuffer)
    ```

    Raises:
        ValueError: the environment is no PointNav that observes `"lidar"` or `"blind"`, without `guide` and
            `flat`.
    """

    def __init__(self, env: gymnasium.Env[Any, Any]) -> None:
        super().__init__(env)
        setup = getattr(env.unwrapped, "setup", None)
        params: Any = getattr(setup, "params", None)
        if setup is None or setup.world.name != "point_nav":
            raise ValueError(f"{env} is no PointNav; use gymnasium.make('quadrivium/PointNav-v0')")
        if params.observation not in (LIDAR, BLIND) or params.guide or "robot" not in setup.observation_parts:
            raise ValueError(
                "the goal form needs observation='lidar' or 'blind', guide=False and flat=False: anything "
                "else shows where the goal is; make the environment with these"
            )
        self._radius = float(params.goal_radius)
        beams = len(params.directions) if params.observation == LIDAR else 0
        sides = np.array(params.occupied.shape[2:0:-1], np.float32) * np.float32(params.resolution)  # x, y
        low = np.r_[np.zeros(beams), np.full(_OWN, -1.0)].astype(np.float32)
        place = Box(np.zeros(2, np.float32), sides, dtype=np.float32)
        self.observation_space = Dict(
            {
                "observation": Box(low, np.ones(beams + _OWN, np.float32), dtype=np.float32),
                "achieved_goal": place,
                "desired_goal": place,
            }
        )

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Begins an episode, as the environment inside."""
        obs, info = self.env.reset(seed=seed, options=options)
        return self._goal_form(obs), info | {"reward_terms": {"arrival": 0.0}}

    def step(self, action: Any) -> tuple[dict[str, np.ndarray], float, bool, bool, dict[str, Any]]:
        """Takes one action."""
        obs, _, terminated, truncated, info = self.env.step(action)
        shown = self._goal_form(obs)
        reward = float(self.compute_reward(shown["achieved_goal"], shown["desired_goal"], info))
        return shown, reward, terminated, truncated, info | {"reward_terms": {"arrival": reward}}

    def compute_reward(
        self, achieved_goal: np.ndarray, desired_goal: np.ndarray, info: Mapping[str, Any] | Sequence[Any]
    ) -> Any:
        """Returns 1.0 where a robot is less than `goal_radius` from its goal and has touched nothing, else
        0.0.

        Args:
            achieved_goal: (2,), or (B, 2).
            desired_goal: likewise.
            info: of that step, or B of them.
        """
        arrived = np.linalg.norm(achieved_goal - desired_goal, axis=-1) < self._radius
        infos = [info] if isinstance(info, Mapping) else info
        touched = np.array([one.get("metrics", {}).get("collision", 0.0) > 0 for one in infos])
        return (arrived & ~touched.reshape(np.shape(arrived))).astype(np.float32)[()]

    def _goal_form(self, obs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        row: Any = self.env.unwrapped.get_state()[0]  # pyright: ignore[reportAttributeAccessIssue]
        heading = float(row["heading"][0])
        own = np.r_[np.cos(heading), np.sin(heading), obs["robot"][3:6]].astype(np.float32)
        return {
            "observation": np.r_[obs["lidar"], own] if "lidar" in obs else own,
            "achieved_goal": np.array([row["x"][0], row["y"][0]], np.float32),
            "desired_goal": np.array([row["goal_x"][0], row["goal_y"][0]], np.float32),
        }
