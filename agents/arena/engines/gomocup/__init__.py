"""Gomocup's protocol for Gomoku: its engines at our tables, and our players as such engines."""
