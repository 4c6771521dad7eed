"""Market data and what is learned from: bars, the loader, the simulator, features and splits."""
