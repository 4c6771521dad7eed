"""Files of prices and of trades, read and checked."""
