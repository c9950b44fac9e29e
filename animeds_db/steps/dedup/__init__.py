"""Near-duplicates, and footage that episodes share."""
