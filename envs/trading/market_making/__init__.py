"""Quoting on both sides of a market: earn the spread, carry little."""
