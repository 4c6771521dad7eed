import json
import sys

import gymnasium
import minari

import quadrivium  # noqa: F401

world, kwargs = sys.argv[1], json.loads(sys.argv[2])
env = minari.DataCollector(gymnasium.make(world, **kwargs), record_infos=True)
for seed in range(3):
    env.reset(seed=seed)
    over = False
    while not over:
        *_, terminated, truncated, _ = env.step(env.action_space.sample())
        over = terminated or truncated
dataset = env.create_dataset("ours/" + world.split("/")[1].lower(), eval_env=gymnasium.spec(world))
print(dataset.total_episodes, "episodes,", dataset.total_steps, "steps")
