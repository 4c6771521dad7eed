"""Quadrivium: worlds and the agents that learn in them. Importing it registers the ids with Gymnasium.

Beside this file a checkout has links to the folders at its top, so that tools which read files find
`quadrivium.envs` where Python does; a wheel has the folders themselves.
"""

from quadrivium import envs

__all__ = ["envs"]
