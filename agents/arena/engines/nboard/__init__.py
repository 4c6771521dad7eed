"""The NBoard protocol for Othello: its engines at our tables, and our players as such engines."""
