"""Quadrivium's environments. Importing this registers nothing heavy: ids are strings until made."""

import gymnasium


def register_environments() -> None:
    """Registers every environment id; Gymnasium calls this through its plug-in entry point."""
    gymnasium.register(
        id="quadrivium/Highway-v0",
        entry_point="envs.driving.highway.env:HighwayEnv",
        vector_entry_point="envs.driving.highway.env:HighwayVectorEnv",
    )
