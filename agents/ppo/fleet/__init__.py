"""PPO on many machines: each worker has a share of the environments, and all of them learn as one."""
