import json
import sys

import pettingzoo
import supersuit
from stable_baselines3 import PPO

import quadrivium  # noqa: F401

env = pettingzoo.make("parallel", sys.argv[1], **json.loads(sys.argv[2]))
env = supersuit.pettingzoo_env_to_vec_env_v1(supersuit.black_death_v3(env))
env = supersuit.concat_vec_envs_v1(env, 2, base_class="stable_baselines3")
PPO("MlpPolicy", env, n_steps=64).learn(512)
