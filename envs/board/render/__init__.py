"""Pictures and text of board positions. Importing this loads pygame: only those who draw do."""

from quadrivium.envs.board.ansi import ansi
from quadrivium.envs.board.render.renderer import BoardRenderer
from quadrivium.envs.board.render.studies import StudyRenderer

__all__ = ["BoardRenderer", "StudyRenderer", "ansi"]
