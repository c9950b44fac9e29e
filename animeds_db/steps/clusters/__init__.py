"""Faces grouped by similarity, without examples, and corrections of the groups by people."""
