"""What the ego sees on a network of roads."""
