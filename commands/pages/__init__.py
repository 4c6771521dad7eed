"""Pages in a browser: to play against the agents, and to look at tournaments."""
