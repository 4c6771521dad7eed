"""Self-play: games, their records, the window of positions to learn from."""
