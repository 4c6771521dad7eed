"""Maps that robots drive in: drawn at random or read from files, with the shortest ways to their goals."""
