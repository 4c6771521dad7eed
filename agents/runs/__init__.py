"""What a run leaves on disk: its directory, checkpoints, the state that resumes bit for bit."""
