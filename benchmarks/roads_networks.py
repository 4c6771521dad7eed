"""Arrival in held-out towns against the number of towns that a driver was trained in.

    python benchmarks/roads_networks.py [--towns 1 10 100 1000] [--total-timesteps 2000000] [--plot-only]

Each is trained from configs/driving/roads_ppo.yaml with another `networks`, all else equal, and drives in the
same 500 held-out towns, and as many episodes in its own. Writes benchmarks/results/roads_networks.json and
docs/images/roads_networks.png.
"""

from training_maps import Study, carry_out, options

STUDY = Study(
    *("roads_networks", "driving/roads_ppo.yaml", "networks"),
    ("arrival", "completion", "collision", "off_road"),
    "towns",
    2_000_000,
)

if __name__ == "__main__":
    carry_out(STUDY, options(STUDY, __doc__).parse_args(), {})
