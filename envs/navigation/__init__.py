"""Robot navigation: robots with lidar among walls and moving people."""
