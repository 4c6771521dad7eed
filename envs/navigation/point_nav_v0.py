"""Robots on the way to goals in one map, for PettingZoo: `point_nav_v0.parallel_env(robots=3)`."""

from quadrivium.envs.navigation.point_nav.env import PointNavParallelEnv as parallel_env

__all__ = ["parallel_env"]
