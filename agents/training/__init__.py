"""The loop of a training: what happens between iterations, and what is counted meanwhile."""
