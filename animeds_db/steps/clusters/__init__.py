"""Faces grouped by likeness, without examples, and what people decide about the groups."""
