"""Trains an agent.

python train.py                                    # the quickstart: PPO learns Highway
python train.py configs/driving/highway_ppo.yaml --agent.learning-rate 3e-4 --seed 1
python train.py CONFIG --seeds 0-4 --processes 2   # a run a seed, and a table of them all
python train.py --resume runs/NAME                 # as if it had never stopped
python train.py sweep SWEEP.yaml --processes 2     # tries out hyper-parameters, and tells the best
python train.py CONFIG --help                      # every option with its value
"""

import sys

from quadrivium.commands.train import main

if __name__ == "__main__":
    sys.exit(main())
