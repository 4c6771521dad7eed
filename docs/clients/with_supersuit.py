import json
import sys

import numpy as np
import pettingzoo
import supersuit
from pettingzoo.utils.wrappers import BaseParallelWrapper
from stable_baselines3 import PPO

import quadrivium  # noqa: F401


class Together(BaseParallelWrapper):
    """Who has left stays until the last one leaves, sees zeros and is paid nothing."""

    def reset(self, seed=None, options=None):
        self.agents = list(self.possible_agents)
        return self.env.reset(seed, options)

    def step(self, actions):
        obs, rewards, _, _, infos = self.env.step(actions)
        over, everyone = not self.env.agents, self.possible_agents
        obs = {agent: obs.get(agent, np.zeros_like(self.observation_space(agent).low)) for agent in everyone}
        rewards = {agent: rewards.get(agent, 0.0) for agent in everyone}
        infos = {agent: infos.get(agent, {}) for agent in everyone}
        self.agents = [] if over else list(everyone)
        return obs, rewards, dict.fromkeys(everyone, over), dict.fromkeys(everyone, False), infos


env = Together(pettingzoo.make("parallel", sys.argv[1], **json.loads(sys.argv[2])))
env = supersuit.pettingzoo_env_to_vec_env_v1(env)
env = supersuit.concat_vec_envs_v1(env, 2, base_class="stable_baselines3")
PPO("MlpPolicy", env, n_steps=64).learn(512)
