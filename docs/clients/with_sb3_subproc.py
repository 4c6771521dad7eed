import json
import sys

from stable_baselines3 import PPO
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.vec_env import SubprocVecEnv

if __name__ == "__main__":
    world, kwargs = "quadrivium:" + sys.argv[1], json.loads(sys.argv[2])  # each process imports quadrivium
    env = make_vec_env(world, n_envs=2, seed=0, env_kwargs=kwargs, vec_env_cls=SubprocVecEnv)
    policy = "MultiInputPolicy" if hasattr(env.observation_space, "spaces") else "MlpPolicy"
    PPO(policy, env, n_steps=128).learn(512)
    env.close()
