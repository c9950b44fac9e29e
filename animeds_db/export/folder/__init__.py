"""Writes a folder or bucket that is either complete or absent, and everything in it besides the pictures."""
