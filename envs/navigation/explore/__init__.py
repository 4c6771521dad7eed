"""Explore: a robot that maps a place which it does not know."""
