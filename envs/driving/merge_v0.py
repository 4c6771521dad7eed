"""Cars that learn on a highway and on its ramp, for PettingZoo: `merge_v0.parallel_env(drivers=3)`."""

from quadrivium.envs.driving.roads.scenarios.merge import MergeParallelEnv as parallel_env

__all__ = ["parallel_env"]
