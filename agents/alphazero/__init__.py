"""AlphaZero on any world whose state is a row: search, self-play, learner."""
