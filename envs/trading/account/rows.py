"""What a row of a bank's bars holds: constants that kernels share with who fills the arrays."""

DIVIDEND, FUNDING, DELISTED = range(3)
"""What happens to an asset in a bar: money a unit paid at its open; share of the value that what is long pays
at its close; 1 once it is not traded any more.
"""

OPEN, HIGH, LOW, CLOSE, VOLUME, SIGMA, ADV = range(7)
"""Prices and units; SIGMA and ADV of a row are of the last 20 bars, its own included."""
