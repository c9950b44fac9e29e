"""Outfits: the bodies of one character grouped by their clothes, without examples."""
