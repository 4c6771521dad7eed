"""CrowdNav: a robot on the way to its goal across a place where people walk."""
