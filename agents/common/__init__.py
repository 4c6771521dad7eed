"""What all agents share: run directories, checkpoints, vector environments."""
