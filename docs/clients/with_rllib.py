import json
import sys

import gymnasium
from ray.rllib.algorithms.ppo import PPOConfig
from ray.tune.registry import register_env

world, kwargs = sys.argv[1], json.loads(sys.argv[2])
register_env("ours", lambda config: gymnasium.make(f"quadrivium:{world}", **kwargs))
config = PPOConfig().environment("ours").env_runners(num_env_runners=1, num_cpus_per_env_runner=0.5)
config.training(train_batch_size=512, minibatch_size=128, num_epochs=1)
agent = config.build_algo()
print(agent.train()["num_env_steps_sampled_lifetime"])
agent.stop()
