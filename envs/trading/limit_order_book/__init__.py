"""A limit order book with price-time priority, and the worlds of those who trade in it."""
