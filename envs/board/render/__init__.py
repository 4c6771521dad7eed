"""Pictures and text of board positions. Importing this loads pygame: only those who draw do."""

from envs.board.ansi import ansi
from envs.board.render.renderer import BoardRenderer
from envs.board.render.studies import StudyRenderer

__all__ = ["BoardRenderer", "StudyRenderer", "ansi"]
