import json
import sys

from torchrl.collectors import Collector
from torchrl.envs import GymEnv, check_env_specs

import quadrivium  # noqa: F401

env = GymEnv(sys.argv[1], **json.loads(sys.argv[2]))
check_env_specs(env)
for batch in Collector(env, None, frames_per_batch=128, total_frames=512):  # None: at random
    print(batch["next", "reward"].mean().item())
