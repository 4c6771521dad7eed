"""Chess: rules on bitboards, FEN, SAN and UCI notation."""
