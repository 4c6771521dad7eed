"""Engines: programs that play by GTP or UCI, as players at our tables; and our players as such programs."""
