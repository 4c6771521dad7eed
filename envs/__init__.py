"""Quadrivium's environments. Importing this registers their ids and nothing heavy: ids are strings until made.

Gymnasium dropped its plug-in entry point in 1.0, so a program says `import envs`, or lets Gymnasium do it:
`gymnasium.make("envs:quadrivium/Highway-v0")`.
"""

import gymnasium


def register_environments() -> None:
    """Registers every environment id."""
    gymnasium.register(
        id="quadrivium/Highway-v0",
        entry_point="envs.driving.highway.env:HighwayEnv",
        vector_entry_point="envs.driving.highway.env:HighwayVectorEnv",
    )


register_environments()
