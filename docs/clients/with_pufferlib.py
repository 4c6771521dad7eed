import json
import sys

import gymnasium
import numpy as np
import pufferlib.emulation
import pufferlib.vector

import quadrivium  # noqa: F401


def make(buf=None, seed=0):
    env = gymnasium.make(sys.argv[1], **json.loads(sys.argv[2]))
    return pufferlib.emulation.GymnasiumPufferEnv(env, buf=buf, seed=seed)


envs = pufferlib.vector.make(make, num_envs=4, backend=pufferlib.vector.Serial)
envs.reset(seed=0)
for _ in range(128):
    envs.step(np.asarray(envs.action_space.sample()))
