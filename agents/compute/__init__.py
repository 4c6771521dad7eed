"""What networks are computed with: devices, threads, an optimizer, operations on many parameters at once."""
