"""Cars that learn to cross one another's way, for PettingZoo: `intersection_v0.parallel_env(drivers=3)`."""

from quadrivium.envs.driving.roads.scenarios.intersection import IntersectionParallelEnv as parallel_env

__all__ = ["parallel_env"]
