"""The engine: what every world shares."""
