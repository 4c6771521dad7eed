"""The map that a robot makes of what it sees, what it finds out by it, and ways through it."""
