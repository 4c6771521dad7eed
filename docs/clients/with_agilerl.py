import json
import sys

import gymnasium
from agilerl.algorithms import PPO
from agilerl.training.train_on_policy import train_on_policy

import quadrivium  # noqa: F401

world, kwargs = sys.argv[1], json.loads(sys.argv[2])
env = gymnasium.make_vec(world, num_envs=4, autoreset_mode="NextStep", **kwargs)
agent = PPO(env.single_observation_space, env.single_action_space, num_envs=4, learn_step=128)
train_on_policy(env, world, "PPO", [agent], max_steps=512, evo_steps=512, eval_steps=50)
