"""Self-play on many machines: workers play, one learner learns from what they hand in."""
