"""Trains the embedded `tiny` models from procedural drawings alone. Not part of the installed package."""
