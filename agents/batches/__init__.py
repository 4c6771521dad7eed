"""Vector environments and batches of observations, as agents take them."""
