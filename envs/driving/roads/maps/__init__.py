"""Networks of roads to drive on: many in a bank, drawn at random or read from files."""
