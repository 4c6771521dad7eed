"""What a row of a bank's bars holds: constants that kernels share with who fills the arrays."""

OPEN, HIGH, LOW, CLOSE, VOLUME, SIGMA, ADV = range(7)
"""Prices and units; SIGMA and ADV of a row are of the last 20 bars, its own included."""
