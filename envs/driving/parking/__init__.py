"""A parking lot: one car that is to stand in one bay."""
