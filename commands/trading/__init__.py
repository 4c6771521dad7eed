"""What the two programs do with trading worlds alone."""
