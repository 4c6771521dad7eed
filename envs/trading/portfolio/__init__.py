"""Several assets: weights at each bar, filled at the next open with every cost that trading has."""
