"""A folder or bucket that appears whole or not at all, and everything in it that is not a picture."""
