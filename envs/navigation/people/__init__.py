"""People on foot: how they choose where to walk among others."""
