"""Pages of frames, and numbers that stay known after a correction."""
