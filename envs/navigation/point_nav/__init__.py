"""PointNav: robots on the way to goals in maps that they do not know."""
