import json
import sys

import gymnasium
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import VecMonitor

from quadrivium.agents.stable.vec_env import BatchedVecEnv

world, kwargs = sys.argv[1], json.loads(sys.argv[2])
env = VecMonitor(BatchedVecEnv(gymnasium.make_vec(f"quadrivium:{world}", num_envs=64, **kwargs)))
policy = "MultiInputPolicy" if hasattr(env.observation_space, "spaces") else "MlpPolicy"
PPO(policy, env, n_steps=16).learn(2048)
