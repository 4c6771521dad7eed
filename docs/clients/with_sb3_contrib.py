import json
import sys

import gymnasium
from sb3_contrib import MaskablePPO

import quadrivium  # noqa: F401

world, kwargs = sys.argv[1], json.loads(sys.argv[2])
env = gymnasium.make(world, **kwargs)  # its `action_masks()` is found
policy = "MultiInputPolicy" if hasattr(env.observation_space, "spaces") else "MlpPolicy"
MaskablePPO(policy, env, n_steps=128).learn(512)
