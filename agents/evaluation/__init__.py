"""Whole episodes of players, and what may be said of them: means, intervals, reports."""
