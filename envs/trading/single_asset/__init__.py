"""One asset: a target position at each bar, filled at the next open with every cost that trading has."""
