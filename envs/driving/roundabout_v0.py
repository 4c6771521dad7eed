"""Cars that learn in one roundabout, for PettingZoo: `roundabout_v0.parallel_env(drivers=3)`."""

from quadrivium.envs.driving.roads.scenarios.roundabout import RoundaboutParallelEnv as parallel_env

__all__ = ["parallel_env"]
