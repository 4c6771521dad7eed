"""Puzzles for one player, in which chance has a part."""
