"""A put that may be exercised on many dates: when to stop waiting."""
