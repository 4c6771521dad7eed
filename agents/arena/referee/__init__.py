"""Who has lost on time, and which games are decided before their rules end them."""
