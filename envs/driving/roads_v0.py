"""Cars that learn in one town, for PettingZoo: `roads_v0.parallel_env(drivers=3)`."""

from quadrivium.envs.driving.roads.scenarios.roads import RoadsParallelEnv as parallel_env

__all__ = ["parallel_env"]
