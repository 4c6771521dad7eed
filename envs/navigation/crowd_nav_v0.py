"""Robots among people and one another, for PettingZoo: `crowd_nav_v0.parallel_env(robots=3)`."""

from quadrivium.envs.navigation.crowd_nav.env import CrowdNavParallelEnv as parallel_env

__all__ = ["parallel_env"]
