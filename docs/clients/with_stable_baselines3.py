import json
import sys

from stable_baselines3 import PPO
from stable_baselines3.common.env_util import make_vec_env

import quadrivium  # noqa: F401 (registers the ids)

world, kwargs = sys.argv[1], json.loads(sys.argv[2])
env = make_vec_env(world, n_envs=4, seed=0, env_kwargs=kwargs)
policy = "MultiInputPolicy" if hasattr(env.observation_space, "spaces") else "MlpPolicy"
PPO(policy, env, n_steps=64).learn(512)
