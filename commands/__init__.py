"""The programs behind `python train.py`, `python evaluate.py` and `quadrivium`."""

if __name__ == "commands":  # found in the folder of a checkout
    raise ImportError("there is no package commands: write quadrivium.commands")
