import json
import subprocess
import sys

world, kwargs = sys.argv[1], json.loads(sys.argv[2])
with open("zoo.yml", "w") as file:  # YAML; JSON is YAML too
    json.dump({world: {"n_timesteps": 512, "n_steps": 128, "n_envs": 2, "policy": "MlpPolicy"}}, file)
command = f"-m rl_zoo3.train --algo ppo --env {world} --gym-packages quadrivium --conf-file zoo.yml".split()
command += ["--env-kwargs", *(f"{name}:{value!r}" for name, value in kwargs.items())]
subprocess.run([sys.executable, *command], check=True)
