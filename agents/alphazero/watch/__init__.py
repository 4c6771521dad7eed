"""What a run of AlphaZero shows of itself: a ladder, an exam, games, charts."""
