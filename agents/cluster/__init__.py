"""Work on several machines, by Ray: the one room that knows it."""
