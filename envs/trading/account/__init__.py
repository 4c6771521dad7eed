"""The account of a world over bars: what trading and holding cost, and what is kept of it."""
