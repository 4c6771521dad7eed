"""The Go Text Protocol: its engines at our tables, and our players as such engines."""
